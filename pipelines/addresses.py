"""Where a message of an event, or for a task, is published: exchange, key, headers. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ebats.pipelines.ladder import HOPS_MS, format_duration, next_hop
from ebats.pipelines.suggestion import suggest
from ebats.pipelines.topics import matches
from ebats.pipelines.wiring import WiredEvent, Wiring, task_key

#: Before this moment, a Unix time in seconds, the message isn't run.
DUE = "ebats-due"
#: Of a routing key, in bytes (AMQP 0-9-1, section 4.2.5.3).
LONGEST_KEY = 255


class Unaddressable(ValueError):
    """Raised for what a pipeline has no address for: its text says why, and what there is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where one message goes."""

    #: As the broker calls it; empty: straight to the queue that `key` names.
    exchange: str
    key: str
    #: Headers of ours that it needs on this way.
    headers: Mapping[str, Any] = field(default_factory=dict)


def of_event(
    pipeline: str,
    wiring: Wiring,
    name: str,
    *,
    now: float,
    delay_s: float = 0.0,
    queue: str | None = None,
    key: str | None = None,
) -> tuple[Address, ...]:
    """Return where a message of an event is published.

    One address where the broker hands it to the tasks. With a delay, or a chosen queue (its name in
    the file), the publisher does that: one address for each task, all for the same message id.
    `now` is the Unix time in seconds. `key` is one that matches, where the event is a pattern.

    Raises:
        Unaddressable: there is no such event, it is a pattern that `key` doesn't match, or a task may
            not run from that queue.
    """
    event: WiredEvent = _known(wiring.events, name, "event")
    if key is not None:
        _check_key(name, event, key)
    if delay_s <= 0 and queue is None:
        return (_straight(name, event, key),)
    origin = {"ebats-event": name, "ebats-exchange": event.exchange, "ebats-key": key or _key(event)}
    return tuple(
        _of_task(
            pipeline,
            wiring,
            item.task,
            item.queue if queue is None else queue,
            now,
            delay_s + item.delay_ms / 1000,
            origin,
        )
        for item in event.tasks
    )


def of_task(
    pipeline: str, wiring: Wiring, name: str, *, now: float, delay_s: float = 0.0, queue: str | None = None
) -> Address:
    """Return where a message for one task is published.

    Raises:
        Unaddressable: there is no such task, or it may not run from that queue.
    """
    task = _known(wiring.tasks, name, "task")
    origin = {"ebats-exchange": f"{pipeline}.tasks", "ebats-key": name} if delay_s > 0 else {}
    return _of_task(pipeline, wiring, name, task.queues[0] if queue is None else queue, now, delay_s, origin)


def rung_exchange(pipeline: str, delay_ms: int) -> str:
    """Return the broker's name of the exchange in front of a shared rung: `shop.delay.5s`."""
    return f"{pipeline}.delay.{format_duration(delay_ms)}"


def is_pattern(event: WiredEvent) -> bool:
    """Return whether no message can have an event's key: it only says what matches."""
    return event.type == "topic" and bool({"*", "#"} & set(_key(event).split(".")))


def _straight(name: str, event: WiredEvent, key: str | None) -> Address:
    if event.queue is not None:
        return Address(exchange="", key=event.queue)
    if key is None and is_pattern(event):
        raise Unaddressable(f"the event {name!r} is whatever matches {_listed(event)}: choose a key")
    return Address(exchange=event.exchange, key=_key(event) if key is None else key)


def _check_key(name: str, event: WiredEvent, key: str) -> None:
    if event.queue is not None:
        raise Unaddressable(f"the event {name!r} is what comes through a queue: it has no key")
    if not isinstance(key, str) or len(key.encode(errors="replace")) > LONGEST_KEY:
        raise Unaddressable(f"a key is a text of {LONGEST_KEY} bytes at most, unlike {key!r:.60}")
    if event.type == "topic":
        fits = any(matches(pattern, key) for pattern in event.keys)
    else:
        fits = event.type == "fanout" or key in event.keys
    if not fits:
        text = f"the event {name!r} is whatever matches {_listed(event)}"
        raise Unaddressable(f"{text}, and {key!r} doesn't")


def _listed(event: WiredEvent) -> str:
    return " or ".join(repr(key) for key in event.keys)


def _of_task(
    pipeline: str,
    wiring: Wiring,
    name: str,
    queue: str,
    now: float,
    delay_s: float,
    origin: Mapping[str, Any],
) -> Address:
    task = wiring.tasks[name]
    if queue not in task.queues:
        allowed = " and ".join(f"`{each}`" for each in task.queues)
        raise Unaddressable(f"the task {name!r} may not run from the queue {queue!r}, only from {allowed}")
    key = task_key(name, queue, task.queues[0])
    if delay_s <= 0:
        return Address(exchange=f"{pipeline}.tasks", key=key, headers=origin)
    rung = rung_exchange(pipeline, next_hop(HOPS_MS, delay_s * 1000))
    return Address(exchange=rung, key=key, headers={**origin, DUE: now + delay_s})


def _key(event: WiredEvent) -> str:
    """Return an event's first key that a message can have; the first of all where each is a pattern."""
    plain = (key for key in event.keys if event.type != "topic" or not {"*", "#"} & set(key.split(".")))
    return next(plain, event.keys[0] if event.keys else "")


def _known(known: Mapping[str, Any], name: str, kind: str) -> Any:
    if not isinstance(name, str):
        raise Unaddressable(f"the name of {kind} is a text, unlike {name!r:.60}")
    if name in known:
        return known[name]
    hint = suggest(name, known)
    raise Unaddressable(f"there is no {kind} {name!r}" + (f"; {hint}" if hint else ""))
