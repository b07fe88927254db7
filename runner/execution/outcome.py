"""What follows from a result: done, another attempt, or dead. Pure."""

from typing import Literal

import msgspec

from ebats.pipelines.ladder import RETRY_WITHOUT_LADDER, rung_after
from ebats.pipelines.model import Ladder

#: How an attempt failed.
How = Literal[
    "exception", "retry", "reject", "timeout", "arguments", "undecodable", "crashed", "unknown", "gone"
]

#: Why a message is dead, in one word; it stands in the header `ebats-reason`.
Reason = Literal[
    "exhausted", "failed", "rejected", "timeout", "arguments", "undecodable", "crashed", "unknown", "gone"
]


class Returned(msgspec.Struct, frozen=True):
    """The task returned."""

    value: object = None


class Failed(msgspec.Struct, frozen=True):
    """The task didn't return."""

    how: How
    #: The class of the exception.
    error: str
    text: str
    traceback: str | None = None
    #: The exception itself, where there was one.
    exception: BaseException | None = None
    #: The wait that the task asked for, instead of its ladder's.
    after_ms: int | None = None


Result = Returned | Failed


class Done(msgspec.Struct, frozen=True):
    """The message has been worked off."""


class Retry(msgspec.Struct, frozen=True):
    """Another attempt, after a wait."""

    wait_ms: int
    #: The task chose the wait: there may be no rung of that length.
    chosen: bool = False


class Dead(msgspec.Struct, frozen=True):
    """No other attempt."""

    reason: Reason


Decision = Done | Retry | Dead

DONE = Done()

#: What `on_error` gets where no exception was raised.
EXCEPTIONS: dict[str, type[Exception]] = {
    "timeout": TimeoutError,
    "arguments": TypeError,
    "undecodable": ValueError,
}

_FINAL: dict[How, Reason] = {
    "reject": "rejected",
    "arguments": "arguments",
    "undecodable": "undecodable",
    "crashed": "crashed",
    "unknown": "unknown",
    "gone": "gone",
}


def decide(result: Result, ladder: Ladder | None, attempt: int) -> Decision:
    """Return what follows from attempt number `attempt` (from 1) of a task with this ladder."""
    if isinstance(result, Returned):
        return DONE
    if reason := _FINAL.get(result.how):
        return Dead(reason)
    if ladder is None and result.how == "retry":
        ladder = RETRY_WITHOUT_LADDER
    if ladder is None:
        return Dead("timeout" if result.how == "timeout" else "failed")
    rung_ms = rung_after(ladder, attempt)
    if rung_ms is None:
        return Dead("exhausted")
    return Retry(rung_ms) if result.after_ms is None else Retry(result.after_ms, chosen=True)
