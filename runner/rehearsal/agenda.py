"""A clock that waits for nobody: what is due is called at its time, one thing after another."""

import heapq
from collections.abc import Callable
from itertools import count

#: When a rehearsal begins: midnight of 1 January 2026, UTC.
_BEGAN = 1_767_225_600.0


class Agenda:
    """Calls what is to be called in order of time; what is due at one time, in the order of its coming."""

    def __init__(self) -> None:
        #: Seconds since the beginning.
        self.now = 0.0
        self._entries: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()

    def time(self) -> float:
        """Return the Unix time in seconds: see `Clock`."""
        return _BEGAN + self.now

    def monotonic(self) -> float:
        """Return the seconds since an hour before the beginning: see `Clock`."""
        # Not from 0 on, which stands for "never" in some places.
        return 3600.0 + self.now

    @property
    def now_ms(self) -> int:
        """The milliseconds since the beginning."""
        return round(self.now * 1000)

    def after(self, seconds: float, call: Callable[[], None]) -> None:
        """Call after so many seconds; 0: when all that is due before has been called."""
        self.at(self.now + seconds, call)

    def at(self, moment: float, call: Callable[[], None]) -> None:
        """Call at a moment, in seconds since the beginning."""
        heapq.heappush(self._entries, (max(moment, self.now), next(self._numbers), call))

    def run(self, most: int) -> bool:
        """Go through all of it; False: after so many calls there was more to come."""
        for _ in range(most):
            if not self._entries:
                return True
            self.now, _number, call = heapq.heappop(self._entries)
            call()
        return not self._entries
