"""Sliding windows over counts: bounded by the tasks there are, whatever happens in them. Pure."""

from collections import deque
from collections.abc import Mapping

from ebats.runner.alerts.facts import Counts

#: A task, and the event that led to it.
Key = tuple[str, str]

#: A window is counted in so many slices: what leaves it does so a slice late at most.
_SLICES = 20


class CountsWindow:
    """What happened in the last so many seconds, by task and event."""

    def __init__(self, length_s: float) -> None:
        """Begin with nothing."""
        self._slice_s = length_s / _SLICES
        #: The oldest first: its number, and what was counted in it.
        self._slices: deque[tuple[int, dict[Key, Counts]]] = deque()
        self.totals: dict[Key, Counts] = {}

    def add(self, now: float, counts: Mapping[Key, Counts]) -> None:
        """Count what was found just now; `now` never goes back."""
        number = int(now / self._slice_s)
        if not self._slices or self._slices[-1][0] < number:
            self._slices.append((number, {}))
        newest = self._slices[-1][1]
        for key, found in counts.items():
            for place in (newest, self.totals):
                place.setdefault(key, Counts()).add(found)

    def advance(self, now: float) -> None:
        """Forget what is older than the window."""
        oldest = int(now / self._slice_s) - _SLICES
        gone: set[Key] = set()
        while self._slices and self._slices[0][0] < oldest:
            for key, counts in self._slices.popleft()[1].items():
                total = self.totals[key]
                total.subtract(counts)
                gone.add(key)
                if total.is_empty:
                    del self.totals[key]
        # A task that always has something to do would show samples of last week.
        for key in gone & self.totals.keys():
            self.totals[key].show(found[key] for _, found in self._slices if key in found)


class NumbersWindow:
    """Numbers of the last so many seconds, by name: deaths of processes, records that were lost."""

    def __init__(self, length_s: float) -> None:
        """Begin with nothing."""
        self._slice_s = length_s / _SLICES
        self._slices: deque[tuple[int, dict[str, int]]] = deque()
        self.totals: dict[str, int] = {}

    def add(self, now: float, numbers: Mapping[str, int]) -> None:
        """Count what was found just now; `now` never goes back."""
        number = int(now / self._slice_s)
        if not self._slices or self._slices[-1][0] < number:
            self._slices.append((number, {}))
        for place in (self._slices[-1][1], self.totals):
            for name, count in numbers.items():
                place[name] = place.get(name, 0) + count

    def advance(self, now: float) -> None:
        """Forget what is older than the window."""
        oldest = int(now / self._slice_s) - _SLICES
        while self._slices and self._slices[0][0] < oldest:
            for name, count in self._slices.popleft()[1].items():
                self.totals[name] -= count
                if not self.totals[name]:
                    del self.totals[name]
