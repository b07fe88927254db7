"""When a run has nothing left to do: nothing queued, waiting on a rung, or running."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ebats.pipelines.topology import Topology

#: Counts ready messages of queues by name; None: there is no such queue.
Counts = Callable[[Iterable[str]], Mapping[str, int | None]]

_QUIET_S = 0.3
#: All is empty, and yet something seems to be under way: for so long it is believed.
_PATIENCE_S = 30.0


class Idle:
    """Watches for the end of all work.

    A passive declare shows neither what runs nor what a rung is handing on, so the runner's own count
    of what it put on rungs, and of what came from them, is held against what waits there.
    """

    def __init__(self, topology: Topology, queues: Iterable[str], counts: Counts) -> None:
        """Watch the work queues `queues` (broker names), the suspects and all rungs."""
        self._rungs = [queue.name for queue in topology.of_kind("rung")]
        self._queues = [*queues, *(queue.name for queue in topology.of_kind("suspects"))]
        self._counts = counts
        self._on_rungs_before = sum(count or 0 for count in counts(self._rungs).values())
        self._quiet_since: float | None = None
        self._last: tuple[Any, ...] | None = None

    def is_over(self, statuses: Iterable[Mapping[str, int]]) -> bool:
        """Return whether nothing is left, given the counters of all processes so far, dead ones too.

        It has to be asked again and again: two looks that see the same stillness are needed.
        """
        total: Counter[str] = Counter()
        for status in statuses:
            total.update(status)
        if total["in_hand"]:
            return self._not_yet()
        queued = sum(count or 0 for count in self._counts(self._queues).values())
        waiting = sum(count or 0 for count in self._counts(self._rungs).values())
        if queued or waiting:
            return self._not_yet()
        return self._is_still(total)

    def _not_yet(self) -> bool:
        self._quiet_since = self._last = None
        return False

    def _is_still(self, total: Counter[str]) -> bool:
        now = time.monotonic()
        seen = (total["taken"], total["to_rungs"], total["from_rungs"])
        if seen != self._last or self._quiet_since is None:
            self._last, self._quiet_since = seen, now
            return False
        quiet_s = now - self._quiet_since
        under_way = self._on_rungs_before + total["to_rungs"] - total["from_rungs"]
        # A process that was killed may not have told all that it had counted.
        return quiet_s >= (_PATIENCE_S if under_way > 0 else _QUIET_S)
