"""The end of a run: what is decided becomes messages, beside them what follows from a result or a death."""

from collections.abc import Callable

from ebats.pipelines.model import Pipeline, Task
from ebats.pipelines.routes import Routes
from ebats.pipelines.topology import shared_delays_ms
from ebats.runner.execution import settle
from ebats.runner.execution.call import TEXT_BYTES, cut
from ebats.runner.execution.encode import BadResult
from ebats.runner.execution.envelope import Envelope
from ebats.runner.execution.journal import Journal
from ebats.runner.execution.outcome import Dead, Decision, Failed, Postponed, Result, Retry, Returned, decide
from ebats.runner.execution.reading import Early, Moved
from ebats.runner.execution.results import NOTHING, FollowUps, Results
from ebats.runner.execution.schemas import Schemas
from ebats.runner.execution.seldom import Seldom
from ebats.runner.execution.settle import Outgoing
from ebats.runner.execution.slots import Run
from ebats.runner.roles.settler import Settler


class Ending:
    """Ends runs, and waits on where it isn't time yet. Any thread may call it."""

    def __init__(
        self, pipeline: Pipeline, routes: Routes, settler: Settler, journal: Journal, schemas: Schemas
    ) -> None:
        self._pipeline = pipeline
        self._settler = settler
        self._journal = journal
        self._results = Results(pipeline, routes, schemas)
        self._rungs_ms = shared_delays_ms(pipeline)
        self._seldom = Seldom()
        #: Told of what is published beside the settling of a run: `then`, `on_dead`, replies.
        self.on_follows: Callable[[FollowUps], None] | None = None

    def end(self, run: Run, result: Result, now: float) -> tuple[Decision, Result]:
        """Settle a run that ended `now`, a Unix time, by its result; return what was decided, and on what.

        A result that can't be handed on, where somebody is to get it, is a failure instead.
        """
        follows = NOTHING
        if isinstance(result, Returned):
            try:
                follows = self._results.of_success(run.envelope, run.task, result.value, now)
            except BadResult as error:
                result = Failed("exception", "BadResult", cut(str(error), TEXT_BYTES))
        decision = decide(result, run.task.ladder, run.envelope.attempt)
        self._settle(run, decision, result, follows, now)
        return decision, result

    def bury(
        self,
        envelope: Envelope,
        task: Task | None,
        decision: Dead,
        failed: Failed,
        now: float,
        on_confirmed: Callable[[], None] | None = None,
    ) -> None:
        """Write the dead letter of a message, and what follows from its death."""
        self._settler.count("dead")
        letter = settle.dead(self._pipeline, envelope, task, decision, failed, now)
        follows = self._results.of_death(envelope, task, decision.reason, failed, now)
        messages = (letter, *self._following(envelope, follows))
        self._settler.pass_on(envelope.delivery, messages, on_confirmed)

    def wait_on(self, early: Early) -> None:
        """Let a message that isn't due wait for one more hop."""
        delivery = early.envelope.delivery
        remaining_s = early.due - delivery.received
        message = settle.hop(self._pipeline, early.envelope, early.task, remaining_s, self._rungs_ms)
        self._settler.count("to_rungs")
        self._settler.pass_on(delivery, message)

    def move_on(self, moved: Moved) -> None:
        """Publish a message where the changed file leads it."""
        for way in moved.ways:
            if way.delay_ms:
                self._settler.count("to_event_rungs")
        messages = [settle.moved(self._pipeline, moved.envelope, way) for way in moved.ways]
        self._settler.pass_on(moved.envelope.delivery, messages)

    def _settle(self, run: Run, decision: Decision, result: Result, follows: FollowUps, now: float) -> None:
        envelope, task = run.envelope, run.task
        if isinstance(decision, Retry):
            assert isinstance(result, Failed)
            self._settler.count("to_rungs")
            message = settle.retry(self._pipeline, envelope, task, decision, result, now, self._rungs_ms)
            self._settler.pass_on(envelope.delivery, message)
        elif isinstance(result, Postponed):
            self._settler.count("to_rungs")
            message = settle.postpone(self._pipeline, envelope, task, result, now, self._rungs_ms)
            self._settler.pass_on(envelope.delivery, message)
        elif isinstance(decision, Dead):
            assert isinstance(result, Failed)
            self.bury(envelope, task, decision, result, now)
        elif follows is NOTHING:
            self._settler.settled(envelope.delivery)
        else:
            self._settler.pass_on(envelope.delivery, self._following(envelope, follows))

    def _following(self, envelope: Envelope, follows: FollowUps) -> tuple[Outgoing, ...]:
        """Return the messages of what follows, and count those that are to wait."""
        if self.on_follows:
            self.on_follows(follows)
        if follows.on_event_rungs:
            self._settler.count("to_event_rungs", follows.on_event_rungs)
        for warning in follows.warnings:
            if self._seldom.may_say(warning):
                self._journal.log.warning(warning, id=envelope.id)
        return follows.messages
