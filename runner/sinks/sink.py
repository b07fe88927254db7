"""What every sink is to the writer: it takes lines, or says which it couldn't take."""

from typing import Protocol

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
