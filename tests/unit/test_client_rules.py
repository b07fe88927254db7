"""How long a client waits, and what it understands of an answer."""

import pytest

from ebats.runner.client.answer import retry_after_s
from ebats.runner.client.attempts import wait_s

NOW = 1_445_412_480.0  # Wed, 21 Oct 2015 07:28:00 GMT


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (None, None),
        ("0", 0),
        ("120", 120),
        (" 7 ", 7),
        ("Wed, 21 Oct 2015 07:28:30 GMT", 30),
        ("Wed, 21 Oct 2015 07:27:00 GMT", 0),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str | None, seconds: float | None) -> None:
    assert retry_after_s(text, NOW) == seconds


def test_waits_double_up_to_a_bound_and_scatter() -> None:
    assert [wait_s(tried, None, 1.0) for tried in (1, 2, 3, 7, 50)] == [0.2, 0.4, 0.8, 10.0, 10.0]
    assert wait_s(1, None, 0.0) == 0.1


def test_what_is_asked_for_is_waited_at_least_within_a_bound() -> None:
    assert wait_s(1, 60.0, 0.0) == pytest.approx(60.1)
    assert wait_s(1, 60.5, 0.0) is None
