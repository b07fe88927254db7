"""When a process takes more messages at once than usual: while it is done with all of them in a moment. Pure.

A broker that sends a few messages at a time has to be waited for and to wake many: with four times as many a
process needs a third less time for each. But what one process has taken, no other one works off. So it takes
more only while it would be done with all of them in a moment, and its usual number again when it would not.
"""

#: How often it is thought about.
_WINDOW_S = 0.25
#: It takes more when its usual number lasts no longer than the first, until it lasts longer than the second.
_SHORT_S, _LONG_S = 0.025, 0.1


class Appetite:
    """Says when to take more, and when no more."""

    def __init__(self, usual: int, growth: int) -> None:
        """`usual` is how many messages may be unacknowledged, `growth` how many times as many at most."""
        self._usual = usual
        self.growth = growth
        self.reset()

    def reset(self) -> None:
        """Begin as usual: on a new connection."""
        #: Whether more is taken at present.
        self.is_large = False
        self._settled = 0
        self._since: float | None = None

    @property
    def batch(self) -> int:
        """How many settled deliveries are acknowledged at once, without waiting for more."""
        return max(1, self._usual // 4) * (self.growth if self.is_large else 1)

    def settled(self, count: int) -> None:
        """Note that so many more messages are done with."""
        self._settled += count

    def changes(self, now: float) -> bool:
        """Return whether it changes now, a monotonic time in seconds: more from now on, or no more."""
        if self._since is None:
            self._since = now
        lasted = now - self._since
        if self.growth == 1 or lasted < _WINDOW_S:
            return False
        before, longest = self.is_large, _LONG_S if self.is_large else _SHORT_S
        self.is_large = self._settled * longest >= self._usual * lasted
        self._settled, self._since = 0, now
        return self.is_large != before
