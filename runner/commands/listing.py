"""What is in a file, section by section, as rows of names and values: for tables and for programs."""

from collections.abc import Callable, Mapping
from typing import Any

from ebats.pipelines import ladder
from ebats.pipelines.ladder import format_duration, parse_duration
from ebats.pipelines.load import Loaded
from ebats.pipelines.masked import host_of
from ebats.pipelines.model import Event, Task
from ebats.pipelines.producer import HttpProducer, PythonProducer
from ebats.pipelines.secrets import HIDDEN, hide, one_line
from ebats.pipelines.sink import ElasticSink, FileSink, PythonSink
from ebats.pipelines.topology import exchange_of

#: A value is a text, a number, true or false, a list of texts, or None.
Row = dict[str, Any]


def exchanges(loaded: Loaded) -> list[Row]:
    """Return the exchanges of the file, behind the pipeline's own."""
    pipeline = loaded.pipeline
    own = [
        (None, pipeline.on_broker("events"), "topic", False),
        (None, pipeline.on_broker("tasks"), "direct", False),
    ]
    written = [
        (each.name, each.broker_name, each.type, each.external) for each in pipeline.exchanges.values()
    ]
    return [
        {
            "name": name,
            "on_broker": broker_name,
            "type": kind,
            "external": external,
            "events": _names(
                each
                for each in pipeline.events.values()
                if not each.queue and exchange_of(pipeline, each) == broker_name
            ),
        }
        for name, broker_name, kind, external in (*own, *written)
    ]


def queues(loaded: Loaded) -> list[Row]:
    """Return the work queues, those of tasks without one among them."""
    pipeline = loaded.pipeline
    return [
        {
            "name": queue.name,
            "on_broker": queue.broker_name,
            "type": queue.type,
            "external": queue.external,
            "ack": queue.ack,
            "crashes": queue.crashes,
            "tasks": _names(task for task in pipeline.tasks.values() if queue in task.queues),
            "events": _names(event for event in pipeline.events.values() if event.queue == queue),
            "consumers": _names(each for each in pipeline.consumers.values() if queue in each.queues),
        }
        for queue in pipeline.queues.values()
    ]


def ladders(loaded: Loaded) -> list[Row]:
    """Return the ladders of the file by name, then those that tasks have in place."""
    tasks = loaded.source.data.get("tasks") or {}
    retries = {name: (task or {}).get("retry") for name, task in tasks.items()}
    named = loaded.source.data.get("ladders") or {}
    found = [
        _ladder(name, waits, [each for each in tasks if retries[each] == name])
        for name, waits in named.items()
    ]
    return found + [
        _ladder(None, waits, [task]) for task, waits in retries.items() if isinstance(waits, list)
    ]


def tasks(loaded: Loaded) -> list[Row]:
    """Return the tasks."""
    pipeline = loaded.pipeline
    return [
        {
            "name": task.name,
            "runs": _what(task, is_secret=("tasks", task.name, "http", "url") in loaded.source.secrets),
            "queues": [queue.name for queue in task.queues],
            "events": _names(
                event for event in pipeline.events.values() if any(each.task == task for each in event.tasks)
            ),
            "retry": [format_duration(ms) for ms in task.ladder.rungs_ms] if task.ladder else [],
            "attempts": ladder.attempts(task.ladder),
            "timeout": _duration(task.timeout_s),
            "then": task.then,
            "on_dead": task.on_dead,
            "owner": task.owner,
        }
        for task in pipeline.tasks.values()
    ]


def events(loaded: Loaded) -> list[Row]:
    """Return the events, each with where it comes from and the tasks that follow."""
    pipeline = loaded.pipeline
    return [
        {
            "name": event.name,
            "exchange": None if event.queue else exchange_of(pipeline, event),
            "keys": [] if event.queue else list(event.keys),
            "queue": event.queue.broker_name if event.queue else None,
            "tasks": _event_tasks(event),
            "format": event.format,
            "schema": event.schema.where if event.schema else None,
            "labels": list(event.labels),
            "owner": event.owner,
        }
        for event in pipeline.events.values()
    ]


def producers(loaded: Loaded) -> list[Row]:
    """Return the producers."""
    pipeline = loaded.pipeline
    found: list[Row] = []
    for producer in pipeline.producers.values():
        if isinstance(producer, HttpProducer):
            row: Row = {"does": "http", "with": f"{producer.host}:{producer.port}", "publishes": None}
        elif isinstance(producer, PythonProducer):
            row = {"does": "python", "with": str(producer.python), "publishes": producer.event}
        else:
            every = None if producer.every_ms is None else format_duration(producer.every_ms)
            when = producer.cron or every or "at the start"
            row = {"does": "clock", "with": when, "publishes": producer.event or producer.task}
        found.append({"name": producer.name, **row})
    return found


def consumers(loaded: Loaded) -> list[Row]:
    """Return the consumers, the one of a file without that section too."""
    pipeline = loaded.pipeline
    return [
        {
            "name": consumer.name,
            "queues": [queue.name for queue in consumer.queues],
            "processes": consumer.processes,
            "concurrency": consumer.concurrency,
            "prefetch": consumer.prefetch,
            "max_tasks": consumer.max_tasks,
            "max_memory": consumer.max_memory,
        }
        for consumer in pipeline.consumers.values()
    ]


def sinks(loaded: Loaded) -> list[Row]:
    """Return the sinks of records."""
    pipeline = loaded.pipeline
    found: list[Row] = []
    for sink in pipeline.sinks:
        kind, where = "std", "standard output"
        if isinstance(sink, FileSink):
            kind, where = "file", sink.path
        elif isinstance(sink, PythonSink):
            kind, where = "python", str(sink.python)
        elif isinstance(sink, ElasticSink):
            kind, where = "elasticsearch", f"{', '.join(sink.hosts)} {sink.data_stream}"
        payload = None if isinstance(sink, PythonSink) else sink.exposure.payload
        found.append(
            {"name": sink.name, "kind": kind, "to": hide(where), "level": sink.level, "payload": payload}
        )
    return found


def rules(loaded: Loaded) -> list[Row]:
    """Return the rules of the alerts."""
    pipeline = loaded.pipeline
    return [
        {
            "name": rule.name,
            "condition": rule.condition,
            "threshold": rule.threshold,
            "window": _duration(rule.window_s),
            "severity": rule.severity,
            "of": [*rule.tasks, *rule.events, *rule.queues],
            "channels": list(rule.channels),
            "owner": rule.owner,
        }
        for rule in (pipeline.alerts.rules if pipeline.alerts else ())
    ]


def channels(loaded: Loaded) -> list[Row]:
    """Return the channels of the alerts; of a URL the host alone, for the rest of it is a key."""
    pipeline = loaded.pipeline
    found: list[Row] = []
    for channel in (pipeline.alerts.channels if pipeline.alerts else {}).values():
        kind = type(channel).__name__.removesuffix("Channel").lower()
        to = host_of(url) if (url := getattr(channel, "url", None)) else ""
        found.append({"name": channel.name, "kind": kind, "to": to or _to(channel)})
    return found


SECTIONS: Mapping[str, Callable[[Loaded], list[Row]]] = {
    "exchanges": exchanges,
    "queues": queues,
    "ladders": ladders,
    "tasks": tasks,
    "events": events,
    "producers": producers,
    "consumers": consumers,
    "sinks": sinks,
    "rules": rules,
    "channels": channels,
}

#: What stands in a table: the rest is for programs.
SHOWN: Mapping[str, tuple[str, ...]] = {
    "exchanges": ("name", "on_broker", "type", "external", "events"),
    "queues": ("name", "on_broker", "type", "tasks", "events", "consumers"),
    "ladders": ("name", "waits", "attempts", "longest", "tasks"),
    "tasks": ("name", "runs", "queues", "events", "retry", "timeout", "then", "on_dead"),
    "events": ("name", "exchange", "keys", "queue", "tasks", "format", "schema"),
    "producers": ("name", "does", "with", "publishes"),
    "consumers": ("name", "queues", "processes", "concurrency", "prefetch"),
    "sinks": ("name", "kind", "to", "level", "payload"),
    "rules": ("name", "condition", "threshold", "window", "severity", "of", "channels", "owner"),
    "channels": ("name", "kind", "to"),
}


def _names(of: Any) -> list[str]:
    return [each.name for each in of]


def _ladder(name: str | None, waits: list[str], used_by: list[str]) -> Row:
    in_all_ms = sum(parse_duration(wait) for wait in waits)
    longest = format_duration(in_all_ms)
    return {"name": name, "waits": waits, "attempts": len(waits) + 1, "longest": longest, "tasks": used_by}


def _what(task: Task, *, is_secret: bool) -> str:
    if task.http is None:
        return str(task.python)
    if task.http.pointer is not None:
        return "requests of the payload"
    return f"{task.http.method} {HIDDEN if is_secret else hide(one_line(task.http.url))}"


def _event_tasks(event: Event) -> list[str]:
    """Return an event's tasks, each with its delay, and its queue where that isn't the task's first."""
    return [
        each.task.name
        + (f"@{each.queue.name}" if each.queue != each.task.queue else "")
        + (f" +{format_duration(each.delay_ms)}" if each.delay_ms else "")
        for each in event.tasks
    ]


def _duration(seconds: float | None) -> str:
    return "none" if seconds is None else format_duration(round(seconds * 1000))


def _to(channel: Any) -> str:
    return ", ".join(getattr(channel, "to", ())) or str(getattr(channel, "python", ""))
