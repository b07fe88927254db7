"""The lane: suspects run here one at a time, so that the one that kills its process is found out."""

import time
from functools import partial

from ebats.pipelines.model import Task
from ebats.pipelines.plan import ProcessSpec
from ebats.runner.execution import settle
from ebats.runner.execution.envelope import Envelope
from ebats.runner.execution.journal import Journal
from ebats.runner.execution.outcome import Failed
from ebats.runner.execution.slots import Run
from ebats.runner.roles.hooks import Hooks
from ebats.runner.roles.parent import Parent
from ebats.runner.roles.worker import Worker

_IDLE_S = 3.0


def run(spec: ProcessSpec, journal: Journal, parent: Parent) -> None:
    """Run the lane until there are no suspects."""
    queues = {spec.pipeline.queue_on_broker("suspects"): 1}
    worker = Worker(spec, queues, 1, journal, parent)
    hooks = Hooks(spec.pipeline, journal)
    worker.engine.on_error = hooks.on_error
    lane = Lane(worker, spec, hooks)
    worker.engine.admit = lane.admit
    worker.engine.return_message = lane.return_message
    worker.engine.on_begun = lane.begin
    # Before it is settled: once it is, the next one may start.
    worker.engine.on_ended = lambda run: parent.tell(ends=_known_as(run.envelope, run.task))
    journal.log.info("runs suspects one at a time")
    why = worker.run(lane.is_over)
    hooks.stop(why)
    journal.log.info(f"leaves: {why}")


class Lane:
    """Says to the parent which message is at work, and judges those whose run ended a lane before."""

    def __init__(self, worker: Worker, spec: ProcessSpec, hooks: Hooks) -> None:
        self._worker = worker
        self._hooks = hooks
        self._pipeline = spec.pipeline
        self._crashed = set(spec.crashed)
        self._busy_at = time.monotonic()

    def admit(self, envelope: Envelope, task: Task) -> bool:
        """Return whether a run may start; one that ended the lane before is counted first, or dead."""
        self._busy_at = time.monotonic()
        name = _known_as(envelope, task)
        if name in self._crashed:
            self._crashed.discard(name)
            self._count(envelope, task, name)
            return False
        self._hooks.start(self._pipeline.queue_name(envelope.queue))
        return True

    def begin(self, run: Run) -> None:
        """Say what is at work now. While one is parked the next one may come: it waits here for its end."""
        # What the ones before had to say would die with this process.
        self._worker.journal.flush()
        # The parent has it before the task starts: if this process dies now, it knows of which message.
        self._worker.parent.tell(starts=_known_as(run.envelope, run.task))

    def _count(self, envelope: Envelope, task: Task, name: str) -> None:
        crashes, most = envelope.crashes + 1, self._most(envelope)
        engine = self._worker.engine
        # Until then the parent remembers the crash: this process may be the next to die.
        confirmed = partial(self._worker.parent.tell, counted=name)
        if crashes < most:
            message = settle.suspect(self._pipeline, envelope, task, crashes)
            engine.settler.pass_on(envelope.delivery, message, confirmed)
            return
        text = f"its process died {crashes} times while it ran, alone"
        engine.die(settle.counted(envelope, crashes), task, Failed("crashed", "Crash", text), confirmed)

    def _most(self, envelope: Envelope) -> int:
        queues = self._pipeline.queues.values()
        return next((queue.crashes for queue in queues if queue.broker_name == envelope.queue), 5)

    def return_message(self, run: Run) -> settle.Outgoing:
        """Return what gives a suspect back: to the lane, for it still is one."""
        return settle.suspect(self._pipeline, run.envelope, run.task, run.envelope.crashes)

    def is_over(self) -> str | None:
        """Return a reason to leave when there have been no suspects for a while."""
        if self._worker.intake.unsettled() or self._worker.slots.running:
            self._busy_at = time.monotonic()
        return "no more suspects" if time.monotonic() - self._busy_at > _IDLE_S else None


def _known_as(envelope: Envelope, task: Task) -> str:
    # Two tasks of one event have messages of the same id.
    return f"{task.name} {envelope.id}"
