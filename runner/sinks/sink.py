"""What every sink is to the writer: it takes lines, or says which it couldn't take."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from ebats.pipelines.problems import EbatsError
from ebats.runner.execution.record import Line


class SinkError(EbatsError):
    """Raised by a sink that couldn't take all lines; its text says why, for people."""

    def __init__(self, text: str, *, rest: list[Line], lost: int = 0) -> None:
        """Say that `rest` can be tried again later, and that `lost` others can't."""
        super().__init__(text)
        self.rest = rest
        self.lost = lost


class Sink(Protocol):
    """A place where records go. Its methods are called from one thread."""

    #: As the file calls it.
    name: str
    #: The least weight of a line that it wants.
    weight: int
    #: Whether its lines keep payload and result.
    wants_payload: bool
    #: How many lines it takes at once.
    batch: int

    def write(self, lines: list[Line]) -> None:
        """Take lines, in order; they are where they belong when this returns.

        Raises:
            SinkError: some could not be taken.
        """

    def close(self) -> None:
        """Give back what it holds; nothing is written afterwards."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """How a sink does that sends on what it took: records, since it was made."""

    sent: int = 0
    #: Refused for good, and kept aside.
    rejected: int = 0
    #: Taken, and on disk until they are sent; and their bytes.
    spooled: int = 0
    spooled_bytes: int = 0
    #: Dropped, unsent, for want of room.
    overflowed: int = 0
    #: Lost on the disk.
    damaged: int = 0
    #: Why nothing is sent at the moment; None: it is.
    error: str | None = None


@runtime_checkable
class SendsOn(Protocol):
    """A sink that has more to tell than whether it took its lines.

    These methods may be called from any thread.
    """

    def report(self) -> Report:
        """Return how it does."""
        ...

    def news(self) -> Iterator[str]:
        """Yield what happened since it was last asked: `dropped 5 records`, for people."""
        ...

    def last_words(self) -> Iterator[str]:
        """Yield what people should know when it is closed."""
        ...
