"""What every channel is to those who have something to say: it sends notices, or says why it couldn't."""

from collections.abc import Sequence
from typing import Protocol

from ebats.pipelines.problems import EbatsError
from ebats.runner.alerts.notice import Notice


class ChannelError(EbatsError):
    """Raised by a channel that couldn't send everything; its text says why, for people, without secrets.

    What was given to it is sent, but for `rest` and `refused`. Both may be empty: all is sent, and there is
    something to say all the same, such as one of several recipients who doesn't exist.
    """

    def __init__(
        self,
        text: str,
        *,
        rest: Sequence[Notice] = (),
        refused: Sequence[Notice] = (),
        retry_after_s: float | None = None,
    ) -> None:
        """Say that `rest` wasn't sent, and may be tried again, and that `refused` would be refused again.

        `retry_after_s`: the other side asks to be left alone for so long.
        """
        super().__init__(text)
        self.rest = tuple(rest)
        self.refused = tuple(refused)
        self.retry_after_s = retry_after_s


class Paced(ChannelError):
    """Raised when nothing is wrong, and there have been enough messages for the moment."""


class Channel(Protocol):
    """A way to people. Its methods are called from a thread of its own: they may wait, but not for ever."""

    #: As the file calls it.
    name: str

    def send(self, notices: list[Notice]) -> None:
        """Send notices, the oldest first; several may become one message.

        They are with the other side when this returns.

        Raises:
            ChannelError: some could not be sent.
        """

    def close(self) -> None:
        """Give back what it holds; nothing is sent afterwards."""
