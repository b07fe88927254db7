"""Durations as they are written, and the rung that follows a failed attempt."""

import re

from ebats.pipelines.model import Ladder

_UNITS_MS = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
_PART = re.compile(r"(\d+)(ms|[smhd])")
_DURATION = re.compile(r"(?:\d+(?:ms|[smhd]))+")

#: What `raise Retry` climbs in a task without a ladder of its own.
RETRY_WITHOUT_LADDER = Ladder(rungs_ms=(10_000,) * 5)


def parse_duration(text: str) -> int:
    """Return the milliseconds of `10s`, `1m30s`, `500ms`, `2h` or `1d`.

    Raises:
        ValueError: the text is no duration; its text says what one looks like.
    """
    if not _DURATION.fullmatch(text):
        example = "write a number with a unit, such as 500ms, 10s, 1m30s, 2h"
        raise ValueError(f"{text!r} is no duration: {example}")
    return sum(int(number) * _UNITS_MS[unit] for number, unit in _PART.findall(text))


def format_duration(ms: int) -> str:
    """Return the one way in which a duration is written in names: the largest unit that divides it.

    60,000 is `1m`, 90,000 is `90s`, 1,500 is `1500ms`: two ways of writing one
    delay in the file share a rung.
    """
    for unit, unit_ms in _UNITS_MS.items():
        if ms and ms % unit_ms == 0:
            return f"{ms // unit_ms}{unit}"
    return f"{ms}ms"


def rung_after(ladder: Ladder, attempt: int) -> int | None:
    """Return the milliseconds to wait after failed attempt `attempt` (from 1); None: the ladder has ended."""
    return ladder.rungs_ms[attempt - 1] if attempt <= len(ladder.rungs_ms) else None


def attempts(ladder: Ladder | None) -> int:
    """Return how many attempts a task with this ladder has."""
    return len(ladder.rungs_ms) + 1 if ladder else 1
