"""Long runs: their messages are parked before the broker takes them back, and come back if cut short.

The copy in a lease queue returns by itself when its time is over, unless it is replaced before. So a
process that is killed loses nothing, and one that lives renews its leases and deletes them in the end. The
queue that a killed one was about to fill, or to delete, is known to its runner, which deletes it.
"""

import math
import secrets
import threading
import time

import msgspec

from ebats.pipelines import lease as rules
from ebats.pipelines.model import Pipeline
from ebats.runner.broker.lease_queues import Filling, LeaseQueues
from ebats.runner.execution import settle
from ebats.runner.execution.delivery import Delivery
from ebats.runner.execution.envelope import came_from
from ebats.runner.execution.journal import Journal
from ebats.runner.execution.slots import Run, Slots
from ebats.runner.roles.engine import Engine

#: Names of lease queues that are remembered: what lay in one may come late.
_MOST_NAMES = 10_000


class Lease(msgspec.Struct, eq=False):
    """A run whose message is parked, or is about to be."""

    run: Run
    #: On the wire, until the broker has the copy that takes their place.
    held: list[Delivery]
    #: Where the copy lies; None: nowhere yet.
    queue: str | None = None
    #: All the queues that it has had, and those of them whose message came back.
    names: list[str] = []
    returned: set[str] = set()
    #: Monotonic time at which another copy is due.
    due: float = -math.inf
    #: A copy is on its way.
    busy: bool = False
    #: The run has been settled.
    over: bool = False


class Leases:
    """Parks the messages of long runs, and renews their leases. Any thread may call it."""

    def __init__(
        self, pipeline: Pipeline, engine: Engine, slots: Slots, queues: LeaseQueues, journal: Journal
    ) -> None:
        broker = pipeline.broker
        self._pipeline = pipeline
        self._engine = engine
        self._slots = slots
        self._queues = queues
        self._journal = journal
        #: What may be declared only by others can't be made here.
        self._limit_s = broker.consumer_timeout_s if broker.declare == "always" else None
        self._long = {task.name for task in pipeline.tasks.values() if rules.is_long(broker, task)}
        self._prefix = rules.prefix(pipeline)
        self._lock = threading.Lock()
        self._leases: set[Lease] = set()
        #: Whose message lies, or lay, in a queue; None: its run is over.
        self._names: dict[str, Lease | None] = {}

    def attend(self) -> None:
        """Park what has been held for long, and renew what is due; to be called all the time."""
        if self._limit_s is None:
            return
        now = time.monotonic()
        if self._long:
            for run in tuple(self._slots.running):
                if self._is_due(run, now, self._limit_s):
                    self._park(run)
        with self._lock:
            due = [lease for lease in self._leases if not lease.busy and now > lease.due]
        for lease in due:
            self._fill(lease, self._limit_s)

    def came_back(self, delivery: Delivery) -> bool:
        """Take what comes back from a lease queue; False: it is nobody's here, and to be run.

        Its run may be alive, where the broker was away for long: then it isn't started again.
        """
        name = came_from(delivery)
        if not name.startswith(self._prefix):
            return False
        with self._lock:
            known = name in self._names
            lease = self._names.get(name)
            if lease:
                lease.held.append(delivery)
                lease.returned.add(name)
                # It is parked anew at once.
                lease.due = -math.inf
        if known and not lease:
            self._engine.settler.settled(delivery)
        # Whoever made it may be dead.
        self._queues.delete(name)
        return known

    def close(self, timeout_s: float) -> bool:
        """Delete the leases of what has been settled; return whether that was done in time."""
        return self._queues.close(timeout_s)

    @property
    def failure(self) -> BaseException | None:
        """Return what ended the thread of the queues, though nobody asked it to end."""
        return self._queues.failure

    def _is_due(self, run: Run, now: float, limit_s: float) -> bool:
        if run.task.name not in self._long or run.settled or run.envelope.delivery.on_settled:
            return False
        return now - run.came > rules.held_s(limit_s) and not self._engine.is_early(run)

    def _park(self, run: Run) -> None:
        lease = Lease(run, [])
        # Under the lock: the run may end at once, and let go of its lease.
        with self._lock:
            if delivery := self._engine.detach(run, lambda: self._release(lease)):
                lease.held.append(delivery)
                self._leases.add(lease)

    def _fill(self, lease: Lease, limit_s: float) -> None:
        """Send a copy into a new lease queue; each has one message at most, whatever fails."""
        with self._lock:
            if lease.over or lease.busy:
                return
            name = self._queues.spare() or f"{self._prefix}{secrets.token_hex(8)}"
            lease.busy, lease.due = True, time.monotonic() + rules.renewed_s(limit_s)
            lease.names.append(name)
            self._names.pop(name, None)
            self._names[name] = lease
            while len(self._names) > _MOST_NAMES:
                del self._names[next(iter(self._names))]
        run = lease.run
        self._queues.fill(
            Filling(
                name,
                rules.arguments(self._pipeline, run.task, run.envelope.queue, limit_s),
                settle.lease(run.envelope, run.task, name),
                lambda done: self._filled(lease, name, rules.renewed_s(limit_s) / 4, done=done),
            )
        )

    def _filled(self, lease: Lease, name: str, pause_s: float, *, done: bool) -> None:
        with self._lock:
            lease.busy = False
            is_kept = done and not lease.over and name not in lease.returned
            gone = name if not is_kept else lease.queue
            held: list[Delivery] = []
            if is_kept:
                lease.queue = name
                held, lease.held = lease.held, []
            elif not lease.over:
                lease.due = time.monotonic() + pause_s
        for delivery in held:
            self._engine.settler.settled(delivery)
        if gone:
            self._queues.delete(gone)

    def _release(self, lease: Lease) -> None:
        """Let go of a run that has been settled: what stood for it in the broker is done with."""
        with self._lock:
            lease.over = True
            self._leases.discard(lease)
            for name in lease.names:
                # Another lease may have taken the name over.
                if self._names.get(name) is lease:
                    self._names[name] = None
            held, lease.held = lease.held, []
        for delivery in held:
            self._engine.settler.settled(delivery)
        if lease.queue:
            self._queues.delete(lease.queue)
