"""From checked data to a pipeline: defaults are filled in and names become what they name."""

from collections.abc import Mapping

from ebats.pipelines import rules, template
from ebats.pipelines.address import resolve_broker
from ebats.pipelines.entry_point import EntryPoint
from ebats.pipelines.ladder import LONGEST_RUNG_MS
from ebats.pipelines.model import (
    Consumer,
    Event,
    EventTask,
    Exchange,
    Ladder,
    Pipeline,
    Queue,
    Task,
    generation_of,
)
from ebats.pipelines.payload_schema import resolve_schema
from ebats.pipelines.resolve_alerts import resolve_alerts
from ebats.pipelines.resolve_http import HTTP_TIMEOUT, resolve_http
from ebats.pipelines.resolve_logs import resolve_logs, resolve_task_logs
from ebats.pipelines.resolve_producers import resolve_producers
from ebats.pipelines.values import Values

#: The consumer of a file without the section `consumers`.
ONLY_CONSUMER = "all"
PROCESSES = 1
CONCURRENCY = 8
#: Messages a process holds for each of its slots, so that none waits for the broker.
PREFETCH_A_SLOT = 8
#: So many times as many while its tasks are short; see `runner/broker/appetite.py`.
GROWTH = 4
#: Of a consumer whose tasks are all HTTP requests.
HTTP_CONCURRENCY = 200
HTTP_PREFETCH_A_SLOT = 2
CRASHES = 5
_SMALLEST_MEMORY = 32_000_000


def resolve(values: Values) -> Pipeline:
    """Return the pipeline that a file describes.

    What is wrong goes to `values.problems`, and something stands in for it so
    that the rest can still be looked at: a pipeline with errors must not be run.
    """
    name = values.get("name") or "pipeline"
    exchanges = {key: _exchange(values, name, key) for key in values.keys("exchanges")}
    generations = _generations(values)
    queues = {key: _queue(values, name, key, generations) for key in values.keys("queues")}
    tasks = _tasks(values, name, queues, generations)
    queues |= {task.queue.name: task.queue for task in tasks.values()}
    timezone = _timezone(values)
    events = {key: _event(values, key, exchanges, queues, tasks) for key in values.keys("events")}
    return Pipeline(
        name=name,
        file=values.source.file,
        folder=str(values.source.folder()),
        included=tuple(dict.fromkeys(str(folder) for folder in values.source.included)),
        timezone=timezone,
        grace_s=values.seconds("grace", default="30s", low=0),
        unrouted=values.get("unrouted") or "dead",
        environment=values.get("environment"),
        broker=resolve_broker(values, name),
        exchanges=exchanges,
        queues=queues,
        generations=generations,
        tasks=tasks,
        events=events,
        producers=resolve_producers(values, timezone, events, tasks),
        consumers=_consumers(values, queues, events, tasks),
        sinks=resolve_logs(values),
        alerts=resolve_alerts(values, tasks, events, queues),
    )


def _timezone(values: Values) -> str:
    values.check_timezone("timezone")
    return values.get("timezone") or "UTC"


def _exchange(values: Values, pipeline: str, name: str) -> Exchange:
    external = bool(values.get("exchanges", name, "external"))
    return Exchange(
        name=name,
        broker_name=values.get("exchanges", name, "name") or (name if external else f"{pipeline}.{name}"),
        type=values.get("exchanges", name, "type") or "topic",
        external=external,
        place=values.source.key_place(("exchanges", name)),
    )


def _generations(values: Values) -> dict[str, int]:
    found = {name: values.get("generations", name) for name in values.keys("generations")}
    return {name: int(number) for name, number in found.items() if number}


def _queue(values: Values, pipeline: str, name: str, generations: Mapping[str, int]) -> Queue:
    external = bool(values.get("queues", name, "external"))
    ours = f"{pipeline}.{generation_of(name, generations)}"
    return Queue(
        name=name,
        broker_name=values.get("queues", name, "name") or (name if external else ours),
        external=external,
        type=values.get("queues", name, "type") or "quorum",
        ack=values.get("queues", name, "ack") or "late",
        crashes=int(values.get("queues", name, "crashes") or CRASHES),
        place=values.source.key_place(("queues", name)),
    )


def _tasks(
    values: Values,
    pipeline: str,
    queues: Mapping[str, Queue],
    generations: Mapping[str, int],
) -> dict[str, Task]:
    ladders = {name: _ladder(values, "ladders", name) for name in values.keys("ladders")}
    names = values.keys("tasks")
    return {
        name: _task(values, name, _task_queues(values, pipeline, name, queues, generations), ladders)
        for name in names
    }


def _ladder(values: Values, *path: str) -> Ladder:
    rungs = (values.duration_ms(*path, index, high=LONGEST_RUNG_MS) for index, _ in values.items(*path))
    return Ladder(rungs_ms=tuple(rungs), name=path[1] if path[0] == "ladders" else None)


def _task_queues(
    values: Values, pipeline: str, task: str, queues: Mapping[str, Queue], generations: Mapping[str, int]
) -> tuple[Queue, ...]:
    """Return the queues that may feed a task, its default first."""
    path = ("tasks", task)
    chosen = values.references(*path, "queues", kind="queue", known=queues)
    if "queue" in values.keys(*path):
        default = values.reference(*path, "queue", kind="queue", known=queues)
        if chosen and default and default not in chosen:
            text = f"`{default.name}` isn't among the `queues` of `{task}`"
            values.problem(
                rules.NOT_ALLOWED_QUEUE,
                (*path, "queue"),
                text,
                "add it there, or take `queue` out: the first is the default",
            )
        chosen = (*((default,) if default else ()), *(queue for queue in chosen if queue != default))
    own = queues.get(task) or Queue(
        name=task,
        broker_name=f"{pipeline}.{generation_of(task, generations)}",
        place=values.source.key_place(path),
    )
    return chosen or (own,)


def _task(values: Values, name: str, queues: tuple[Queue, ...], ladders: Mapping[str, Ladder]) -> Task:
    place = values.source.key_place(("tasks", name))
    python, http = values.entry_point("tasks", name, "python"), resolve_http(values, name)
    if isinstance(values.get("tasks", name, "retry"), list):
        ladder: Ladder | None = _ladder(values, "tasks", name, "retry")
    else:
        ladder = values.reference("tasks", name, "retry", kind="ladder", known=ladders)
    return Task(
        name=name,
        python=python if python or http else EntryPoint(module="", attribute="", place=place),
        http=http,
        queue=queues[0],
        queues=queues,
        ladder=ladder,
        timeout_s=values.seconds_or_none("tasks", name, "timeout", default=HTTP_TIMEOUT if http else "5m"),
        then=_event_name(values, name, "then"),
        on_dead=_event_name(values, name, "on_dead"),
        logs=resolve_task_logs(values, name),
        owner=values.get("tasks", name, "owner"),
        place=place,
    )


def _event_name(values: Values, task: str, key: str) -> str | None:
    path = ("tasks", task, key)
    # Looked up only where it is needed: there may be a thousand of both.
    name = values.get(*path)
    known = {event: event for event in values.keys("events")} if name is not None else {}
    return values.reference(*path, kind="event", known=known)


def _event(
    values: Values,
    name: str,
    exchanges: Mapping[str, Exchange],
    queues: Mapping[str, Queue],
    tasks: Mapping[str, Task],
) -> Event:
    exchange = values.reference("events", name, "exchange", kind="exchange", known=exchanges)
    return Event(
        name=name,
        exchange=exchange,
        keys=_keys(values, name) or ("" if exchange else name,),
        queue=values.reference("events", name, "queue", kind="queue", known=queues),
        tasks=_event_tasks(values, name, queues, tasks),
        format=values.get("events", name, "format") or "json",
        schema=resolve_schema(values, name),
        labels=_labels(values, name),
        owner=values.get("events", name, "owner"),
        place=values.source.key_place(("events", name)),
    )


def _keys(values: Values, event: str) -> tuple[str, ...]:
    if isinstance(key := values.get("events", event, "key"), str):
        return (key,)
    return tuple(dict.fromkeys(key for _, key in values.items("events", event, "key")))


def _event_tasks(
    values: Values, event: str, queues: Mapping[str, Queue], tasks: Mapping[str, Task]
) -> tuple[EventTask, ...]:
    found = []
    for index, item in values.items("events", event, "tasks"):
        path = ("events", event, "tasks", index)
        is_name = isinstance(item, str)
        task = values.reference(*path, *(() if is_name else ("task",)), kind="task", known=tasks)
        delay_ms = 0 if is_name else values.duration_ms(*path, "delay", high=LONGEST_RUNG_MS)
        queue = None if is_name else values.reference(*path, "queue", kind="queue", known=queues)
        if task:
            place = values.source.place(path)
            found.append(EventTask(task=task, queue=queue or task.queue, delay_ms=delay_ms, place=place))
    return tuple(found)


def _labels(values: Values, event: str) -> dict[str, str]:
    labels = {
        name: values.get("events", event, "labels", name) for name in values.keys("events", event, "labels")
    }
    for name, text in labels.items():
        try:
            template.parse(text or "")
        except ValueError as error:
            values.problem(
                rules.BAD_TEMPLATE,
                ("events", event, "labels", name),
                "this template can't be read",
                str(error),
            )
    return {name: text for name, text in labels.items() if text}


def _consumers(
    values: Values, queues: Mapping[str, Queue], events: Mapping[str, Event], tasks: Mapping[str, Task]
) -> dict[str, Consumer]:
    """Return the consumers; one without `queues` takes those that no other names."""
    used = {event.queue.name for event in events.values() if event.queue}
    used |= {queue.name for task in tasks.values() for queue in task.queues}
    # Somebody else's that nothing here takes from is only published to.
    takeable = [queue for queue in queues.values() if not queue.external or queue.name in used]
    names = list(values.keys("consumers")) or ([ONLY_CONSUMER] if takeable else [])
    named = {
        name: values.references("consumers", name, "queues", kind="queue", known=queues) for name in names
    }
    taken = {queue.name for chosen in named.values() for queue in chosen}
    rest = tuple(queue for queue in takeable if queue.name not in taken)
    return {
        name: _consumer(values, name, chosen if "queues" in values.keys("consumers", name) else rest, tasks)
        for name, chosen in named.items()
    }


def _consumer(values: Values, name: str, queues: tuple[Queue, ...], tasks: Mapping[str, Task]) -> Consumer:
    path = ("consumers", name)
    names = {queue.name for queue in queues}
    own = [task for task in tasks.values() if any(queue.name in names for queue in task.queues)]
    # A request holds no thread, and mostly waits.
    is_http = bool(own) and all(task.http for task in own)
    concurrency = int(values.get(*path, "concurrency") or (HTTP_CONCURRENCY if is_http else CONCURRENCY))
    named = int(values.get(*path, "prefetch") or 0)
    prefetch = _prefetch(concurrency * (HTTP_PREFETCH_A_SLOT if is_http else PREFETCH_A_SLOT), len(queues))
    max_tasks = values.get(*path, "max_tasks")
    return Consumer(
        name=name,
        queues=queues,
        processes=int(values.get(*path, "processes") or PROCESSES),
        concurrency=concurrency,
        prefetch=named or prefetch,
        growth=1 if named else GROWTH,
        max_tasks=int(max_tasks) if max_tasks else None,
        max_memory=values.size(*path, "max_memory", low=_SMALLEST_MEMORY),
        on_start=values.entry_point(*path, "on_start"),
        on_stop=values.entry_point(*path, "on_stop"),
        on_error=values.entry_point(*path, "on_error"),
        place=values.source.key_place(path),
    )


def _prefetch(wanted: int, queues: int) -> int:
    return min(65_535, max(wanted, queues))
