"""What every channel is to those who have something to say: it sends notices, or says why it couldn't."""

from collections.abc import Sequence
from typing import Protocol

from ebats.pipelines.problems import EbatsError
from ebats.runner.alerts.notice import Notice


class ChannelError(EbatsError):
    """Raised by a channel that couldn't send everything; its text says why, for people, without secrets."""

    def __init__(
        self,
        text: str,
        *,
        rest: Sequence[Notice] | None = None,
        retry_after_s: float | None = None,
        lasting: bool = False,
    ) -> None:
        """Say that `rest` wasn't sent; None: nothing was.

        `retry_after_s`: the other side asks to be left alone for so long. `lasting`: it would
        refuse the first of the rest again (a bad key, a text that it doesn't take), so that one is given up.
        """
        super().__init__(text)
        self.rest = rest
        self.retry_after_s = retry_after_s
        self.lasting = lasting


class Channel(Protocol):
    """A way to people. It is called from a thread of its own: it may wait, but not for ever."""

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
