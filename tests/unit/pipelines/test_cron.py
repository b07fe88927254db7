"""Cron lines: what is one, when it fires, and what happens when clocks change."""

from datetime import UTC, datetime, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim

from ebats.pipelines import cron
from ebats.pipelines.cron import BadCron


def ms(text: str, zone: str = "UTC", fold: int = 0) -> int:
    """Give a local time as Unix milliseconds; `fold` 1 is the second of two."""
    time = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)
    return int(time.timestamp()) * 1000


def times(line: str, zone: str, after: str, count: int, fold: int = 0) -> list[str]:
    """List the next times as UTC."""
    found, moment_ms = [], ms(after, zone, fold)
    for _ in range(count):
        tick = cron.after(line, zone, moment_ms)
        assert tick is not None
        assert tick > moment_ms
        moment_ms = tick
        found.append(cron.moment(tick, "UTC").strftime("%d %H:%M"))
    return found


@pytest.mark.parametrize(
    "line", ["0 3 * * *", "*/5 8-18 * * MON-FRI", "0 0 29 2 *", "0 0 L * *", "0 0 LW * 5L", " 1,2 3 4 5 6 "]
)
def test_what_fires_some_time_is_a_line(line: str) -> None:
    cron.check(line)


@pytest.mark.parametrize(
    ("line", "text", "hint"),
    [
        ("0 3 * *", "has 4 fields, and five are needed", "write minute, hour"),
        ("0 0 3 * * *", "has 6 fields, and five are needed", "`every: 10s` for seconds"),
        ("@daily", "has no fields", 'write "0 0 * * *"'),
        ("@reboot", "has no fields", "`at_start: true`"),
        ("60 3 * * *", "`60` is no minute", "write 0 to 59"),
        ("0 24 * * *", "`24` is no hour", "write 0 to 23"),
        ("0 0 0 * *", "`0` is no day-of-month", "1 to 31"),
        ("0 0 1 FEN *", "`FEN` is no month", "JAN to DEC"),
        ("0 0 * * MON#6", "`MON#6` is no day-of-week", "MON#2 for the second Monday"),
        ("*/0 * * * *", "`*/0` is no minute", "write 0 to 59"),
        ("\u0665 * * * *", "is no minute", "write 0 to 59"),
        ("0 0 31 2 *", "never fires", "its day and its month"),
        ("0 0 31 4,6,9,11 *", "never fires", "its day and its month"),
        ("0 0 */8 2 MON#5", "never fires", "its day and its month"),
    ],
)
def test_what_is_no_line_is_told_with_its_part(line: str, text: str, hint: str) -> None:
    with pytest.raises(BadCron) as caught:
        cron.check(line)
    assert text in str(caught.value)
    assert hint in caught.value.hint


# 2026: Berlin's clocks went forward on 29 March at 02:00 and back on 25 October at 03:00, those of New York
# on 8 March at 02:00 and on 1 November at 02:00.
CHANGES = [
    # A time that is left out fires when the clock has gone on.
    ("30 2 * * *", "Europe/Berlin", "2026-03-28T03:00", 0, ["29 01:00", "30 00:30"]),
    ("30 2 * * *", "America/New_York", "2026-03-07T03:00", 0, ["08 07:00", "09 06:30"]),
    # Two of them, and the one they fall on, are one.
    ("0,30 2,3 * * *", "Europe/Berlin", "2026-03-29T01:00", 0, ["29 01:00", "29 01:30", "30 00:00"]),
    # A time that comes twice fires the first time, whoever asks when.
    ("30 2 * * *", "Europe/Berlin", "2026-10-24T03:00", 0, ["25 00:30", "26 01:30"]),
    ("30 2 * * *", "Europe/Berlin", "2026-10-25T02:10", 1, ["26 01:30"]),
    ("30 1 * * *", "America/New_York", "2026-10-31T03:00", 0, ["01 05:30", "02 06:30"]),
    # With a star they go by the time that passes.
    ("*/30 * * * *", "Europe/Berlin", "2026-03-29T01:15", 0, ["29 00:30", "29 01:00", "29 01:30"]),
    ("30 * * * *", "Europe/Berlin", "2026-10-25T01:45", 0, ["25 00:30", "25 01:30", "25 02:30"]),
    (
        "*/30 1 * * *",
        "America/New_York",
        "2026-11-01T00:45",
        0,
        ["01 05:00", "01 05:30", "01 06:00"],
    ),
    ("0 3 * * *", "Asia/Shanghai", "2026-03-29T02:00", 0, ["28 19:00", "29 19:00"]),
]


@pytest.mark.parametrize(("line", "zone", "after", "fold", "expected"), CHANGES)
def test_when_clocks_change_it_fires_as_cron_does(
    line: str, zone: str, after: str, fold: int, expected: list[str]
) -> None:
    assert times(line, zone, after, len(expected), fold) == expected


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "UTC"])
@pytest.mark.parametrize("line", ["30 2 * * *", "15 1-3 * * *", "0 */2 * * *", "*/15 2 * * SUN"])
@pytest.mark.parametrize("month", [3, 10])
def test_it_is_what_cronsim_says(line: str, zone: str, month: int) -> None:
    begin = datetime(2026, month, 5, tzinfo=UTC if zone == "UTC" else ZoneInfo(zone))
    end = begin + timedelta(days=30)
    expected = dict.fromkeys(
        int(time.timestamp()) * 1000 for time in takewhile(lambda time: time < end, CronSim(line, begin))
    )
    found, moment_ms = [], int(begin.timestamp()) * 1000
    while (tick := cron.after(line, zone, moment_ms)) and tick < end.timestamp() * 1000:
        found.append(moment_ms := tick)
    assert found == [*expected]


def test_a_moment_within_a_second_is_before_the_next() -> None:
    at = ms("2026-11-22T03:00")
    assert cron.after("0 3 * * *", "UTC", at - 1) == at
    assert cron.after("0 3 * * *", "UTC", at) == at + 86_400_000
    assert cron.after("0 3 * * *", "UTC", at + 999) == at + 86_400_000
