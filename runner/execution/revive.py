"""What is published when a dead letter gets another chance. Pure."""

from collections.abc import Collection, Iterator

import msgspec

from ebats.pipelines.model import Event, Pipeline, Task
from ebats.pipelines.routes import Routes
from ebats.pipelines.topology import task_key
from ebats.runner.execution import settle
from ebats.runner.execution.envelope import Envelope
from ebats.runner.execution.ids import new_id
from ebats.runner.execution.letter import Letter
from ebats.runner.execution.settle import Outgoing


class Reviver:
    """Addresses dead letters as a file wants them now."""

    def __init__(self, pipeline: Pipeline, bound: Collection[tuple[str, str]] | None = None) -> None:
        """Address by a file. `bound`: exchange and key of what the broker has bound; None: nobody knows."""
        self._pipeline = pipeline
        self._routes = Routes(pipeline)
        self._bound = bound

    def follow(self, letter: Letter, now: float) -> list[Outgoing] | str:
        """Return what is published for a letter, its body untouched; or why nothing can be.

        Each message begins at attempt 1. `now` is the Unix time in seconds.
        """
        follows = self._follow(letter, now)
        if not isinstance(follows, str):
            for outgoing in follows:
                # It would be a dead letter again, and not say any more why.
                if not self._is_bound(outgoing):
                    where = f"the key {outgoing.key!r} on the exchange {outgoing.exchange}"
                    return f"the broker has no queue for {where} yet; `ebats run` brings it up to date"
        return follows

    def _follow(self, letter: Letter, now: float) -> list[Outgoing] | str:
        envelope = _envelope(letter)
        if letter.task is not None:
            task = self._pipeline.tasks.get(letter.task)
            if task is None:
                return f"the file has no task {letter.task!r}"
            return [self._again(envelope, task, letter, now)]
        if letter.queue is None:
            # It never came into a queue: no task has had it, and all are to have it.
            return self._as_published(envelope, now)
        events = self._events(letter)
        if not events:
            return _no_event(letter)
        return list(self._copies(envelope, events, letter, now)) or (
            f"the event {events[0].name!r} has no task on the queue {letter.queue!r} any more"
        )

    def _is_bound(self, outgoing: Outgoing) -> bool:
        exchange, keys = outgoing.exchange, [outgoing.key]
        if exchange != self._routes.tasks_exchange:
            keys = [key for event in self._routes.events_of(exchange, outgoing.key) for key in event.keys]
        return self._bound is None or any((exchange, key) in self._bound for key in keys)

    def _as_published(self, envelope: Envelope, now: float) -> list[Outgoing] | str:
        exchange, key = envelope.exchange, envelope.key
        if not self._routes.events_of(exchange, key):
            return _no_event(envelope)
        return [settle.again(envelope, None, exchange, key, now)]

    def _events(self, letter: Letter) -> tuple[Event, ...]:
        found = self._routes.events_of(letter.exchange, letter.key)
        # What came through an intake has no exchange and key of an event's.
        named = self._pipeline.events.get(letter.event or "")
        return found or ((named,) if named else ())

    def _copies(
        self, envelope: Envelope, events: tuple[Event, ...], letter: Letter, now: float
    ) -> Iterator[Outgoing]:
        """Yield a message for each task that the events have on the letter's queue: others had their own."""
        for event in events:
            for item in event.tasks:
                if item.queue.name == letter.queue:
                    named = msgspec.structs.replace(envelope, event=event.name)
                    yield self._again(named, item.task, letter, now)

    def _again(self, envelope: Envelope, task: Task, letter: Letter, now: float) -> Outgoing:
        queue = next((queue for queue in task.queues if queue.name == letter.queue), task.queue)
        return settle.again(envelope, task, self._pipeline.on_broker("tasks"), task_key(task, queue), now)


def _no_event(origin: Letter | Envelope) -> str:
    where = f"the exchange {origin.exchange}" if origin.exchange else "the default exchange"
    return f"no event of the file has the key {origin.key!r} on {where}"


def _envelope(letter: Letter) -> Envelope:
    return Envelope(
        id=letter.id or new_id(),
        event=letter.event,
        exchange=letter.exchange,
        key=letter.key,
        queue=letter.delivery.queue,
        attempt=1,
        first=None,
        last=None,
        crashes=0,
        unknown_since=None,
        due=None,
        delivery=letter.delivery,
    )
