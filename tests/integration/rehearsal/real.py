"""A play on the embedded broker: the runner's worker on threads of this process, and what came of it."""

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from aiohttp import web

from ebats.pipelines.cases import CaseMessage
from ebats.pipelines.model import Pipeline
from ebats.pipelines.plan import consumers, prefetches
from ebats.pipelines.topology import derive
from ebats.runner.broker import received
from ebats.runner.broker.declare import apply
from ebats.runner.broker.inspect import counts
from ebats.runner.execution.journal import Journal
from ebats.runner.execution.letter import Letter, Reader
from ebats.runner.execution.record import Execution
from ebats.runner.roles.worker import Worker
from tests.integration.rehearsal import acting
from tests.integration.wire import Wire
from tests.merchant import Call
from tests.unit.core.process import FakeParent
from tests.unit.core.shop import Lines

_DEADLINE_S = 60.0
#: Nothing is left to do if so long nothing happens, once all that is expected has happened; and before.
_QUIET_S, _LONG_S = 0.15, 2.0


async def answer(call: Call) -> web.StreamResponse:
    """Answer a request of an HTTP task, whose URL is its name and the attempt, as the plan says."""
    _, task, attempt = call.path.split("/")
    given = acting.answer_to(task, int(attempt))
    return web.Response(status=given.status or 200, text=given.body, headers=given.headers)


class Real:
    """A pipeline on a broker of its own."""

    def __init__(self, pipeline: Pipeline) -> None:
        """Declare it, and what shows what is published."""
        self.pipeline = pipeline
        self.lines = Lines()
        self._url = pipeline.broker.urls[0]
        assert apply(pipeline, lambda _level, _text: None)
        (self._spec,) = consumers(pipeline)
        self._rungs_and_work = [
            queue.name for queue in derive(pipeline).queues if queue.kind in ("work", "intake", "rung")
        ]
        with closing(Wire(self._url)) as wire:
            wire.queue("answers")
            wire.queue("seen")
            # Of those that tasks publish; more would make a way for what has none.
            for event in ("middle", "end"):
                wire.channel.queue_bind("seen", pipeline.on_broker("events"), event)

    def publish(self, messages: tuple[CaseMessage, ...]) -> None:
        """Publish messages to where the rehearsal publishes them, but by another hand."""
        with closing(Wire(self._url)) as wire:
            for message in messages:
                for exchange, key, headers in self._addresses(message):
                    properties = {"message_id": message.id, **message.properties}
                    wire.publish(message.body, exchange, key, headers, **properties)

    def work(self, expected: int) -> None:
        """Work until nothing is left to do: when so many attempts are made, or nothing comes for a while."""
        spec = self._spec
        journal = Journal(self.pipeline, spec.name, self.lines, with_payload=True)
        assert spec.consumer
        worker = Worker(spec, prefetches(spec.consumer), 8, journal, FakeParent())  # type: ignore[arg-type]
        began = time.monotonic()
        with closing(Wire(self._url)) as wire:
            quiet_since = began

            def is_over() -> str | None:
                nonlocal quiet_since
                now = time.monotonic()
                assert now < began + _DEADLINE_S, "it comes to no end"
                if not self._is_quiet(worker, wire):
                    quiet_since = now
                # A message may be on its way from the broker for a moment, and counted by nobody.
                wait_s = _QUIET_S if len(self.executions()) >= expected else _LONG_S
                time.sleep(0.02)
                return "idle" if now > quiet_since + wait_s else None

            worker.run(is_over)
        _close(worker)

    def executions(self) -> list[Execution]:
        """Return the records of attempts that were made."""
        return [record for record in self.lines.executions() if record.run_s is not None]

    def letters(self) -> list[Letter]:
        """Return the dead letters, in order."""
        reader, queue = Reader(self.pipeline), self.pipeline.queue_on_broker("dead")
        return [reader.read(received.delivery(message, queue)) for message in self.take(queue)]

    def take(self, queue: str) -> list[Any]:
        """Take all messages from a queue."""
        with closing(Wire(self._url)) as wire:
            found = []
            while message := wire.channel.basic_get(queue, no_ack=True):
                found.append(message)
            return found

    def _addresses(self, message: CaseMessage) -> Iterator[tuple[str, str, dict[str, Any]]]:
        name, headers = self.pipeline.on_broker, dict(message.headers)
        if message.queue:
            yield "", name(message.queue), headers
        elif message.exchange:
            yield name(message.exchange), message.key or "", headers
        else:
            yield from self._named(message, headers)

    def _named(
        self, message: CaseMessage, headers: dict[str, Any]
    ) -> Iterator[tuple[str, str, dict[str, Any]]]:
        name, due = self.pipeline.on_broker, {}
        if message.delay_ms:
            due = {"ebats-due": time.time() + message.delay_ms / 1000}
        # Delays of messages are such as go by the shortest rung.
        rung = name("delay.500ms")
        if message.task:
            origin = {"ebats-exchange": name("tasks"), "ebats-key": message.task}
            exchange = rung if due else name("tasks")
            yield exchange, message.task, headers | (origin | due if due else {})
            return
        event = self.pipeline.events[message.event or ""]
        if not due and event.queue:
            yield "", event.queue.broker_name, headers
        elif not due:
            exchange = event.exchange.broker_name if event.exchange else name("events")
            yield exchange, message.key or event.name, headers
        for item in event.tasks if due else ():
            exchange = event.exchange.broker_name if event.exchange else name("events")
            origin = {"ebats-event": event.name, "ebats-exchange": exchange}
            later = {"ebats-due": due["ebats-due"] + item.delay_ms / 1000}
            is_chosen = item.queue != item.task.queue
            key = f"{item.task.name}@{item.queue.name}" if is_chosen else item.task.name
            first = message.key or (event.name if not event.queue else "")
            yield rung, key, headers | origin | {"ebats-key": first} | later

    def _is_quiet(self, worker: Worker, wire: Wire) -> bool:
        before = worker.engine.taken, worker.slots.ended
        return (
            _has_nothing_in_hand(worker)
            and not any(counts(wire.connection, self._rungs_and_work).values())
            and _has_nothing_in_hand(worker)
            and (worker.engine.taken, worker.slots.ended) == before
        )


def _has_nothing_in_hand(worker: Worker) -> bool:
    slots, publisher = worker.slots, worker.publisher
    # A message that is acknowledged early is settled while its task runs, and what follows comes later.
    runs = (*slots.running, *slots._starting, *slots._waiting)
    return not (runs or publisher._waiting or publisher._unconfirmed() or worker.intake.unsettled())


def _close(worker: Worker) -> None:
    """Close the connections of HTTP tasks: their event loop lives on, on its thread."""
    callbacks, loop = worker.functions._callbacks, worker.slots._loop
    if callbacks and loop:
        for session in callbacks._sessions.values():
            asyncio.run_coroutine_threadsafe(session.close(), loop).result(10)  # type: ignore[attr-defined]


@contextmanager
def planned(play: Any) -> Iterator[None]:
    """Let the tasks do what a play says."""
    acting.PLAN.update(play.plan)
    acting.PUBLISHES.update(play.publishes)
    try:
        yield
    finally:
        acting.PLAN.clear()
        acting.PUBLISHES.clear()


def decoded(body: bytes) -> object:
    """Return a body as JSON, or as a text."""
    try:
        return json.loads(body)
    except ValueError:
        return body.decode(errors="replace")
