"""What a delivery says: whose message it is, which attempt, for which tasks."""

import secrets
from collections.abc import Callable
from typing import Any

import msgspec

from ebats.pipelines.addresses import DUE
from ebats.pipelines.ladder import LONGEST_WAIT_S
from ebats.pipelines.model import Task
from ebats.pipelines.routes import Routes, Rung
from ebats.runner.execution.fields import as_name, as_number

Headers = dict[str, Any]

_MOST_ATTEMPTS = 1_000_000
#: Cut short so often, a message is a suspect.
_MANY = 2


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
    #: Its run goes on without it: what is called when that is settled, instead of an acknowledgement.
    on_settled: Callable[[], None] | None = None

    def is_suspect(self) -> bool:
        """Return whether the message has been cut short so often that it might be the reason.

        Quorum queues count (https://www.rabbitmq.com/docs/quorum-queues#poison-message-handling), and
        twice is too often; a classic queue only says that the message was delivered before.
        """
        count = self.headers.get("x-delivery-count")
        return count >= _MANY if isinstance(count, int) else self.redelivered

    def times_returned(self) -> int:
        """Return how often the broker has taken the message back, where it counts."""
        count = self.headers.get("x-delivery-count")
        return count if isinstance(count, int) else 0


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
    #: Before this moment it isn't run, a Unix time in seconds.
    due: float | None
    delivery: Delivery
    #: How often it came back from a lease: its process had died.
    cut: int = 0

    def is_suspect(self) -> bool:
        """Return whether the message has been cut short so often that it might be the reason."""
        delivery = self.delivery
        if self.cut and self.cut + delivery.times_returned() >= _MANY:
            return True
        return delivery.redelivered and delivery.is_suspect()


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


class Early(msgspec.Struct, frozen=True):
    """The message isn't due yet: it waits on, hop by hop."""

    envelope: Envelope
    task: Task
    #: Unix time in seconds.
    due: float


class Undated(msgspec.Struct, frozen=True):
    """The message says that it waits, but not till when: nobody may guess that it is now."""

    runs: Runs
    why: str


class Unknown(msgspec.Struct, frozen=True):
    """This version of the file has nothing for the message."""

    envelope: Envelope
    why: str


Meaning = Runs | Split | Around | Early | Undated | Unknown


def read(delivery: Delivery, routes: Routes) -> Meaning:
    """Return what a delivery is for. What it shows decides: its exchange, then its key, then its headers."""
    meaning = _read(delivery, routes)
    if DUE in delivery.headers and isinstance(meaning, Runs):
        return _by_time(meaning, delivery)
    return meaning


def _read(delivery: Delivery, routes: Routes) -> Meaning:
    exchange, key = delivery.exchange, delivery.key
    if exchange == routes.tasks_exchange:
        if key.startswith("@"):
            return _by_headers(delivery, routes)
        return _by_task(delivery, routes, key)
    if exchange:
        # It is new here: what headers of ours say that came with it was true elsewhere.
        return _by_event(_first(delivery, exchange, key), routes)
    return _by_headers(delivery, routes)


def _by_time(runs: Runs, delivery: Delivery) -> Meaning:
    due = runs.envelope.due
    # Twice: an event's delay comes on top of the longest that may be asked for.
    if due is None or due > delivery.received + 2 * LONGEST_WAIT_S:
        undated = Runs(msgspec.structs.replace(runs.envelope, due=None), runs.tasks)
        found = f"{delivery.headers[DUE]!r:.60}"
        return Undated(undated, f"the header {DUE} is {found}, and has to be a Unix time in seconds")
    if due <= delivery.received:
        return runs
    if len(runs.tasks) != 1:
        return Split(tuple((runs.envelope, task) for task in runs.tasks))
    return Early(runs.envelope, runs.tasks[0], due)


def rung_of(delivery: Delivery, routes: Routes) -> Rung | None:
    """Return the rung that handed a message on; None: it comes from elsewhere."""
    death = last_death(delivery)
    return routes.rung(str(death.get("queue"))) if death else None


def came_from(delivery: Delivery) -> str:
    """Return the queue, by its broker name, that a message waited in before; empty: there is none."""
    return str((last_death(delivery) or {}).get("queue", ""))


def new_id() -> str:
    """Return an id for a message that came without one."""
    return secrets.token_hex(16)


def _by_task(delivery: Delivery, routes: Routes, name: str) -> Meaning:
    rung = rung_of(delivery, routes)
    envelope = _from_headers(delivery, routes)
    if rung and rung.event and "ebats-exchange" not in delivery.headers:
        envelope = _from_rung(delivery, rung.event)
    # One that says when it is due waits on till then, and not for a whole rung again.
    if rung and (rung.event or envelope.due is None) and _is_early(delivery, rung):
        queue = str((last_death(delivery) or {}).get("queue"))
        exchange = queue.partition("~")[0]
        # An event's own rung has no exchange in front, a shared one has one of its name.
        return Around(envelope, "", queue) if rung.event else Around(envelope, exchange, delivery.key)
    # One that was to run from a queue which its task has no more is that task's all the same.
    task = routes.by_key.get(name) or routes.tasks.get(name.partition("@")[0])
    if task is None:
        return Unknown(envelope, f"there is no task {name!r}")
    return Runs(envelope, (task,))


def _by_event(envelope: Envelope, routes: Routes) -> Meaning:
    exchange, key = envelope.exchange, envelope.key
    found = [
        (event, tasks)
        for event in routes.events_of(exchange, key)
        if (tasks := routes.tasks_of(event.name, envelope.queue))
    ]
    if not found:
        return Unknown(envelope, f"no event of {exchange!r} with the key {key!r} has a task here")
    copies = tuple(
        (msgspec.structs.replace(envelope, event=event.name), task)
        for event, tasks in found
        for task in tasks
    )
    if len(found) == 1:
        return Runs(copies[0][0], found[0][1])
    return Split(copies)


def _by_headers(delivery: Delivery, routes: Routes) -> Meaning:
    envelope = _from_headers(delivery, routes)
    name = as_name(delivery.headers.get("ebats-task"))
    if name is not None:
        task = routes.tasks.get(name)
        return Runs(envelope, (task,)) if task else Unknown(envelope, f"there is no task {name!r}")
    if envelope.event is not None:
        tasks = routes.tasks_of(envelope.event, envelope.queue)
        return Runs(envelope, tasks) if tasks else Unknown(envelope, f"there is no event {envelope.event!r}")
    if envelope.exchange not in ("", routes.tasks_exchange):
        return _by_event(envelope, routes)
    only = routes.only_task(envelope.queue)
    if only is None:
        return Unknown(envelope, "the queue has several tasks: name one in the header ebats-task")
    return Runs(envelope, (only,))


def _first(delivery: Delivery, exchange: str, key: str) -> Envelope:
    due = as_number(delivery.headers.get(DUE), float)
    return Envelope(_id(delivery), None, exchange, key, delivery.queue, 1, None, None, 0, None, due, delivery)


def _from_rung(delivery: Delivery, event: str) -> Envelope:
    """Return the envelope of a message from an event's own rung: the broker tells where it came from."""
    death = last_death(delivery) or {}
    keys = death.get("routing-keys")
    key = as_name(keys[0]) if isinstance(keys, list) and keys else None
    envelope = _first(delivery, as_name(death.get("exchange")) or "", key or "")
    return msgspec.structs.replace(envelope, event=event)


def _is_early(delivery: Delivery, rung: Rung) -> bool:
    """Return whether a message waited less than its rung's time, by an expiration of its own."""
    expiration = (last_death(delivery) or {}).get("original-expiration")
    if expiration is None:
        return False
    expiration_ms = as_number(expiration, int)
    return expiration_ms is None or expiration_ms < rung.delay_ms


def last_death(delivery: Delivery) -> dict[str, Any] | None:
    """Return what the broker says of a message's last death; None: it had none, or the header is odd."""
    deaths = delivery.headers.get("x-death")
    if isinstance(deaths, list) and deaths and isinstance(deaths[0], dict):
        return deaths[0]
    return None


def _from_headers(delivery: Delivery, routes: Routes) -> Envelope:
    headers = delivery.headers
    if not headers:
        return _first(delivery, delivery.exchange, delivery.key)
    queue = as_name(headers.get("ebats-queue")) if delivery.queue == routes.suspects else None
    return Envelope(
        id=_id(delivery),
        event=as_name(headers.get("ebats-event")),
        exchange=as_name(headers.get("ebats-exchange"), delivery.exchange) or "",
        key=as_name(headers.get("ebats-key"), delivery.key) or "",
        queue=queue or delivery.queue,
        attempt=min(max(1, as_number(headers.get("ebats-attempt"), int) or 1), _MOST_ATTEMPTS),
        first=as_number(headers.get("ebats-first"), float),
        last=as_number(headers.get("ebats-last"), float),
        crashes=min(max(0, as_number(headers.get("ebats-crashes"), int) or 0), _MOST_ATTEMPTS),
        unknown_since=as_number(headers.get("ebats-unknown-since"), float),
        due=as_number(headers.get(DUE), float),
        delivery=delivery,
        cut=min(max(0, as_number(headers.get("ebats-cut"), int) or 0), _MOST_ATTEMPTS),
    )


def _id(delivery: Delivery) -> str:
    return delivery.properties.get("message_id") or new_id()
