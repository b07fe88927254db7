"""The header Retry-After."""

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest

from ebats.runner.callbacks.retry_after import wait_s

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        *((None, 0), ("", 0), ("0", 0), ("120", 120), (" 7 ", 7), ("-5", 0), ("1.5", 0), ("soon", 0)),
        *(("9" * 5_000, 3600), ("99999", 3600), ("٣", 0), ("Fri, 99 Foo 2027", 0), ("\x00", 0)),
    ],
)
def test_seconds_are_taken_within_a_bound_and_all_else_is_nothing(header: str | None, seconds: float) -> None:
    assert wait_s(header, NOW, 3600.0) == seconds


@pytest.mark.parametrize(("ahead", "seconds"), [(90, 90), (-90, 0), (99_999, 3600)])
def test_a_date_is_taken_too(ahead: float, seconds: float) -> None:
    moment = datetime.fromtimestamp(NOW + ahead, UTC)
    assert wait_s(format_datetime(moment, usegmt=True), NOW, 3600.0) == seconds
    assert wait_s(moment.strftime("%A, %d-%b-%y %H:%M:%S GMT"), NOW, 3600.0) == seconds
    assert wait_s(moment.strftime("%a %b %d %H:%M:%S %Y"), NOW, 3600.0) == seconds
