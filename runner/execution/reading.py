"""What a delivery is for: the tasks, and how they get it. Pure."""

import msgspec

from ebats.pipelines import straying
from ebats.pipelines.addresses import DUE
from ebats.pipelines.ladder import LONGEST_WAIT_S
from ebats.pipelines.model import Task
from ebats.pipelines.moves import Way
from ebats.pipelines.routes import Routes
from ebats.runner.execution.delivery import Delivery
from ebats.runner.execution.envelope import (
    Envelope,
    fresh,
    from_headers,
    from_rung,
    is_early,
    last_death,
    rung_of,
)
from ebats.runner.execution.fields import as_name


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


class Moved(msgspec.Struct, frozen=True):
    """The file has changed, and leads the message elsewhere: each way gets a copy."""

    envelope: Envelope
    ways: tuple[Way, ...]


class Gone(msgspec.Struct, frozen=True):
    """What the message was for has left the file."""

    envelope: Envelope
    why: str


Meaning = Runs | Split | Around | Early | Undated | Unknown | Moved | Gone


def read(delivery: Delivery, routes: Routes, *, before: bool = False) -> Meaning:
    """Return what a delivery is for. What it shows decides: its exchange, then its key, then its headers.

    `before`: it is known to have come before the file changed, and to lie where it came to.
    """
    meaning = _read(delivery, routes, before)
    if DUE in delivery.headers and isinstance(meaning, Runs):
        return _by_time(meaning, delivery)
    return meaning


def _read(delivery: Delivery, routes: Routes, before: bool) -> Meaning:
    exchange, key = delivery.exchange, delivery.key
    if exchange == routes.tasks_exchange:
        if key.startswith("@"):
            return _by_headers(delivery, routes, before)
        return _by_task(delivery, routes, key, before)
    if exchange:
        # It is new here: what headers of ours say that came with it was true elsewhere.
        return _by_event(fresh(delivery, exchange, key), routes, before)
    return _by_headers(delivery, routes, before)


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


def _by_task(delivery: Delivery, routes: Routes, key: str, before: bool) -> Meaning:
    rung = rung_of(delivery, routes)
    envelope = from_headers(delivery, routes)
    if rung and rung.event and "ebats-exchange" not in delivery.headers:
        envelope = from_rung(delivery, rung.event)
    # One that says when it is due waits on till then, and not for a whole rung again.
    if rung and (rung.event or envelope.due is None) and is_early(delivery, rung):
        queue = str((last_death(delivery) or {}).get("queue"))
        exchange = queue.partition("~")[0]
        # An event's own rung has no exchange in front, a shared one has one of its name.
        return Around(envelope, "", queue) if rung.event else Around(envelope, exchange, delivery.key)
    name = key.partition("@")[0]
    rung_ms = rung.delay_ms if rung and rung.event else None
    task = routes.by_key.get(key) or routes.tasks.get(name)
    return _by_name(envelope, routes, name, task, rung_ms, before)


def _by_name(
    envelope: Envelope, routes: Routes, name: str, task: Task | None, rung_ms: int | None, before: bool
) -> Meaning:
    delivery = envelope.delivery
    by_key = delivery.exchange == routes.tasks_exchange and not delivery.key.startswith("@")
    ways = straying.of_named(
        routes,
        name,
        envelope.queue,
        _unbegun(envelope),
        by_key=by_key,
        rung_ms=rung_ms,
        before=before,
        held=envelope.held,
        delayed=envelope.due is not None,
    )
    if ways is not None:
        return _moved(envelope, ways, routes, f"the task {name!r}")
    return Runs(envelope, (task,)) if task else Unknown(envelope, f"there is no task {name!r}")


def _by_event(envelope: Envelope, routes: Routes, before: bool) -> Meaning:
    exchange, key = envelope.exchange, envelope.key
    found = [
        (event, tasks)
        for event in routes.events_of(exchange, key)
        if (tasks := routes.tasks_of(event.name, envelope.queue))
    ]
    came_back = envelope.delivery.received if envelope.delivery.redelivered else None
    ways = straying.of_event(
        routes, exchange, key, envelope.queue, is_known=bool(found), came_back=came_back, before=before
    )
    if ways is not None:
        return _moved(envelope, ways, routes, f"what followed from the key {key!r} of {exchange!r}")
    if not found:
        return Unknown(envelope, f"no event of {exchange!r} with the key {key!r} has a task here")
    if len(found) == 1:
        event, tasks = found[0]
        return Runs(msgspec.structs.replace(envelope, event=event.name), tasks)
    return Split(
        tuple(
            (msgspec.structs.replace(envelope, event=event.name), task)
            for event, tasks in found
            for task in tasks
        )
    )


def _by_headers(delivery: Delivery, routes: Routes, before: bool) -> Meaning:
    envelope = from_headers(delivery, routes)
    if delivery.exchange and (meant := routes.meant(delivery.key, envelope.queue)) != envelope.queue:
        envelope = msgspec.structs.replace(envelope, queue=meant)
    name = as_name(delivery.headers.get("ebats-task"))
    if name is not None:
        return _by_name(envelope, routes, name, routes.tasks.get(name), None, before)
    if envelope.event is not None:
        tasks = routes.tasks_of(envelope.event, envelope.queue)
        if tasks and not before:
            return Runs(envelope, tasks)
    if envelope.exchange not in ("", routes.tasks_exchange):
        return _by_event(envelope, routes, before)
    return _straight(envelope, routes, before)


def _straight(envelope: Envelope, routes: Routes, before: bool) -> Meaning:
    """Return what a message is for that somebody published to the queue itself."""
    only = routes.only_task(envelope.queue)
    if only is None and (before or not routes.is_queue(envelope.queue)):
        # What an intake held may have been published straight to it.
        ways = routes.moves.of_delivery("", "", envelope.queue, before=before)
        ways = routes.moves.of_queue(envelope.queue) if ways is None else ways
        if ways is not None:
            return _moved(envelope, ways, routes, f"the only task of {envelope.queue!r}")
    if only is None:
        return Unknown(envelope, "the queue has several tasks: name one in the header ebats-task")
    return Runs(envelope, (only,))


def _unbegun(envelope: Envelope) -> tuple[str, str, str] | None:
    """Return the event of a message, with its exchange and key, unless an attempt has been made."""
    if envelope.event is None or envelope.attempt > 1 or envelope.crashes:
        return None
    return (envelope.event, envelope.exchange, envelope.key)


def _moved(envelope: Envelope, ways: tuple[Way, ...], routes: Routes, what: str) -> Meaning:
    way, *others = ways or (None,)
    if way is None:
        return Gone(envelope, f"{what} has left the file")
    if envelope.delivery.queue != routes.suspects or others or way.delay_ms:
        return Moved(envelope, ways)
    # It stays in the lane: nobody knows yet whether it kills its process.
    task = routes.tasks[way.task]
    return Runs(msgspec.structs.replace(envelope, queue=task.queue.broker_name), (task,))
