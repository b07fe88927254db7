"""Cron lines: what is wrong with one, and when it fires; read as Debian's cron reads them, by cronsim."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
#: The fields in their order, with what each may hold.
_FIELDS = {
    "minute": "0 to 59",
    "hour": "0 to 23",
    "day-of-month": "1 to 31, L for the last one, LW for the last weekday",
    "month": "1 to 12 or JAN to DEC",
    "day-of-week": "0 to 7 or SUN to SAT (7 is Sunday too), MON#2 for the second Monday, 5L the last Friday",
}
_NAMED = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}


class BadCron(ValueError):
    """Raised for a text that is no cron line, or that never fires; `hint` says what to write."""

    def __init__(self, text: str, hint: str) -> None:
        super().__init__(text)
        self.hint = hint


def check(line: str) -> None:
    """Do nothing for a cron line that fires at some time.

    Raises:
        BadCron: it is none, or there is no such day in the next 50 years.
    """
    fields = line.split()
    if line.strip().startswith("@"):
        known = _NAMED.get(line.strip().lower())
        hint = f'write "{known}"' if known else "`at_start: true` fires at the start"
        raise BadCron(f"the cron line `{line}` has no fields", hint)
    if len(fields) != len(_FIELDS):
        more = ", and `every: 10s` for seconds" if len(fields) == len(_FIELDS) + 1 else ""
        hint = f'write minute, hour, day of month, month and day of week, such as "0 3 * * *"{more}'
        raise BadCron(f"the cron line `{line}` has {len(fields)} fields, and five are needed", hint)
    for number, (name, allowed) in enumerate(_FIELDS.items()):
        # Alone: cronsim doesn't say what is wrong where days that don't exist meet.
        alone = ["*"] * len(_FIELDS)
        alone[number] = fields[number]
        if not _is_readable(" ".join(alone)):
            raise BadCron(f"`{fields[number]}` is no {name} of a cron line", f"write {allowed}")
    if not _is_readable(line) or next(_times(line, "UTC", 0), None) is None:
        hint = "look at its day and its month: together they have to exist"
        raise BadCron(f"the cron line `{line}` never fires", hint)


def after(line: str, zone: str, moment_ms: int) -> int | None:
    """Return when a cron line fires next after a moment, both in Unix milliseconds; None: not in 50 years.

    `zone` is an IANA name. Where clocks change it does what Debian's cron does: a time that is left out
    fires when the clock has gone on, one that comes twice fires the first time, and lines whose hour or
    minute begins with a star go by the time that passes.
    """
    return next(_times(line, zone, moment_ms), None)


def zone_of(name: str) -> tzinfo:
    """Return a time zone by its IANA name.

    Raises:
        ZoneInfoNotFoundError, ValueError, OSError: there is none.
    """
    # For cronsim, and for reading, this one is special.
    return UTC if name == "UTC" else ZoneInfo(name)


def moment(ms: int, zone: str) -> datetime:
    """Return Unix milliseconds as a time of this zone."""
    return (_EPOCH + ms * _MS).astimezone(zone_of(zone))


def _times(line: str, zone: str, moment_ms: int) -> Iterator[int]:
    last_ms = moment_ms
    for time in CronSim(line, moment(moment_ms, zone)):
        ms = (time - _EPOCH) // _MS
        # In the hour that comes twice it begins with the first of the two, and what is left out
        # falls together with what follows.
        if ms > last_ms:
            last_ms = ms
            yield ms


def _is_readable(line: str) -> bool:
    try:
        CronSim(line, _EPOCH)
    except (CronSimError, ValueError, AssertionError):
        return False
    return True
