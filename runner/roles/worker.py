"""A process that works deliveries off: its threads, its limits, its way out."""

import math
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ebats.pipelines.counting import counted
from ebats.pipelines.lease import waiting_s
from ebats.pipelines.plan import ProcessSpec
from ebats.runner.broker.consume import Intake
from ebats.runner.broker.lease_queues import LeaseQueues
from ebats.runner.broker.publish import Publisher
from ebats.runner.execution.call import timed_out
from ebats.runner.execution.journal import Journal
from ebats.runner.execution.slots import Run, Slots
from ebats.runner.roles.engine import Engine
from ebats.runner.roles.functions import Functions
from ebats.runner.roles.heap import give_back
from ebats.runner.roles.leases import Leases
from ebats.runner.roles.parent import Parent
from ebats.runner.roles.worn import Worn

_TICK_S = 0.25
_STATUS_S = 1.0
#: An async task that is cancelled gets so long to notice.
_CANCEL_S = 1.0
#: Where parked runs have all slots, a message that waits for one is somebody else's after so long.
_CROWDED_S = 5.0
#: For the last confirms and acknowledgements; without them the broker redelivers.
_FLUSH_S = 10.0
#: A child without a parent leaves within the 10 s that are promised.
_ORPHAN_S = 4.0
_ORPHAN_FLUSH_S = 1.5

#: Why a process leaves: told when it stops, because of a limit of its own, or as a task hangs.
Why = str


class Worker:
    """The machinery of a consumer process and of the lane: intake, publisher, slots, engine."""

    def __init__(
        self,
        spec: ProcessSpec,
        queues: dict[str, int],
        concurrency: int,
        journal: Journal,
        parent: Parent,
        growth: int = 1,
    ) -> None:
        """Work off `queues`, broker names each with its prefetch, `concurrency` runs at once.

        While they are short, `growth` times as many messages are taken.
        """
        pipeline = spec.pipeline
        self.parent = parent
        self.journal = journal
        self.functions = Functions(pipeline, concurrency, self._say)
        self.engine = Engine(pipeline, self.functions, journal, spec.former)
        self.intake = Intake(pipeline.broker, queues, self.engine.take, self._say, growth)
        # Both connections come and go together: the one that takes speaks for both.
        self.publisher = Publisher(pipeline.broker, self._say, say_link=self._whisper)
        self.slots = Slots(concurrency, self.engine.execute, self.engine.execute_async)
        self.engine.connect(self.intake, self.publisher, self.slots)
        # What waits for a slot goes back to its queue in time: RabbitMQ takes back by force, with all
        # that runs beside it, what isn't acknowledged within its consumer timeout.
        self._waiting_s = waiting_s(pipeline.broker)
        queues_of_leases = LeaseQueues(
            pipeline.broker, self._say, lambda queue, loose: parent.tell(lease=queue, loose=loose)
        )
        self.leases = Leases(pipeline, self.engine, self.slots, queues_of_leases, journal)
        self.engine.came_back = self.leases.came_back
        self.intake.on_worn = Worn(self.engine, self.slots, self.intake).replace
        self.max_tasks: int | None = None
        self.max_memory: int | None = None
        self._grace_s = pipeline.grace_s
        self._concurrency = concurrency
        self._told_at = 0.0

    def _say(self, level: str, text: str) -> None:
        getattr(self.journal.log, level)(text)

    def _whisper(self, _level: str, text: str) -> None:
        self.journal.log.debug(f"publishing: {text}")

    def run(self, is_over: Callable[[], Why | None] = lambda: None) -> Why:
        """Work until there is a reason to leave, leave, and return the reason."""
        self.publisher.start()
        self.intake.start()
        give_back()
        self.parent.tell(ready=True)
        why = None
        while why is None:
            self._attend(_TICK_S)
            why = self._reason_to_leave() or is_over()
        self.parent.tell(leaving=why)
        self._leave(why)
        return why

    def _attend(self, timeout_s: float) -> None:
        """Listen to the parent, and tell it how things are."""
        words = self.parent.listen(timeout_s)
        for part in (self.intake, self.publisher, self.leases, self.slots):
            if part.failure:
                raise part.failure
        now = time.monotonic()
        for run in self.slots.overdue(now - self._patience_s()):
            self.engine.hand_back(run)
        self.leases.attend()
        if "report" in words or now - self._told_at >= _STATUS_S:
            self._told_at = now
            self.parent.tell(status=self.status(), about=self._about())

    def _about(self) -> dict[str, Any]:
        """Return what `ebats status` shows beside the numbers: hosts that callbacks have found failing."""
        hosts = self.functions.hosts()
        return {"hosts": hosts} if hosts else {}

    def _patience_s(self) -> float:
        """Return how long a message may wait here for a slot.

        Not for long where every run is parked: those are acknowledged, so the broker sends as much as to a
        process that has nothing to do, and others may be idle.
        """
        running = tuple(self.slots.running)
        is_crowded = len(running) >= self._concurrency
        if is_crowded and all(run.envelope.delivery.on_settled for run in running):
            return min(_CROWDED_S, self._waiting_s)
        return self._waiting_s

    def status(self) -> dict[str, int]:
        """Return what this process has done and has in hand, in numbers."""
        return {
            **self.engine.settler.counts,
            "taken": self.engine.taken,
            "from_rungs": self.engine.from_rungs,
            "ended": self.slots.ended,
            "running": len(self.slots.running),
            "in_hand": self.intake.unsettled() + len(self.slots.running),
        }

    def _reason_to_leave(self) -> Why | None:
        if self.parent.gone:
            return "orphan"
        if self.parent.stop:
            return "stop"
        if self._hung():
            return "timeout"
        # As soon as the last one has begun: a long one beside it would have the others wait here in vain.
        if self.slots.is_spent or (self.max_tasks is not None and self.slots.ended >= self.max_tasks):
            return "max_tasks"
        if self.max_memory is not None and resident_memory() > self.max_memory:
            return "max_memory"
        return None

    def _hung(self) -> list[Run]:
        """Return the runs that are past their time-out and can't be cancelled."""
        now = time.monotonic()
        return [run for run in tuple(self.slots.running) if now - run.started > _bound_s(run)]

    def _leave(self, why: Why) -> None:
        self.intake.stop_taking()
        for run in self.slots.close():
            self.engine.hand_back(run)
        self._let_finish(why)
        for run in self._hung():
            self.journal.log.warning(f"{run.task.name} doesn't end: its process leaves", id=run.envelope.id)
            self.engine.finish(run, timed_out(run.task.timeout_s or 0.0))
        for run in tuple(self.slots.running):
            self.engine.hand_back(run)
            self.slots.cancel(run)
        flush_s = _ORPHAN_FLUSH_S if self.parent.gone else _FLUSH_S
        self.intake.cancelled.wait(flush_s)
        # In this order: what is confirmed is settled, what is settled needs no lease.
        is_closed = [end.close(flush_s) for end in (self.publisher, self.leases, self.intake)]
        if not all(is_closed):
            self.journal.log.warning("the broker didn't take the last acknowledgements: it delivers again")
        if handed_back := self.engine.settler.counts["handed_back"]:
            self.journal.log.info(f"handed {counted(handed_back, 'message')} back")
        self.parent.tell(status=self.status())

    def _let_finish(self, why: Why) -> None:
        """Let what runs come to its end: within the grace time, or, where nobody waits, its own time-outs."""
        began = time.monotonic()
        hurried = None if why in ("max_tasks", "max_memory") else began
        while set(self.slots.running) - set(self._hung()):
            self._attend(0.02)
            now = time.monotonic()
            if hurried is None and (self.parent.stop or self.parent.gone):
                hurried = now
            grace_s = min(self._grace_s, _ORPHAN_S) if self.parent.gone else self._grace_s
            if hurried is not None and now - hurried > grace_s:
                return


def _bound_s(run: Run) -> float:
    if run.task.timeout_s is None:
        return math.inf
    return run.task.timeout_s + (_CANCEL_S if run.is_async else 0.0)


def resident_memory() -> int:
    """Return the resident memory of this process in bytes; on macOS the largest it has had."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * resource.getpagesize()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def call_hook(hook: Callable[..., Any] | None, journal: Journal, *arguments: object) -> None:
    """Call `on_stop` or the like; what it raises is written down."""
    if hook is None:
        return
    try:
        hook(*arguments)
    except Exception as error:
        journal.log.error(f"{getattr(hook, '__name__', hook)} failed: {type(error).__name__}: {error}")
