"""Whether a host that fails on and on is asked at all. Pure: times are given, monotonic, in seconds."""

from typing import Literal

#: Down for less than so many seconds: the pause between two probes, and the rung that its messages wait on.
_PAUSES_MS = ((3.0, 1_000), (15.0, 3_000), (60.0, 10_000), (float("inf"), 30_000))

Change = Literal["down", "up"]


class Breaker:
    """The state of one host: up, or down since `after` failures one after another.

    While it is down one request at a time goes, the first that comes after a pause: a probe. Any success
    shows that the host is up again, that of a request sent before too.
    """

    def __init__(self, after: int) -> None:
        self._after = after
        self.failures = 0
        self.down_since: float | None = None
        self._probe_at = 0.0
        self._is_probing = False

    @property
    def is_quiet(self) -> bool:
        """Return whether there is nothing to remember."""
        return self.failures == 0

    def ask(self, now: float) -> Literal["go", "probe"] | int:
        """Return whether a request may go, or for how many milliseconds its message waits."""
        if self.down_since is None:
            return "go"
        if self._is_probing or now < self._probe_at:
            return self.pause_ms(now)
        self._is_probing = True
        return "probe"

    def note(self, *, is_probe: bool, failed: bool | None, now: float) -> Change | None:
        """Take in how a request ended (None: it was cut short, and says nothing); return what has changed."""
        if is_probe:
            self._is_probing = False
        if failed is None:
            return None
        if not failed:
            was_down, self.down_since, self.failures = self.down_since is not None, None, 0
            return "up" if was_down else None
        self.failures += 1
        if self.down_since is None and self.failures >= self._after:
            self.down_since = now
            self._probe_at = now + self.pause_ms(now) / 1000
            return "down"
        if is_probe and self.down_since is not None:
            self._probe_at = now + self.pause_ms(now) / 1000
        return None

    def pause_ms(self, now: float) -> int:
        """Return the pause till the next probe: it grows with the time that the host is down."""
        down_s = 0.0 if self.down_since is None else now - self.down_since
        return next(pause_ms for below_s, pause_ms in _PAUSES_MS if down_s < below_s)
