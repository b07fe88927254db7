"""What a task's author imports: Retry, Reject, Context, Payload."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Protocol, TypeAlias


class Retry(Exception):
    """Raise it in a task for another attempt: `raise Retry("busy")`.

    The task's ladder says when. A task without a ladder waits 10 seconds, five times.
    """


class Reject(Exception):
    """Raise it in a task for no other attempt: `raise Reject("no such order")`. The message is dead."""


class Logger(Protocol):
    """Writes lines into the log, each with the task and the message id."""

    def debug(self, text: str) -> None: ...

    def info(self, text: str) -> None: ...

    def warning(self, text: str) -> None: ...

    def error(self, text: str) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What is known about one attempt. A parameter that is annotated with this class gets it."""

    #: The message's id: the same over all attempts, so that a repeat can be known.
    id: str
    #: None: the task was addressed directly.
    event: str | None
    task: str
    #: From 1.
    attempt: int
    #: How the message came: the exchange and the key it was published with.
    exchange: str
    key: str
    #: The queue's name in the file.
    queue: str
    headers: Mapping[str, Any]
    body: bytes
    logger: Logger


# Their users know them as `ebats.Retry`: so they are called in logs and tracebacks.
Retry.__module__ = Reject.__module__ = Context.__module__ = "ebats"


class _WholePayload:
    """Marks the parameter that gets the whole decoded body."""


WHOLE_PAYLOAD = _WholePayload()

#: A parameter that is annotated with this gets the whole decoded body, of any type.
Payload: TypeAlias = Annotated[Any, WHOLE_PAYLOAD]
