"""What a delivery says: whose message it is, which attempt, for which tasks."""

import secrets
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from ebats.pipelines.model import Task
from ebats.pipelines.routes import Routes

Headers = dict[str, Any]
Number = TypeVar("Number", int, float)


class Delivery(msgspec.Struct):
    """A message as the broker hands it over; its tag changes when a lost connection brings it again."""

    tag: int
    #: Which connection the tag belongs to: tags begin anew on each.
    generation: int
    #: The broker's name of the queue.
    queue: str
    exchange: str
    key: str
    redelivered: bool
    body: bytes
    headers: Headers
    properties: dict[str, Any]
    #: Unix time in seconds.
    received: float
    #: How many runs it has, and how many of them aren't settled.
    runs: int = 1
    pending: int = 1
    #: All runs are settled; only the acknowledgement is missing.
    finished: bool = False

    def is_suspect(self) -> bool:
        """Return whether the message has been cut short so often that it might be the reason.

        Quorum queues count (https://www.rabbitmq.com/docs/quorum-queues#poison-message-handling), and
        twice is too often; a classic queue only says that the message was delivered before.
        """
        count = self.headers.get("x-delivery-count")
        return count >= 2 if isinstance(count, int) else self.redelivered

    def comes_from_rung(self) -> bool:
        """Return whether the message has waited on a rung."""
        return "x-death" in self.headers


class Envelope(msgspec.Struct, frozen=True):
    """What all runs of a delivery share."""

    id: str
    event: str | None
    #: The exchange and the key that the message was first published with.
    exchange: str
    key: str
    #: The broker's name of the queue that it is worked off from.
    queue: str
    attempt: int
    #: When the first and the last attempt ended, Unix times in seconds.
    first: float | None
    last: float | None
    #: How often it has ended the lane's process.
    crashes: int
    #: Since when it waits for a runner that knows it.
    unknown_since: float | None
    delivery: Delivery


class Runs(msgspec.Struct, frozen=True):
    """The delivery is for these tasks."""

    envelope: Envelope
    tasks: tuple[Task, ...]


class Split(msgspec.Struct, frozen=True):
    """The delivery is for tasks of several events: each gets a copy of its own first."""

    copies: tuple[tuple[Envelope, Task], ...]


class Around(msgspec.Struct, frozen=True):
    """The message left its rung too early, by an expiration of its own: it waits there again."""

    envelope: Envelope
    exchange: str
    key: str


class Unknown(msgspec.Struct, frozen=True):
    """This version of the file has nothing for the message."""

    envelope: Envelope
    why: str


Meaning = Runs | Split | Around | Unknown


def read(delivery: Delivery, routes: Routes) -> Meaning:
    """Return what a delivery is for. What it shows decides, in this order: its exchange, its key, its headers."""
    exchange, key = delivery.exchange, delivery.key
    if exchange == routes.tasks_exchange:
        if key.startswith("@"):
            return _by_headers(delivery, routes)
        return _by_task(delivery, routes, key)
    if exchange:
        return _by_event(delivery, routes)
    return _by_headers(delivery, routes)


def new_id() -> str:
    """Return an id for a message that came without one."""
    return secrets.token_hex(16)


def _by_task(delivery: Delivery, routes: Routes, name: str) -> Meaning:
    envelope = _from_rung(delivery) or _from_headers(delivery)
    if early := _early(delivery):
        return Around(envelope, *early)
    task = routes.tasks.get(name)
    if task is None:
        return Unknown(envelope, f"there is no task {name!r}")
    return Runs(envelope, (task,))


def _by_event(delivery: Delivery, routes: Routes) -> Meaning:
    found = [
        (event, tasks)
        for event in routes.events_of(delivery.exchange, delivery.key)
        if (tasks := routes.tasks_of(event.name, delivery.queue))
    ]
    if len(found) == 1:
        event, tasks = found[0]
        return Runs(_envelope(delivery, event.name, delivery.exchange, delivery.key), tasks)
    envelope = _envelope(delivery, None, delivery.exchange, delivery.key)
    if not found:
        return Unknown(envelope, f"no event of {delivery.exchange!r} with the key {delivery.key!r} has a task here")
    return Split(
        tuple(
            (msgspec.structs.replace(envelope, event=event.name), task)
            for event, tasks in found
            for task in tasks
        )
    )


def _by_headers(delivery: Delivery, routes: Routes) -> Meaning:
    envelope = _from_headers(delivery)
    name = delivery.headers.get("ebats-task")
    if name is None and envelope.event is not None:
        tasks = routes.tasks_of(envelope.event, envelope.queue)
        return Runs(envelope, tasks) if tasks else Unknown(envelope, f"there is no event {envelope.event!r}")
    task = routes.tasks.get(name) if isinstance(name, str) else routes.only_task(envelope.queue)
    if task is not None:
        return Runs(envelope, (task,))
    if name is None:
        return Unknown(envelope, "the queue has several tasks: name one in the header ebats-task")
    return Unknown(envelope, f"there is no task {name!r}")


def _from_headers(delivery: Delivery) -> Envelope:
    headers = delivery.headers
    return _envelope(
        delivery,
        _text(headers.get("ebats-event")),
        _text(headers.get("ebats-exchange"), delivery.exchange) or "",
        _text(headers.get("ebats-key"), delivery.key) or "",
    )


def _from_rung(delivery: Delivery) -> Envelope | None:
    """Return the envelope of a message that an event's own rung hands on: the broker tells where it came from."""
    death = _last_death(delivery)
    if death is None or "ebats-exchange" in delivery.headers:
        return None
    parts = str(death.get("queue", "")).split(".")
    if len(parts) != 5 or parts[1] != "delay":
        return None
    keys = death.get("routing-keys") or [""]
    return _envelope(delivery, parts[3], str(death.get("exchange", "")), str(keys[0]))


def _early(delivery: Delivery) -> tuple[str, str] | None:
    death = _last_death(delivery)
    if death is None or "original-expiration" not in death:
        return None
    rung = str(death.get("queue", ""))
    # An event's own rung has no exchange in front, a shared one has one of its name.
    return ("", rung) if rung.count(".") == 4 else (rung, delivery.key)


def _last_death(delivery: Delivery) -> dict[str, Any] | None:
    deaths = delivery.headers.get("x-death")
    if isinstance(deaths, list) and deaths and isinstance(deaths[0], dict):
        return deaths[0]
    return None


def _envelope(delivery: Delivery, event: str | None, exchange: str, key: str) -> Envelope:
    headers = delivery.headers
    message_id = delivery.properties.get("message_id")
    if not headers:
        return Envelope(
            message_id or new_id(), event, exchange, key, delivery.queue, 1, None, None, 0, None, delivery
        )
    return Envelope(
        id=message_id or new_id(),
        event=event,
        exchange=exchange,
        key=key,
        queue=_text(headers.get("ebats-queue"), delivery.queue) or delivery.queue,
        attempt=max(1, _number(headers.get("ebats-attempt"), int) or 1),
        first=_number(headers.get("ebats-first"), float),
        last=_number(headers.get("ebats-last"), float),
        crashes=_number(headers.get("ebats-crashes"), int) or 0,
        unknown_since=_number(headers.get("ebats-unknown-since"), float),
        delivery=delivery,
    )


def _text(value: object, default: str | None = None) -> str | None:
    return value if isinstance(value, str) else default


def _number(value: object, kind: Callable[[Any], Number]) -> Number | None:
    """Return a header as a number; anybody may publish, so anything may stand there."""
    try:
        return kind(value)
    except (TypeError, ValueError, OverflowError):
        return None
