"""A record as one line for people: columns that line up, words for numbers, no forged lines."""

import re
from collections import defaultdict
from datetime import datetime

import msgspec

from ebats.runner.execution.record import Execution, Log, Record

_COLOURS = {
    "OK": "\033[32m",
    "RETRY": "\033[33m",
    "LATER": "\033[2m",
    "DEAD": "\033[1;31m",
    "DEBUG": "\033[2m",
    "INFO": "\033[36m",
    "WARN": "\033[33m",
    "ERROR": "\033[1;31m",
}
_DIM = "\033[2m"
_PLAIN = "\033[0m"
_OUTCOMES = {"success": "OK", "retry": "RETRY", "postponed": "LATER", "dead": "DEAD"}
_SAID = ("ebats.Retry", "ebats.Reject")
_LEVELS = {"debug": "DEBUG", "info": "INFO", "warning": "WARN", "error": "ERROR"}
#: A column grows with what stands in it, up to here: one long name doesn't push everything out of sight.
_WIDEST = 36
_LONGEST_TEXT = 300
#: On a terminal an id is cut in its middle: the start may be a time, the same for all.
_ID_START, _ID_END = 8, 4
_FRAME = re.compile(r'File "([^"]+)", line (\d+), in (\S+)')


class Layout:
    """Turns records into lines, and remembers how wide its columns have become."""

    def __init__(self, *, colour: bool = False, short_ids: bool = False, dates: bool = False) -> None:
        """Write for a terminal, or plainly; with `dates` times have their day, else they are of today."""
        self._colour = colour
        self._dates = dates
        self._short_ids = short_ids
        self._widths: defaultdict[str, int] = defaultdict(int)

    def line(self, record: Record) -> str:
        """Return the record as one line, without a line end."""
        return self._execution(record) if isinstance(record, Execution) else self._log(record)

    def _execution(self, record: Execution) -> str:
        columns = [
            self._column("task", record.task),
            self._column("id", self._id(record.id)),
            self._column("attempt", f"attempt {record.attempt}/{record.attempts}"),
            self._column(
                "run", f"ran {_seconds(record.run_s)}" if record.run_s is not None else "did not run"
            ),
            self._column(
                "wait", f"waited {_seconds(record.wait_s)}" if record.wait_s is not None else "waited -"
            ),
            self._column("event", f"event {record.event or '-'}"),
            self._column("queue", f"queue {record.queue}"),
            self._column("process", record.process),
            *(f"{escaped(name)}={_cut(value)}" for name, value in (record.labels or {}).items()),
        ]
        columns += filter(None, [_what_now(record), *_values(record)])
        return self._laid_out(record.time, _OUTCOMES[record.outcome], columns)

    def _log(self, record: Log) -> str:
        about = [escaped(part) for part in (record.task, record.id) if part]
        columns = [escaped(record.process), _cut(record.text) + _place(record.traceback)]
        return self._laid_out(record.time, _LEVELS[record.level], [*columns, *about])

    def _laid_out(self, time: datetime, word: str, columns: list[str]) -> str:
        text = "  ".join(columns).rstrip()
        moment = f"{time.date()} {_clock(time)}" if self._dates else _clock(time)
        if self._colour:
            return f"{_DIM}{moment}{_PLAIN}  {_COLOURS[word]}{word:5}{_PLAIN}  {text}"
        return f"{moment}  {word:5}  {text}"

    def _column(self, name: str, text: str) -> str:
        text = escaped(text)
        width = self._widths[name] = max(self._widths[name], min(len(text), _WIDEST))
        return text.ljust(width)

    def _id(self, text: str) -> str:
        if not self._short_ids or len(text) <= _ID_START + _ID_END + 1:
            return text
        return f"{text[:_ID_START]}…{text[-_ID_END:]}"


def escaped(text: str) -> str:
    """Return the text with what could move a cursor or begin a line written out as in Python (CWE-117)."""
    # Python's notion of printable leaves out C0, C1, U+2028 and U+2029, and what turns the direction of text.
    return text if text.isprintable() else repr(text)[1:-1]


def _what_now(record: Execution) -> str:
    """Return why it isn't done, and what happens next; empty after a success."""
    # What the task itself said with these needs no class in front.
    name = None if record.error in _SAID and record.text else record.error
    error = ": ".join(_cut(part) for part in (name, record.text) if part)
    match record.outcome:
        case "success":
            return error
        case "retry":
            when = (
                f"next attempt at {_moment(record.next, record.time)}"
                if record.next
                else "next attempt follows"
            )
            return f"{when}, after {error or record.reason or 'a failure'}"
        case "postponed":
            return f"again at {_moment(record.next, record.time)}: {error}" if record.next else error
        case "dead":
            reason = escaped(record.reason or "no further attempt")
            return f"{reason}: {error}{_place(record.traceback)}" if error else reason


def _values(record: Execution) -> list[str]:
    """Return payload and result as JSON, where the sink may show them."""
    return [
        f"{name} {escaped(msgspec.json.encode(value).decode())}"
        for name, value in (("payload", record.payload), ("result", record.result))
        if value is not None and value != msgspec.Raw()
    ]


def _place(traceback: str | None) -> str:
    """Return where an exception was raised; the whole traceback stands in the other sinks."""
    frames = _FRAME.findall(traceback or "")
    if not frames:
        return ""
    file, line, function = frames[-1]
    return escaped(f" (in {function}, {file}:{line})")


def _cut(text: str) -> str:
    return escaped(text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT] + "…")


def _seconds(seconds: float) -> str:
    return f"{seconds:.3f}s"


def _clock(time: datetime) -> str:
    # By hand: strftime costs more than all the rest of a line.
    return f"{time.hour:02}:{time.minute:02}:{time.second:02}.{time.microsecond // 1000:03}Z"


def _moment(time: datetime, now: datetime) -> str:
    return _clock(time) if time.date() == now.date() else f"{time.date()} {_clock(time)}"
