"""What feeds what in a pipeline, as a small value that is kept on the broker: tasks, events, queues."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, NamedTuple

from ebats.pipelines.model import Event, Pipeline, Task


class WiredTask(NamedTuple):
    """A task: what it does, and which queues may feed it."""

    #: Its Python function, or its request: a task of another name that does the same is the same, renamed.
    does: str
    #: Names of the file; the first feeds it where nobody chooses.
    queues: tuple[str, ...]


class WiredEventTask(NamedTuple):
    """A task of an event, the queue that it runs from, and its delay."""

    task: str
    #: The file's name.
    queue: str
    delay_ms: int


class WiredEvent(NamedTuple):
    """An event: what its messages are, and what follows from them."""

    #: The broker's name.
    exchange: str
    type: str
    keys: tuple[str, ...]
    #: The broker's name of its intake, instead of exchange and keys.
    queue: str | None
    format: str
    tasks: tuple[WiredEventTask, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """All of a pipeline that decides where a message goes."""

    tasks: Mapping[str, WiredTask] = field(default_factory=dict)
    events: Mapping[str, WiredEvent] = field(default_factory=dict)
    #: Names of the file to the broker's.
    queues: Mapping[str, str] = field(default_factory=dict)


def wire(pipeline: Pipeline) -> Wiring:
    """Return a pipeline's wiring."""
    return Wiring(
        tasks={task.name: _task(task) for task in pipeline.tasks.values()},
        events={event.name: _event(pipeline, event) for event in pipeline.events.values()},
        queues={queue.name: queue.broker_name for queue in pipeline.queues.values()},
    )


def task_key(task: str, queue: str, default: str) -> str:
    """Return the routing key of a task on `NAME.tasks`: `ship`, or `ship@slow` for a chosen queue.

    All names are the file's.
    """
    return task if queue == default else f"{task}@{queue}"


def _task(task: Task) -> WiredTask:
    return WiredTask(does=_does(task), queues=tuple(queue.name for queue in task.queues))


def _does(task: Task) -> str:
    if task.http is None:
        return str(task.python)
    # This is kept on the broker, and a URL may hold a secret.
    asked = "\0".join((task.http.method, task.http.url, task.http.pointer or ""))
    return f"http {sha256(asked.encode()).hexdigest()[:16]}"


def _event(pipeline: Pipeline, event: Event) -> WiredEvent:
    exchange = event.exchange
    tasks = (WiredEventTask(item.task.name, item.queue.name, item.delay_ms) for item in event.tasks)
    return WiredEvent(
        exchange=exchange.broker_name if exchange else pipeline.on_broker("events"),
        type=exchange.type if exchange else "topic",
        keys=event.keys,
        queue=event.queue.broker_name if event.queue else None,
        format=event.format,
        tasks=tuple(tasks),
    )


def mark(wiring: Wiring) -> str:
    """Return a short text that tells a wiring from others."""
    return sha256(json.dumps(to_data(wiring), sort_keys=True).encode()).hexdigest()[:16]


def to_data(wiring: Wiring) -> dict[str, Any]:
    """Return a wiring as what JSON can hold."""
    return {
        "tasks": {name: list(task) for name, task in wiring.tasks.items()},
        "events": {name: list(event) for name, event in wiring.events.items()},
        "queues": dict(wiring.queues),
    }


def from_data(data: Mapping[str, Any]) -> Wiring:
    """Return the wiring that `to_data` wrote.

    Raises:
        TypeError, ValueError, KeyError: it is none of ours.
    """
    return Wiring(
        tasks={name: WiredTask(does, tuple(queues)) for name, (does, queues) in data["tasks"].items()},
        events={name: _wired_event(*event) for name, event in data["events"].items()},
        queues=dict(data["queues"]),
    )


def _wired_event(
    exchange: str, type_: str, keys: list[str], queue: str | None, format_: str, tasks: list[Any]
) -> WiredEvent:
    return WiredEvent(
        exchange, type_, tuple(keys), queue, format_, tuple(WiredEventTask(*task) for task in tasks)
    )
