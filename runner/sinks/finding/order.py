"""Records in the order of time: the newest of many, and all of a stream that is nearly in order."""

import heapq
from collections.abc import Iterable, Iterator

from ebats.runner.sinks.finding.found import Found

#: A record stands so many lines too late in its file at most: several batches of several runners. Only one
#: that a sink in trouble held back comes later, and is then shown later, too.
_DISPLACED = 5_000


class Newest:
    """The newest so many of what is added, in any order."""

    def __init__(self, limit: int) -> None:
        """Keep `limit` at most."""
        self._limit = limit
        self._heap: list[tuple[float, tuple[int, int], Found]] = []

    def add(self, found: Found, place: tuple[int, int]) -> None:
        """Take one; of the same time, the one with the higher place, which is its own, is the newer."""
        item = (_time(found), place, found)
        if len(self._heap) < self._limit:
            heapq.heappush(self._heap, item)
        elif item > self._heap[0]:
            heapq.heapreplace(self._heap, item)

    def has_no_use_for(self, time_s: float) -> bool:
        """Return whether nothing of this Unix time, or older, would be kept."""
        return len(self._heap) >= self._limit and time_s < self._heap[0][0]

    def oldest_first(self) -> list[Found]:
        """Return what is kept."""
        return [found for _, _, found in sorted(self._heap)]


def in_order(stream: Iterable[Found], displaced: int = _DISPLACED) -> Iterator[Found]:
    """Yield a stream in the order of time, where nothing stands further from its place than `displaced`."""
    heap: list[tuple[float, int, Found]] = []
    for count, found in enumerate(stream):
        item = (_time(found), count, found)
        if len(heap) < displaced:
            heapq.heappush(heap, item)
        else:
            yield heapq.heappushpop(heap, item)[2]
    while heap:
        yield heapq.heappop(heap)[2]


def _time(found: Found) -> float:
    # Executions have whole milliseconds, and what a task said before it ended must not come after it.
    return round(found.record.time.timestamp(), 3)
