"""What publishing from Python may raise: the reasons why a message isn't, or may not be, on the broker."""

from ebats.pipelines.problems import EbatsError


class PublishError(EbatsError):
    """The base of what `publish` and its like raise when a message couldn't be published."""

    #: The ids of the messages that aren't confirmed, among those that were begun with.
    ids: tuple[str, ...] = ()
    #: Of `publish_many`: the ids of the messages that are confirmed.
    confirmed: tuple[str, ...] = ()


class NotConfirmed(PublishError):
    """Raised when the broker didn't confirm in time: it may have the message, or not.

    Publishing it again with the same id is safe where its tasks know a repeat by its id.
    """


class Unroutable(PublishError):
    """Raised when no queue takes the message: nothing is bound for its exchange and key."""


class Refused(PublishError):
    """Raised when the broker refuses the message for good: too large, not permitted, no such exchange."""


class BadPayload(ValueError):
    """Raised when a payload breaks its event's schema. Nothing was sent."""

    def __init__(self, event: str, pointer: str, why: str) -> None:
        """Say of which event, where (a JSON Pointer, RFC 6901), and what: `/order/id: must be a number`."""
        super().__init__(event, pointer, why)
        self.event = event
        self.pointer = pointer
        self.why = why

    def __str__(self) -> str:
        return f"the payload breaks the schema of {self.event!r}: {self.why}"


# Their users know them as `ebats.NotConfirmed`: so they are called in logs and tracebacks.
for _kind in (PublishError, NotConfirmed, Unroutable, Refused, BadPayload):
    _kind.__module__ = "ebats"
