"""When a run has nothing left to do: nothing queued, waiting on a rung, or running."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ebats.pipelines.former import NEVER_CHANGED, Former
from ebats.pipelines.topology import Topology

#: Counts ready messages of queues by name; None: there is no such queue.
Counts = Callable[[Iterable[str]], Mapping[str, int | None]]

_QUIET_S = 0.3
#: So long after a start, or a death, a broker may still keep the messages of processes that were killed:
#: the embedded one looks for the dead about once a second, also when it is asked for counts.
_FREED_S = 1.5
#: All is empty, and yet something seems to be under way: for so long it is believed.
_PATIENCE_S = 30.0


class Idle:
    """Watches for the end of all work.

    A passive declare shows neither what runs nor what a rung is handing on, so the runner's own count
    of what it put on rungs, and of what came from them, is held against what waits there.
    """

    def __init__(
        self, topology: Topology, queues: Iterable[str], counts: Counts, former: Former = NEVER_CHANGED
    ) -> None:
        """Watch the work queues `queues` (broker names), the suspects, all rungs, and what left the file."""
        rungs = [*(queue.name for queue in topology.of_kind("rung")), *former.of_kind("rung")]
        # In front of a shared one is an exchange of its name; an event's own one has none.
        exchanges = {*(exchange.name for exchange in topology.exchanges), *former.exchanges}
        self._rungs = rungs
        suspects = (queue.name for queue in topology.of_kind("suspects"))
        self._queues = [*queues, *suspects, *former.of_kind("work", "intake", "suspects")]
        self._counts = counts
        before = counts(rungs)
        shared = {name for name in rungs if name.partition("~")[0] in exchanges}
        self._on_shared = sum(count or 0 for name, count in before.items() if name in shared)
        self._on_events = sum(count or 0 for name, count in before.items() if name not in shared)
        self._quiet_since: float | None = None
        self._last: tuple[Any, ...] | None = None
        self._processes = 0
        self._changed_at = 0.0

    def is_over(self, statuses: Iterable[Mapping[str, int]]) -> bool:
        """Return whether nothing is left, given the counters of all processes so far, dead ones too.

        It has to be asked again and again: two looks that see the same stillness are needed.
        """
        total: Counter[str] = Counter()
        processes = 0
        for status in statuses:
            total.update(status)
            # One, or of those that have ended, how many.
            processes += status.get("processes", 1)
        if total["in_hand"]:
            return self._not_yet()
        queued = sum(count or 0 for count in self._counts(self._queues).values())
        waiting = sum(count or 0 for count in self._counts(self._rungs).values())
        if queued or waiting:
            return self._not_yet()
        return self._is_still(total, processes)

    def _not_yet(self) -> bool:
        self._quiet_since = self._last = None
        return False

    def _is_still(self, total: Counter[str], processes: int) -> bool:
        now = time.monotonic()
        if processes != self._processes:
            self._processes, self._changed_at = processes, now
        seen = (total["taken"], total["to_rungs"], total["from_rungs"])
        shared = max(0, self._on_shared + total["to_rungs"] - total["from_rungs"])
        # Nobody counts what publishers send to these meanwhile: there may be fewer than none.
        of_events = max(0, self._on_events + total["to_event_rungs"] - total["from_event_rungs"])
        if seen != self._last or self._quiet_since is None:
            self._last, self._quiet_since = seen, now
            return False
        if now - self._changed_at < _FREED_S:
            return False
        quiet_s = now - self._quiet_since
        # A process that was killed may not have told all that it had counted.
        return quiet_s >= (_PATIENCE_S if shared + of_events > 0 else _QUIET_S)
