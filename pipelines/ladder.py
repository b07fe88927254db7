"""Durations as they are written, and the rung that follows a failed attempt."""

import bisect
import re
from collections.abc import Sequence

from ebats.pipelines.model import Ladder

#: The shared rungs over which a wait of any length hops, longest last: always declared. RabbitMQ keeps no
#: message longer than 2**32 - 1 ms, 49 days (https://www.rabbitmq.com/docs/ttl).
HOPS_MS = (
    *(500, 1_000, 3_000, 10_000, 30_000),
    *(120_000, 600_000, 1_800_000, 7_200_000, 28_800_000),
    *(86_400_000, 5 * 86_400_000, 30 * 86_400_000),
)
#: A message may leave its last rung so long after it is due: that saves hops, and a second is allowed.
_OVERSHOOT_MS = 500
#: The longest wait that one rung can be.
LONGEST_RUNG_MS = 49 * 86_400_000
#: A wait of more than a hundred years is a mistake, such as a time in milliseconds.
LONGEST_WAIT_S = 100 * 365 * 86_400.0

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


def next_hop(rungs_ms: Sequence[int], remaining_ms: float) -> int:
    """Return the rung of `rungs_ms`, sorted, for a message that has to wait so long yet.

    The longest that isn't much too long: what is left after it takes another hop.
    """
    fitting = bisect.bisect_right(rungs_ms, remaining_ms + _OVERSHOOT_MS)
    return rungs_ms[max(0, fitting - 1)]


def rung_after(ladder: Ladder, attempt: int) -> int | None:
    """Return the milliseconds to wait after failed attempt `attempt` (from 1); None: the ladder has ended."""
    return ladder.rungs_ms[attempt - 1] if attempt <= len(ladder.rungs_ms) else None


def attempts(ladder: Ladder | None) -> int:
    """Return how many attempts a task with this ladder has."""
    return len(ladder.rungs_ms) + 1 if ladder else 1
