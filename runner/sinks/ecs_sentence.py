"""A record in one sentence for people: what a document's `message` says."""

from datetime import datetime

from ebats.runner.execution.record import Execution
from ebats.runner.sinks.people import escaped

_LONGEST_TEXT = 500


def sentence(record: Execution) -> str:
    """Return what became of an attempt, on one line."""
    task = record.task or "a message"
    attempt = f"attempt {record.attempt} of {record.attempts}"
    took = "" if record.run_s is None else f" in {record.run_s:.3f} s"
    match record.outcome:
        case "success":
            return escaped(f"{task} succeeded at {attempt}{took}")
        case "retry":
            again = f", next at {_moment(record.next)}" if record.next else ""
            return escaped(f"{task} failed at {attempt}{took}{again}{_why(record)}")
        case "postponed":
            until = f" until {_moment(record.next)}" if record.next else ""
            return escaped(f"{task} waits for {attempt}{until}{_why(record)}")
        case "dead":
            reason = f" ({record.reason})" if record.reason else ""
            return escaped(f"{task} is dead after {attempt}{took}{reason}{_why(record)}")


def _why(record: Execution) -> str:
    parts = [part for part in (record.error, record.text) if part]
    text = ": ".join(parts)
    return f": {text[:_LONGEST_TEXT]}{'…' if len(text) > _LONGEST_TEXT else ''}" if text else ""


def _moment(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S}Z"
