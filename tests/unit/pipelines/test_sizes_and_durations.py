"""Sizes and durations as they are written."""

import pytest

from ebats.pipelines.ladder import format_duration, parse_duration
from ebats.pipelines.sizes import parse_size


@pytest.mark.parametrize(
    ("text", "size"),
    [("1KB", 1000), ("20MB", 20_000_000), ("3GB", 3 * 10**9), ("10KiB", 10240), ("1MiB", 2**20)],
)
def test_a_size_is_in_bytes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "20", "20mb", "20 MB", "1.5MB", "MB", "-1MB", "1MB\n"])
def test_another_text_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="no size"):
        parse_size(text)


@pytest.mark.parametrize(
    ("text", "ms", "shortest"),
    [
        ("500ms", 500, "500ms"),
        ("10s", 10_000, "10s"),
        ("60s", 60_000, "1m"),
        ("1m30s", 90_000, "90s"),
        ("1h", 3_600_000, "1h"),
        ("2d", 172_800_000, "2d"),
        ("0s", 0, "0ms"),
    ],
)
def test_a_duration_is_in_milliseconds_and_has_one_name(text: str, ms: int, shortest: str) -> None:
    assert parse_duration(text) == ms
    assert format_duration(ms) == shortest


@pytest.mark.parametrize("text", ["", "10", "10 s", "1.5s", "-1s", "s", "10sec", "1w", "10s\n"])
def test_another_text_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="no duration"):
        parse_duration(text)
