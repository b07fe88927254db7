"""Moving what waits in queues to where a changed file wants it."""

import time
from collections.abc import Mapping, Sequence
from functools import partial

from kombu.connection import Connection

from ebats.pipelines.changes import Change, Waiting, extra
from ebats.pipelines.counting import counted
from ebats.pipelines.former import Former
from ebats.pipelines.model import Pipeline
from ebats.pipelines.routes import Routes
from ebats.runner.broker.confirmed import publish_confirmed
from ebats.runner.broker.connect import Say
from ebats.runner.broker.inspect import counts
from ebats.runner.broker.lock import one_channel
from ebats.runner.broker.move import move
from ebats.runner.execution import settle
from ebats.runner.execution.delivery import Delivery
from ebats.runner.execution.envelope import waiting as waiting_envelope
from ebats.runner.execution.onward import as_it_is, onward
from ebats.runner.execution.settle import Outgoing

#: Of those that move as they are.
_UNREAD = ("dead", "suspects")
#: Worth a word before it is done.
_MANY = 5_000


def waiting_before(connection: Connection, change: Change) -> dict[str, int | None]:
    """Return how many messages wait that a change may give another meaning, where it leaves them.

    Counted when what is new is bound, and what is old still is: what is published meanwhile may be counted,
    and is for what either file says.
    """
    # Rungs first: what leaves one meanwhile is counted twice, and not left out.
    return counts(connection, (*(each.queue for each in change.extended), *change.converted))


def move_all(
    connection: Connection,
    pipeline: Pipeline,
    change: Change,
    before: Mapping[str, int | None],
    say: Say,
) -> None:
    """Move what waited before a change to where the file wants it now; `before`: of `waiting_before`.

    Done again after a crash it loses nothing; what was moved, and wasn't forgotten, may run twice.

    Raises:
        MoveFailed: no queue takes a message; it stays where it is.
        BROKER_ERRORS: the connection is lost.
    """
    routes = Routes(pipeline, change.new.former, change.moves)
    # Rungs first: they don't stand still meanwhile, and what has left one has its tasks of before alone.
    for waiting in change.extended:
        if number := before.get(waiting.queue):
            _extend(connection, pipeline, routes, waiting, number)
    for queue in change.converted:
        if number := before.get(queue):
            Mover(connection, pipeline, routes, say).move(queue, most=number)
    empty(connection, pipeline, routes, change.new.former, say)


def empty(connection: Connection, pipeline: Pipeline, routes: Routes, former: Former, say: Say) -> int:
    """Move all messages out of the queues that left the file; return how many there were.

    Raises:
        MoveFailed: no queue takes a message; it stays where it is.
        BROKER_ERRORS: the connection is lost.
    """
    moved = 0
    for queue, number in counts(connection, filled(former)).items():
        if number:
            moved += Mover(connection, pipeline, routes, say).move(queue, former.queues[queue])
    return moved


def filled(former: Former) -> tuple[str, ...]:
    """Return the queues that left the file, and whose messages move: a rung lets go by itself."""
    return former.of_kind("work", "intake", *_UNREAD)


class Mover:
    """Moves a queue's messages, and tells what became of them."""

    def __init__(self, connection: Connection, pipeline: Pipeline, routes: Routes, say: Say) -> None:
        self._connection = connection
        self._pipeline = pipeline
        self._routes = routes
        self._say = say
        self._gone = 0

    def move(self, queue: str, kind: str = "work", most: int | None = None) -> int:
        """Move the messages of a queue (the broker's name), at most so many; return how many."""
        if (most or counts(self._connection, [queue])[queue] or 0) >= _MANY:
            self._say("info", f"moving what waits in {queue} to where the file wants it now")
        follow = partial(self._as_it_is, kind) if kind in _UNREAD else self._onward
        moved = move(self._connection, queue, follow, most=most)
        if moved.taken:
            text = f"moved {counted(moved.taken, 'message')} of {queue} to where the file wants it now"
            dead = f"; {self._gone:,} of them are dead letters: what they were for is gone"
            self._say("info", text + (dead if self._gone else ""))
        return moved.taken

    def _onward(self, delivery: Delivery) -> Sequence[Outgoing]:
        messages = onward(self._pipeline, self._routes, delivery, time.time(), before=True)
        self._gone += sum(message.headers.get("ebats-reason") == "gone" for message in messages)
        return messages

    def _as_it_is(self, kind: str, delivery: Delivery) -> Sequence[Outgoing]:
        return [as_it_is(self._pipeline, delivery, kind)]


def _extend(
    connection: Connection, pipeline: Pipeline, routes: Routes, waiting: Waiting, number: int
) -> None:
    """Publish copies for the tasks that have come to what waits on a rung; it goes on waiting there."""
    seen: list[Delivery] = []
    # They stay, and go back with the wait that they have left.
    move(connection, waiting.queue, seen.append, most=number)
    copies = []
    for delivery in seen:
        envelope = waiting_envelope(delivery, routes, waiting.event)
        for way in extra(routes.moves, waiting, envelope.exchange, envelope.key):
            copies.append(settle.moved(pipeline, envelope, way))
    with one_channel(connection) as channel:
        publish_confirmed(connection, channel, copies)
