"""One delivery after another: read it, run its tasks, settle it, record it."""

import threading
import time
from collections.abc import Callable
from functools import partial

from msgspec import structs

from ebats.pipelines.former import NEVER_CHANGED, Former
from ebats.pipelines.model import Pipeline, Task
from ebats.pipelines.routes import Routes
from ebats.runner.execution import call, reading, settle
from ebats.runner.execution.api import Context
from ebats.runner.execution.arrival import Arrivals
from ebats.runner.execution.call import Function
from ebats.runner.execution.clock import Clock
from ebats.runner.execution.delivery import Delivery
from ebats.runner.execution.envelope import Envelope, held, rung_of
from ebats.runner.execution.journal import Journal
from ebats.runner.execution.outcome import Dead, Failed, Result, decide
from ebats.runner.execution.schemas import Schemas
from ebats.runner.execution.seldom import Seldom
from ebats.runner.execution.settle import Outgoing
from ebats.runner.execution.slots import Run
from ebats.runner.publishing.outlet import Outlet
from ebats.runner.roles.ending import Ending
from ebats.runner.roles.functions import tell
from ebats.runner.roles.outlet import TaskOutlet
from ebats.runner.roles.ports import Acknowledges, Looks, Publishes, Submits
from ebats.runner.roles.settler import Settler

#: `ack: early`: for the acknowledgement to be sent; longer is a lost connection.
_EARLY_S = 5.0


class Engine:
    """Works deliveries off. It owns no thread and no connection, and is called from many threads."""

    def __init__(
        self,
        pipeline: Pipeline,
        functions: Looks,
        journal: Journal,
        former: Former = NEVER_CHANGED,
        clock: Clock = time,
    ) -> None:
        self.pipeline = pipeline
        self.journal = journal
        #: Deliveries that came, and those of them that came from a shared rung; the intake's thread counts.
        self.taken = 0
        self.from_rungs = 0
        self.settler = Settler(journal)
        #: Decides whether a run may start here; False: it has been dealt with otherwise.
        self.admit: Callable[[Envelope, Task], bool] = lambda _envelope, _task: True
        #: What is published to give a run back to its queue.
        self.return_message: Callable[[Run], Outgoing] = lambda run: settle.hand_back(run.envelope, run.task)
        #: Told of each failed attempt: `on_error` of the file.
        self.on_error: Callable[[Context, BaseException], object] | None = None
        #: Called when a run has ended, before it is settled.
        self.on_ended: Callable[[Run], None] | None = None
        #: Called when a run begins, before its task is called.
        self.on_begun: Callable[[Run], None] | None = None
        #: Deals with what comes back from a lease queue; False: it is like any other.
        self.came_back: Callable[[Delivery], bool] = lambda _delivery: False
        self._functions = functions
        self._clock = clock
        self._routes = Routes(pipeline, former)
        #: What the payloads of events are checked by.
        self.schemas = Schemas(pipeline)
        self.ending = Ending(pipeline, self._routes, self.settler, journal, self.schemas)
        self._arrivals = Arrivals(pipeline)
        self._names = {queue.broker_name: queue.name for queue in pipeline.queues.values()}
        self._early = {queue.broker_name for queue in pipeline.queues.values() if queue.ack == "early"}
        self._lock = threading.Lock()
        self._seldom = Seldom()

    def connect(self, intake: Acknowledges, publisher: Publishes, slots: Submits) -> None:
        """Say where acknowledgements, messages and runs go; before the first delivery."""
        self._intake = intake
        self._slots = slots
        self.settler.connect(intake, publisher)
        #: What tasks publish by.
        self.outlet: Outlet = TaskOutlet(self.pipeline, publisher, self.settler.count, self.schemas)

    # From a delivery to its runs.

    def take(self, delivery: Delivery) -> None:
        """Deal with a delivery, on the intake's thread."""
        self.taken += 1
        if (messages := self._arrivals.of(delivery)) is not None:
            self._move_in(delivery, messages)
            return
        if "x-death" in delivery.headers:
            if self.came_back(delivery):
                return
            if not delivery.redelivered:
                self._count_rung(delivery)
        self._deal(reading.read(delivery, self._routes), delivery)

    def _deal(self, meaning: reading.Meaning, delivery: Delivery) -> None:
        if isinstance(meaning, reading.Runs):
            self._take_runs(meaning)
        elif isinstance(meaning, reading.Split):
            self._split(delivery, meaning.copies)
        elif isinstance(meaning, reading.Around):
            self.settler.count("to_rungs" if meaning.exchange else "to_event_rungs")
            self.settler.pass_on(delivery, settle.around(meaning.envelope, meaning.exchange, meaning.key))
        elif isinstance(meaning, reading.Early):
            self.ending.wait_on(meaning)
        elif isinstance(meaning, reading.Undated):
            delivery.pending = delivery.runs = len(meaning.runs.tasks)
            for task in meaning.runs.tasks:
                self.die(meaning.runs.envelope, task, Failed("undecodable", "BadHeader", meaning.why))
        elif isinstance(meaning, reading.Moved):
            self.ending.move_on(meaning)
        elif isinstance(meaning, reading.Gone):
            self.die(meaning.envelope, None, Failed("gone", "Gone", meaning.why))
        else:
            self._unknown(meaning)

    def _move_in(self, delivery: Delivery, messages: tuple[Outgoing, ...]) -> None:
        """Hand a message of an intake on to the tasks of its event."""
        for message in messages:
            if not message.exchange:
                self.settler.count("to_event_rungs")
        self.settler.pass_on(delivery, messages)

    def _count_rung(self, delivery: Delivery) -> None:
        if rung := rung_of(delivery, self._routes):
            if rung.event:
                self.settler.count("from_event_rungs")
            else:
                self.from_rungs += 1

    def _take_runs(self, runs: reading.Runs) -> None:
        envelope, tasks = runs.envelope, runs.tasks
        delivery = envelope.delivery
        if len(tasks) > 1:
            if delivery.redelivered:
                self._split(delivery, tuple((envelope, task) for task in tasks))
                return
            delivery.pending = delivery.runs = len(tasks)
        for task in tasks:
            if self.admit(envelope, task):
                self._start(envelope, task)

    def _start(self, envelope: Envelope, task: Task) -> None:
        try:
            run = Run(envelope, task, self._functions[task.name])
        except call.BadEntryPoint as error:
            self.finish(Run(envelope, task, None), Failed("exception", "BadEntryPoint", str(error)))
            return
        if not self._slots.submit(run):
            self.hand_back(run)

    def _split(self, delivery: Delivery, copies: tuple[tuple[Envelope, Task], ...]) -> None:
        delivery.pending = delivery.runs = len(copies)
        for envelope, task in copies:
            self.settler.pass_on(delivery, settle.one_task(self.pipeline, envelope, task))

    def _unknown(self, unknown: reading.Unknown) -> None:
        envelope, now = unknown.envelope, self._clock.time()
        if self._seldom.may_say(unknown.why):
            queue = envelope.delivery.queue
            self.journal.log.warning(f"a message on {queue} waits for a runner that knows it: {unknown.why}")
        if envelope.unknown_since and now - envelope.unknown_since > settle.UNKNOWN_PATIENCE_S:
            self.die(
                envelope, None, Failed("unknown", "Unknown", f"{unknown.why}, nor was there in ten minutes")
            )
            return
        self.settler.count("to_rungs")
        self.settler.pass_on(envelope.delivery, settle.wait_unknown(self.pipeline, envelope, now))

    # One run.

    def execute(self, run: Run) -> None:
        """Run a sync task to its end and settle it, on a slot's thread."""
        if self.is_early(run):
            self._intake.acknowledge_first(run.envelope.delivery, _EARLY_S)
        result, payload = self._begin(run)
        if result is None:
            assert isinstance(run.function, Function)
            result = call.call(run.function, payload, partial(self._context, run))
        self.finish(run, result, payload)

    async def execute_async(self, run: Run) -> None:
        """Run an async task to its end and settle it, on the event loop."""
        if self.is_early(run):
            import asyncio

            await asyncio.to_thread(self._intake.acknowledge_first, run.envelope.delivery, _EARLY_S)
        result, payload = self._begin(run)
        if result is None:
            result = await self._call_async(run, payload)
        self.finish(run, result, payload)

    async def _call_async(self, run: Run, payload: object) -> Result:
        import asyncio  # has been imported with the event loop that this runs on

        if not isinstance(run.function, Function):
            assert run.function is not None
            return await run.function.attempt(run, payload)
        limit = asyncio.timeout(run.task.timeout_s)
        try:
            async with limit:
                result = await call.call_async(run.function, payload, partial(self._context, run))
        except TimeoutError:
            return call.timed_out(run.task.timeout_s or 0.0)
        except BaseException as error:  # a cancellation, or what only derives from it
            result = call.failed(error)
        # A task may swallow its cancellation; too late is too late.
        return call.timed_out(run.task.timeout_s or 0.0) if limit.expired() else result

    def _begin(self, run: Run) -> tuple[Result | None, object]:
        if self.on_begun:
            self.on_begun(run)
        envelope = run.envelope
        event = self.pipeline.events.get(envelope.event) if envelope.event else None
        return self.schemas.take(event, envelope.delivery.body)

    def _context(self, run: Run) -> Context:
        envelope, name = run.envelope, run.task.name
        return Context(
            id=envelope.id,
            event=envelope.event,
            task=name,
            attempt=envelope.attempt,
            exchange=envelope.exchange,
            key=envelope.key,
            queue=self._names.get(envelope.queue, envelope.queue),
            headers=envelope.delivery.headers,
            body=envelope.delivery.body,
            logger=self.journal.logger(name, envelope.id),
            publisher=self.outlet,
        )

    def finish(self, run: Run, result: Result, payload: object = None) -> None:
        """Settle a run by its result, and record it; a run that has been handed back is neither."""
        if not self._is_mine(run):
            return
        if self.on_ended:
            self.on_ended(run)
        ended = self._clock.time()
        decision, result = self.ending.end(run, result, ended)
        self.journal.execution(run, decision, result, payload, ended)
        if self.on_error and isinstance(result, Failed):
            tell(self.on_error, self._context(run), result, self.journal)

    def _is_mine(self, run: Run) -> bool:
        """Return True the first time: a run is settled, or handed back, once."""
        with self._lock:
            mine, run.settled = not run.settled, True
        return mine

    def is_early(self, run: Run) -> bool:
        """Return whether a run's message is acknowledged before it begins (`ack: early`)."""
        return run.envelope.queue in self._early

    def detach(self, run: Run, on_settled: Callable[[], None]) -> Delivery | None:
        """Let a run go on without its delivery; `on_settled` is called when it has been settled.

        Returns the delivery, of which the caller settles this run's share; None: the run has been settled.
        """
        with self._lock:
            if run.settled:
                return None
            delivery = run.envelope.delivery
            own = structs.replace(delivery, runs=1, pending=1, on_settled=on_settled)
            run.envelope = structs.replace(run.envelope, delivery=own)
        return delivery

    def die(
        self,
        envelope: Envelope,
        task: Task | None,
        failed: Failed,
        on_confirmed: Callable[[], None] | None = None,
    ) -> None:
        """Write the dead letter of a message that didn't run, and record it."""
        decision = decide(failed, None, envelope.attempt)
        assert isinstance(decision, Dead)
        self.ending.bury(envelope, task, decision, failed, self._clock.time(), on_confirmed)
        self.journal.not_run(envelope, task, decision, failed)

    def hand_back(self, run: Run) -> None:
        """Give an unsettled run back to the broker, uncounted; what it may return counts for nothing."""
        if not self._is_mine(run):
            return
        delivery = run.envelope.delivery
        if run.started and self.is_early(run):
            text = "ends with its process, and doesn't run again: it was acknowledged first (ack: early)"
            self.journal.log.warning(text, task=run.task.name, id=run.envelope.id)
            return
        self.settler.count("handed_back")
        shared = delivery.runs > 1
        one = settle.one_task(self.pipeline, run.envelope, run.task) if shared else self.return_message(run)
        one.headers |= held(run.envelope, self._routes.mark) | settle.done(run.done)
        self.settler.pass_on(delivery, one)
