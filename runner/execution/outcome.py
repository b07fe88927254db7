"""What follows from a result: done, another attempt, or dead. Pure."""

from typing import Literal

import msgspec

from ebats.pipelines.ladder import RETRY_WITHOUT_LADDER, rung_after
from ebats.pipelines.model import Ladder
from ebats.runner.execution.record import RequestNote

#: How an attempt failed. Of HTTP callbacks: `http` another attempt may mend, `final` is an answer that
#: none would, `refused` can't or mustn't be sent, `expired` has waited too long for its host.
How = Literal[
    "exception",
    "retry",
    "reject",
    "timeout",
    "arguments",
    "undecodable",
    "schema",
    "crashed",
    "unknown",
    "gone",
    "http",
    "final",
    "refused",
    "expired",
]

#: Why a message is dead, in one word; it stands in the header `ebats-reason`.
Reason = Literal[
    "exhausted",
    "failed",
    "rejected",
    "timeout",
    "arguments",
    "undecodable",
    "schema",
    "crashed",
    "unknown",
    "gone",
    "final",
    "refused",
    "expired",
]


class Returned(msgspec.Struct, frozen=True):
    """The task returned."""

    value: object = None
    #: What was asked of others on the way, for the record.
    requests: tuple[RequestNote, ...] = ()


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
    #: The wait is not to be shorter than this: the other side has asked for it.
    at_least_ms: int | None = None
    #: The message's own limit, where it has one; its ladder may give fewer.
    most_attempts: int | None = None
    #: Numbers, from 1, of the requests that have succeeded: they aren't sent again.
    done: tuple[int, ...] = ()
    requests: tuple[RequestNote, ...] = ()


class Postponed(msgspec.Struct, frozen=True):
    """The task couldn't begin, or not all of it: it has its turn later, and no attempt is used up."""

    wait_ms: int
    why: str
    #: As in `Failed`.
    done: tuple[int, ...] = ()
    #: When it was first postponed, a Unix time in seconds; None: nobody needs to know.
    since: float | None = None
    requests: tuple[RequestNote, ...] = ()


Result = Returned | Failed | Postponed


class Done(msgspec.Struct, frozen=True):
    """The message has been worked off."""


class Retry(msgspec.Struct, frozen=True):
    """Another attempt, after a wait."""

    wait_ms: int
    #: The task chose the wait: there may be no rung of that length.
    chosen: bool = False


class Wait(msgspec.Struct, frozen=True):
    """The same attempt, later."""

    wait_ms: int


class Dead(msgspec.Struct, frozen=True):
    """No other attempt."""

    reason: Reason


Decision = Done | Retry | Wait | Dead

DONE = Done()

#: What `on_error` gets where no exception was raised.
EXCEPTIONS: dict[str, type[Exception]] = {
    "timeout": TimeoutError,
    "arguments": TypeError,
    "undecodable": ValueError,
    "refused": ValueError,
    "schema": ValueError,
}

_FINAL: dict[How, Reason] = {
    "reject": "rejected",
    "arguments": "arguments",
    "undecodable": "undecodable",
    "schema": "schema",
    "crashed": "crashed",
    "unknown": "unknown",
    "gone": "gone",
    "final": "final",
    "refused": "refused",
    "expired": "expired",
}


def decide(result: Result, ladder: Ladder | None, attempt: int) -> Decision:
    """Return what follows from attempt number `attempt` (from 1) of a task with this ladder."""
    if isinstance(result, Returned):
        return DONE
    if isinstance(result, Postponed):
        return Wait(result.wait_ms)
    if reason := _FINAL.get(result.how):
        return Dead(reason)
    if ladder is None and result.how == "retry":
        ladder = RETRY_WITHOUT_LADDER
    if ladder is None:
        return Dead("timeout" if result.how == "timeout" else "failed")
    rung_ms = rung_after(ladder, attempt)
    if rung_ms is None or (result.most_attempts is not None and attempt >= result.most_attempts):
        return Dead("exhausted")
    wait_ms = max(rung_ms if result.after_ms is None else result.after_ms, result.at_least_ms or 0)
    return Retry(wait_ms, chosen=result.after_ms is not None or wait_ms > rung_ms)
