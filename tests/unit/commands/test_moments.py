"""Moments as people write them, in the file's time zone."""

from datetime import UTC, datetime

import pytest

from ebats.runner.commands.moments import moment

#: 14:30 in Shanghai.
NOW = datetime(2026, 11, 23, 6, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("15m", "2026-11-23T06:15:00"),
        ("2h", "2026-11-23T04:30:00"),
        ("1d", "2026-11-22T06:30:00"),
        ("1h30m", "2026-11-23T05:00:00"),
        ("2026-11-23T14:05", "2026-11-23T06:05:00"),
        ("2026-11-23 14:05:30", "2026-11-23T06:05:30"),
        ("2026-11-23", "2026-11-22T16:00:00"),
        ("2026-11-23T14:05Z", "2026-11-23T14:05:00"),
        ("2026-11-23T14:05+02:00", "2026-11-23T12:05:00"),
        ("14:05", "2026-11-23T06:05:00"),
        ("14:30", "2026-11-23T06:30:00"),
        ("14:31", "2026-11-22T06:31:00"),
        ("9:05", "2026-11-23T01:05:00"),
        ("00:00:10", "2026-11-22T16:00:10"),
    ],
)
def test_a_moment_is_a_duration_a_time_or_a_time_of_day(text: str, expected: str) -> None:
    found = moment(text, NOW, "Asia/Shanghai")
    assert datetime.fromtimestamp(found, UTC).isoformat()[:19] == expected


def test_a_time_of_day_before_the_clocks_were_changed_is_that_of_then() -> None:
    # Given half past midnight after the night in which Berlin went back to winter time
    now = datetime(2026, 10, 25, 23, 30, tzinfo=UTC)
    found = moment("01:00", now, "Europe/Berlin")
    assert datetime.fromtimestamp(found, UTC).isoformat()[:19] == "2026-10-24T23:00:00"


@pytest.mark.parametrize(
    ("text", "after", "expected"),
    [
        # Still to come today, so that five minutes from 14:27 on are no empty span
        ("14:32", "2026-11-23T06:27:00", "2026-11-23T06:32:00"),
        ("14:28", "2026-11-23T06:27:00", "2026-11-23T06:28:00"),
        # Over midnight
        ("00:10", "2026-11-22T15:50:00", "2026-11-22T16:10:00"),
        ("23:50", "2026-11-22T15:40:00", "2026-11-22T15:50:00"),
        # What is no time of day is what it is
        ("2h", "2026-11-23T06:27:00", "2026-11-23T04:30:00"),
    ],
)
def test_an_end_is_the_time_of_day_after_the_beginning(text: str, after: str, expected: str) -> None:
    beginning = datetime.fromisoformat(after).replace(tzinfo=UTC).timestamp()
    found = moment(text, NOW, "Asia/Shanghai", beginning)
    assert datetime.fromtimestamp(found, UTC).isoformat()[:19] == expected


@pytest.mark.parametrize(
    "text", ["", "yesterday", "10", "25:00", "14:60", "2026-13-01", "99999-01-01", "-5m"]
)
def test_anything_else_is_told_what_to_write(text: str) -> None:
    with pytest.raises(ValueError, match="is no time: write how long ago, such as 15m or 2h, a time"):
        moment(text, NOW, "UTC")
