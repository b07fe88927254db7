"""How long messages wait whose host has as many requests as it may have. Pure: times are given."""

#: The rungs that they wait on: the first, unless many wait.
_WAITS_S = (1, 3, 10, 30)
#: Each message that comes again for nothing costs the queue its time, and so the other hosts: no more than so
#: many a second, or, of a host that is only busy, than so many times what it takes.
_RETURNS, _TIMES = 300.0, 4.0


class Crowd:
    """Those who wait for one host, counted over a round: so long as each of them waits. Times in seconds."""

    def __init__(self, now: float) -> None:
        """Begin with nobody."""
        self._began = now
        self._wait_s = _WAITS_S[0]
        self._turned_away = self._served = 0

    def served(self) -> None:
        """Note that a request came to its end."""
        self._served += 1

    def wait_ms(self, now: float) -> int:
        """Return how long the next one waits."""
        passed = now - self._began
        if passed >= self._wait_s:
            waiting = self._turned_away / passed * self._wait_s
            returns = max(_RETURNS, _TIMES * self._served / passed)
            self._wait_s = next((wait for wait in _WAITS_S if waiting / wait <= returns), _WAITS_S[-1])
            self._began, self._turned_away, self._served = now, 0, 0
        self._turned_away += 1
        return self._wait_s * 1000
