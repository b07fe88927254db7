"""What tells the time: the module `time`, or a clock of a rehearsal's own, which waits for nobody."""

from typing import Protocol


class Clock(Protocol):
    """Tells the time, as the module `time` does."""

    def time(self) -> float:
        """Return the Unix time in seconds."""
        ...

    def monotonic(self) -> float:
        """Return seconds since some moment; they never go back."""
        ...
