"""From checked data to a pipeline: defaults are filled in and names become what they name."""

from collections.abc import Mapping
from pathlib import Path

from ebats.pipelines import template
from ebats.pipelines.address import resolve_broker
from ebats.pipelines.model import (
    Consumer,
    EntryPoint,
    Event,
    EventTask,
    Exchange,
    FileSink,
    Ladder,
    Pipeline,
    PythonSink,
    Queue,
    Sink,
    StdSink,
    Task,
)
from ebats.pipelines.secrets import shown
from ebats.pipelines.values import Values
from ebats.pipelines.wording import suggest

#: The consumer of a file without the section `consumers`.
ONLY_CONSUMER = "all"
PROCESSES = 1
CONCURRENCY = 8
#: Messages a process holds for each of its slots, so that none waits for the broker.
PREFETCH_A_SLOT = 8
CRASHES = 5
_LONGEST_TIMEOUT_MS = 20 * 60_000
_SMALLEST_MEMORY = 32_000_000


def resolve(values: Values, folder: Path) -> Pipeline:
    """Return the pipeline that a file describes.

    What is wrong goes to `values.problems`, and something stands in for it so
    that the rest can still be looked at: a pipeline with errors must not be run.
    """
    name = values.get("name") or "pipeline"
    exchanges = {key: _exchange(values, name, key) for key in values.keys("exchanges")}
    queues = {key: _queue(values, name, key) for key in values.keys("queues")}
    tasks = _tasks(values, name, queues)
    queues |= {task.queue.name: task.queue for task in tasks.values()}
    return Pipeline(
        name=name,
        file=values.source.file,
        folder=str(folder),
        timezone=_timezone(values),
        grace_s=values.seconds("grace", default="30s", low=0),
        unrouted=values.get("unrouted") or "dead",
        environment=values.get("environment"),
        broker=resolve_broker(values, name, folder),
        exchanges=exchanges,
        queues=queues,
        tasks=tasks,
        events={key: _event(values, key, exchanges, tasks) for key in values.keys("events")},
        consumers=_consumers(values, queues),
        sinks=tuple(_sink(values, key, folder) for key in values.keys("logs")) or (StdSink(name="std"),),
    )


def _timezone(values: Values) -> str:
    name: str = values.get("timezone") or "UTC"
    if name != "UTC":
        import zoneinfo

        try:
            zoneinfo.ZoneInfo(name)
        except (OSError, ValueError, zoneinfo.ZoneInfoNotFoundError):
            near = suggest(name, sorted(zoneinfo.available_timezones()))
            hint = near if near.startswith("did") else "write an IANA name, such as Europe/Berlin"
            values.error(("timezone",), f"there is no time zone `{shown(name)}`", hint)
    return name


def _exchange(values: Values, pipeline: str, name: str) -> Exchange:
    return Exchange(
        name=name,
        broker_name=f"{pipeline}.{name}",
        type=values.get("exchanges", name, "type") or "topic",
        place=values.source.key_place(("exchanges", name)),
    )


def _queue(values: Values, pipeline: str, name: str) -> Queue:
    return Queue(
        name=name,
        broker_name=f"{pipeline}.{name}",
        type=values.get("queues", name, "type") or "quorum",
        ack=values.get("queues", name, "ack") or "late",
        crashes=int(values.get("queues", name, "crashes") or CRASHES),
        place=values.source.key_place(("queues", name)),
    )


def _tasks(values: Values, pipeline: str, queues: Mapping[str, Queue]) -> dict[str, Task]:
    ladders = {name: _ladder(values, "ladders", name) for name in values.keys("ladders")}
    return {name: _task(values, pipeline, name, queues, ladders) for name in values.keys("tasks")}


def _ladder(values: Values, *path: str) -> Ladder:
    rungs = (values.duration_ms(*path, index) for index, _ in values.items(*path))
    return Ladder(rungs_ms=tuple(rungs))


def _task(
    values: Values, pipeline: str, name: str, queues: Mapping[str, Queue], ladders: Mapping[str, Ladder]
) -> Task:
    place = values.source.key_place(("tasks", name))
    if "queue" in values.keys("tasks", name):
        queue = values.reference("tasks", name, "queue", kind="queue", known=queues)
    else:
        queue = queues.get(name)
    if isinstance(values.get("tasks", name, "retry"), list):
        ladder: Ladder | None = _ladder(values, "tasks", name, "retry")
    else:
        ladder = values.reference("tasks", name, "retry", kind="ladder", known=ladders)
    return Task(
        name=name,
        python=values.entry_point("tasks", name, "python")
        or EntryPoint(module="", attribute="", place=place),
        queue=queue or Queue(name=name, broker_name=f"{pipeline}.{name}", place=place),
        ladder=ladder,
        timeout_s=values.seconds("tasks", name, "timeout", default="5m", high=_LONGEST_TIMEOUT_MS),
        place=place,
    )


def _event(values: Values, name: str, exchanges: Mapping[str, Exchange], tasks: Mapping[str, Task]) -> Event:
    exchange = values.reference("events", name, "exchange", kind="exchange", known=exchanges)
    return Event(
        name=name,
        exchange=exchange,
        key=values.get("events", name, "key") or ("" if exchange else name),
        tasks=_event_tasks(values, name, tasks),
        format=values.get("events", name, "format") or "json",
        labels=_labels(values, name),
        place=values.source.key_place(("events", name)),
    )


def _event_tasks(values: Values, event: str, tasks: Mapping[str, Task]) -> tuple[EventTask, ...]:
    found = []
    for index, item in values.items("events", event, "tasks"):
        path = ("events", event, "tasks", index)
        is_name = isinstance(item, str)
        task = values.reference(*path, *(() if is_name else ("task",)), kind="task", known=tasks)
        delay_ms = 0 if is_name else values.duration_ms(*path, "delay")
        if task:
            found.append(EventTask(task=task, delay_ms=delay_ms, place=values.source.place(path)))
    return tuple(found)


def _labels(values: Values, event: str) -> dict[str, str]:
    labels = {
        name: values.get("events", event, "labels", name) for name in values.keys("events", event, "labels")
    }
    for name, text in labels.items():
        try:
            template.parse(text or "")
        except ValueError as error:
            values.error(("events", event, "labels", name), "this template can't be read", str(error))
    return {name: text for name, text in labels.items() if text}


def _consumers(values: Values, queues: Mapping[str, Queue]) -> dict[str, Consumer]:
    """Return the consumers; one without `queues` takes those that no other names."""
    names = list(values.keys("consumers")) or ([ONLY_CONSUMER] if queues else [])
    named = {name: _named_queues(values, name, queues) for name in names}
    taken = {queue.name for chosen in named.values() for queue in chosen}
    rest = tuple(queue for queue in queues.values() if queue.name not in taken)
    return {
        name: _consumer(values, name, chosen if "queues" in values.keys("consumers", name) else rest)
        for name, chosen in named.items()
    }


def _named_queues(values: Values, consumer: str, queues: Mapping[str, Queue]) -> tuple[Queue, ...]:
    paths = [
        ("consumers", consumer, "queues", index) for index, _ in values.items("consumers", consumer, "queues")
    ]
    found = [values.reference(*path, kind="queue", known=queues) for path in paths]
    return tuple(queue for queue in found if queue)


def _consumer(values: Values, name: str, queues: tuple[Queue, ...]) -> Consumer:
    path = ("consumers", name)
    concurrency = int(values.get(*path, "concurrency") or CONCURRENCY)
    max_tasks = values.get(*path, "max_tasks")
    return Consumer(
        name=name,
        queues=queues,
        processes=int(values.get(*path, "processes") or PROCESSES),
        concurrency=concurrency,
        prefetch=int(values.get(*path, "prefetch") or _prefetch(concurrency, len(queues))),
        max_tasks=int(max_tasks) if max_tasks else None,
        max_memory=values.size(*path, "max_memory", low=_SMALLEST_MEMORY),
        on_start=values.entry_point(*path, "on_start"),
        on_stop=values.entry_point(*path, "on_stop"),
        on_error=values.entry_point(*path, "on_error"),
        place=values.source.key_place(path),
    )


def _prefetch(concurrency: int, queues: int) -> int:
    return min(65_535, max(concurrency * PREFETCH_A_SLOT, queues))


def _sink(values: Values, name: str, folder: Path) -> Sink:
    python = values.entry_point("logs", name, "python")
    if python:
        return PythonSink(name=name, python=python, level=values.get("logs", name, "level") or "info")
    if "file" not in values.keys("logs", name):
        return StdSink(name=name, level=values.get("logs", name, "std", "level") or "info")
    path = ("logs", name, "file")
    retention = values.get(*path, "retention")
    return FileSink(
        name=name,
        path=str(folder / (values.get(*path, "path") or "")),
        level=values.get(*path, "level") or "info",
        rotation=values.size(*path, "rotation", low=1_000_000),
        retention=int(retention) if retention else None,
    )
