"""Moments that people write: so long ago, a date and time, or a time of day, in a time zone."""

import re
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from ebats.pipelines.ladder import parse_duration

_CLOCK = re.compile(r"\d\d?:\d\d(?::\d\d)?")
_EXAMPLES = "write how long ago, such as 15m or 2h, a time, such as 2026-11-23T14:05, or 14:05"


def moment(text: str, now: datetime, zone: str, after: float | None = None) -> float:
    """Return the Unix time of `2h` (so long before `now`), of an ISO time, or of the last `14:05`.

    Times that don't say theirs are in the time zone `zone`; `now` is aware. With `after`, a Unix time, a time
    of day is the last one behind that, or else the next: at 14:07 `14:10` is yesterday, but not after 14:05.

    Raises:
        ValueError: it is none of these.
    """
    try:
        return now.timestamp() - parse_duration(text) / 1000
    except ValueError:
        pass
    here = ZoneInfo(zone)
    try:
        if _CLOCK.fullmatch(text):
            clock = time.fromisoformat(text if text[1] != ":" else f"0{text}")
            last = _last(clock, now.astimezone(here))
            if after is not None and last.timestamp() <= after:
                last = datetime.combine(last.date() + timedelta(days=1), clock, here)
            return last.timestamp()
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=here)).astimezone(UTC).timestamp()
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is no time: {_EXAMPLES}") from None


def _last(clock: time, now: datetime) -> datetime:
    """Return when a clock on the wall last showed this."""
    today = datetime.combine(now.date(), clock, now.tzinfo)
    return today if today <= now else datetime.combine(now.date() - timedelta(days=1), clock, now.tzinfo)
