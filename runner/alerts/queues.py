"""How many messages wait, and for how long the oldest of each queue may have. Pure."""

from collections import deque
from collections.abc import Iterable, Mapping

#: What ended is told this much later at most, where the writer isn't behind.
_LAG_S = 1.0
#: Looks at a queue that are kept, spread over the time since the oldest that counts.
_MOST_MARKS = 120


class Queues:
    """What is known of the queues. Times are Unix times in seconds.

    No broker tells how old the oldest message of a queue is. But a queue is first in, first out: what still
    waits came after what was taken last, after the queue was seen empty, and after each look at it since
    which at least as many were taken as waited then, or were in the processes' hands. The newest of these
    moments is the closest that can be known: the oldest message isn't older.
    """

    def __init__(self, now: float, a_delivery: Mapping[str, int], in_hand: Mapping[str, int]) -> None:
        """Begin with nothing.

        `a_delivery`: queue to how many attempts one message of it may be; `in_hand`: queue to how many
        messages the processes may hold of it.
        """
        self._began = now
        self._a_delivery = a_delivery
        self._in_hand = in_hand
        self._depths: dict[str, int] = {}
        self._since: dict[str, float] = {}
        #: How many messages were taken, at least.
        self._taken: dict[str, float] = {}
        #: When a queue was looked at, and how many have to be taken until all that waited then are gone.
        self._marks: dict[str, deque[tuple[float, float]]] = {}
        #: Looks of which it isn't known yet how many had been taken by then: that is told later.
        self._looks: deque[tuple[float, dict[str, int]]] = deque()

    def taken(self, newest: Mapping[str, float], ended: Mapping[str, int]) -> None:
        """Note when the newest messages that were taken came into their queues, and how many were."""
        for queue, moment in newest.items():
            self._know(queue, moment)
        for queue, count in ended.items():
            self._taken[queue] = self._taken.get(queue, 0.0) + count / self._a_delivery.get(queue, 1)
            marks = self._marks.get(queue, deque())
            while marks and marks[0][1] <= self._taken[queue]:
                self._know(queue, marks.popleft()[0])

    def told(self, now: float) -> None:
        """Note that all has been told that ended up to a moment before now."""
        while self._looks and self._looks[0][0] < now - _LAG_S:
            moment, depths = self._looks.popleft()
            for queue, depth in depths.items():
                self._mark(queue, moment, depth)

    def depths(self, depths: Mapping[str, int | None], now: float) -> None:
        """Note how many messages wait; None: there is no such queue."""
        self._depths = {queue: depth for queue, depth in depths.items() if depth is not None}
        for queue, depth in self._depths.items():
            if depth == 0:
                self._know(queue, now)
                self._marks.pop(queue, None)
        self._looks.append((now, {queue: depth for queue, depth in self._depths.items() if depth}))
        if len(self._looks) > _MOST_MARKS:
            self._looks.popleft()

    def seen(self, queues: Iterable[str]) -> dict[str, int]:
        """Return how many messages wait in these queues, as far as they were looked at."""
        return {queue: self._depths[queue] for queue in queues if queue in self._depths}

    def ages_s(self, queues: Iterable[str], now: float) -> dict[str, float]:
        """Return how long the oldest message of each of these may have waited, where any does."""
        waiting = [queue for queue in queues if self._depths.get(queue)]
        return {queue: now - self._since.get(queue, self._began) for queue in waiting}

    def _mark(self, queue: str, moment: float, depth: int) -> None:
        if moment <= self._since.get(queue, 0.0):
            return
        marks = self._marks.setdefault(queue, deque())
        marks.append((moment, self._taken.get(queue, 0.0) + self._in_hand.get(queue, 0) + depth))
        if len(marks) > _MOST_MARKS:
            self._marks[queue] = deque(list(marks)[::2])

    def _know(self, queue: str, moment: float) -> None:
        self._since[queue] = max(moment, self._since.get(queue, 0.0))
