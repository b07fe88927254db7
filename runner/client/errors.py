"""What publishing through a gateway may raise, beside what is wrong with an argument."""

from dataclasses import dataclass

from ebats.runner.execution.unpublished import NotConfirmed, PublishError, Refused


@dataclass(frozen=True, slots=True)
class BadItem:
    """One message of a request that the gateway didn't take."""

    #: Its place in the request, from 0.
    index: int
    reason: str


class GatewayError(PublishError):
    """The base of what `ebats.Client` raises when a gateway took a message not, or not surely.

    Its `ids` are those of the messages that aren't confirmed, `confirmed` those that are.
    """

    #: Of the last answer; None: there was none.
    status: int | None = None
    #: The gateway's own word for what is wrong, such as `unauthorized`; empty: it said none.
    code: str = ""
    #: Which messages are wrong, and why: of a refused request that the gateway could read.
    items: tuple[BadItem, ...] = ()
    #: For how many seconds the gateway asked not to be asked again.
    retry_after_s: float | None = None


class GatewayRefused(GatewayError, Refused):
    """Raised when the gateway refuses a request for good: no right to it, a name it doesn't know, too large.

    Nothing of it was published, but for what `confirmed` names, and unless its text says that an earlier
    attempt had no answer that counts.
    """


class GatewayUnavailable(GatewayError, NotConfirmed):
    """Raised when no attempt had an answer that counts: no connection, a time-out, 408, 429, 503.

    Publishing it again with the same id is safe where its tasks know a repeat by its id.
    """


# Their users know them as `ebats.GatewayRefused`: so they are called in logs and tracebacks.
for _kind in (GatewayError, GatewayRefused, GatewayUnavailable):
    _kind.__module__ = "ebats"
