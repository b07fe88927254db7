"""Durations, and the rung that follows an attempt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebats.pipelines.ladder import attempts, format_duration, parse_duration, rung_after
from ebats.pipelines.model import Ladder


@pytest.mark.parametrize(
    ("text", "ms"),
    [("500ms", 500), ("10s", 10_000), ("1m30s", 90_000), ("2h", 7_200_000), ("1d", 86_400_000), ("0s", 0)],
)
def test_a_duration_carries_its_unit(text: str, ms: int) -> None:
    assert parse_duration(text) == ms


@pytest.mark.parametrize("text", ["", "10", "s", "1.5s", "-1s", "10 s", "10S", "1w", "s10", "10s\n"])
def test_what_is_no_duration_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="10s"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("ms", "text"),
    [(60_000, "1m"), (90_000, "90s"), (1_500, "1500ms"), (3_600_000, "1h"), (86_400_000, "1d"), (0, "0ms")],
)
def test_a_duration_is_named_by_the_largest_unit_that_divides_it(ms: int, text: str) -> None:
    assert format_duration(ms) == text


@given(st.integers(0, 10**12))
def test_what_is_formatted_parses_to_the_same(ms: int) -> None:
    assert parse_duration(format_duration(ms)) == ms


def test_a_ladder_of_n_rungs_has_n_waits_and_one_attempt_more() -> None:
    ladder = Ladder(rungs_ms=(1000, 3000, 5000))
    assert [rung_after(ladder, attempt) for attempt in range(1, 6)] == [1000, 3000, 5000, None, None]
    assert attempts(ladder) == 4
    assert attempts(None) == 1
