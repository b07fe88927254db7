"""A record: one line about one execution attempt, or about a process."""

import socket
from datetime import UTC, datetime
from typing import Literal

import msgspec

from ebats.pipelines.sink import Level

HOST = socket.gethostname()

#: Weights as in Python's logging, to compare levels.
WEIGHTS: dict[str, int] = {"debug": 10, "info": 20, "warning": 30, "error": 40}

Outcome = Literal["success", "retry", "postponed", "dead"]


class RequestNote(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One request of an HTTP callback: what was asked, and what came of it."""

    method: str
    #: Without userinfo and query, which may hold secrets.
    url: str
    #: `skipped`: it succeeded in an earlier attempt, or has to wait.
    outcome: Literal["success", "failed", "refused", "skipped"]
    #: Of the answer; None: there was none.
    status: int | None = None
    #: How long it took; None: it wasn't sent.
    seconds: float | None = None
    #: Why it is no success.
    text: str | None = None
    #: The beginning of the answer.
    body: str | None = None


class Execution(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", tag="execution"
):
    """One attempt of one task: what ran, how it went, what follows. Times are UTC."""

    time: datetime
    level: Level
    pipeline: str
    task: str
    queue: str
    #: The message's id, the same over all attempts.
    id: str
    attempt: int
    #: How many attempts the task's ladder gives.
    attempts: int
    outcome: Outcome
    #: The process, as its title names it: `orders#2`.
    process: str
    #: Seconds from when it was due (published, or the rung's end) to its start, where that is known.
    wait_s: float | None = None
    #: Seconds from start to end; None: it did not start.
    run_s: float | None = None
    event: str | None = None
    #: The exchange, by its broker's name, and the key that the message was first published with.
    exchange: str | None = None
    key: str | None = None
    #: When it was published, where that is known.
    published: datetime | None = None
    #: Bytes of the message's body.
    size: int | None = None
    #: It was delivered before, and not acknowledged.
    redelivered: bool = False
    #: The publisher's `correlation_id`, and its `traceparent` (https://www.w3.org/TR/trace-context/).
    correlation: str | None = None
    trace: str | None = None
    environment: str | None = None
    #: Why it is dead, in one word: see `outcome`.
    reason: str | None = None
    #: The exception's class, its text and its traceback.
    error: str | None = None
    text: str | None = None
    traceback: str | None = None
    #: When the next attempt is due.
    next: datetime | None = None
    labels: dict[str, str] | None = None
    #: Of an HTTP callback.
    requests: list[RequestNote] | None = None
    #: Only where a sink asks for them.
    payload: object | None = None
    result: object | None = None
    host: str = ""
    pid: int = 0


class Log(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", tag="log"):
    """Something that happened to a process: started, stopped, reconnected."""

    time: datetime
    level: Level
    pipeline: str
    process: str
    text: str
    environment: str | None = None
    #: Task and message, where a task wrote this line with its context's logger.
    task: str | None = None
    id: str | None = None
    traceback: str | None = None
    #: What this is a line about, where that is more than a process: `alert-sent`.
    action: str | None = None
    host: str = ""
    pid: int = 0


Record = Execution | Log


class Line(msgspec.Struct, frozen=True, array_like=True):
    """A record on its way to the writer: its JSON without line end, and what sinks choose by."""

    #: Of its level.
    weight: int
    json: bytes
    #: The task that it is about; empty: none.
    task: str = ""


_PYTHON_OBJECTS_CUT = 4096


def _as_repr(value: object) -> str:
    try:
        text = repr(value)
    except Exception as error:
        text = f"<{type(value).__name__} whose repr failed: {error!r}>"
    return text[:_PYTHON_OBJECTS_CUT]


_encoder = msgspec.json.Encoder(enc_hook=_as_repr)
_decoder: msgspec.json.Decoder[Record] = msgspec.json.Decoder(Execution | Log)
_batch_encoder = msgspec.msgpack.Encoder()
_batch_decoder = msgspec.msgpack.Decoder(list[Line])


def encode(record: Record) -> Line:
    """Return the record as a line. What isn't JSON in payload or result goes as its repr, cut at 4 KiB."""
    return Line(WEIGHTS[record.level], _encoder.encode(record), record.task or "")


def decode(line: bytes) -> Record:
    """Return the record that a line holds.

    Raises:
        msgspec.MsgspecError: the line is none of ours.
    """
    return _decoder.decode(line)


def encode_batch(lines: list[Line]) -> bytes:
    """Return lines as one datagram for the writer."""
    return _batch_encoder.encode(lines)


def decode_batch(data: bytes) -> list[Line]:
    """Return the lines of a datagram."""
    return _batch_decoder.decode(data)


def utc(seconds: float) -> datetime:
    """Return a Unix time in seconds as a UTC datetime, to the millisecond."""
    return datetime.fromtimestamp(round(seconds, 3), UTC)
