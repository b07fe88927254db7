"""What is read from the lines of PerfTest."""

import pytest

from tests.benchmarks.contenders.perftest import Moment, between, samples, window

# As it prints them, shortened.
OUTPUT = """id: test-1, starting consumer #0
id: test-1, time 1.000 s, received: 10000 msg/s, min/median/75th/95th/99th consumer latency: 0/0/0/0/0 µs
id: test-1, time 2.500 s, received: 20000 msg/s, min/median/75th/95th/99th consumer latency: 0/0/0/0/0 µs
id: test-1, time 3.500 s, received: 0 msg/s
test stopped (Consumer is idle for more than 1 second [2])
id: test-1, receiving rate avg: 18856 msg/s
"""


def test_messages_are_added_up_over_the_lines() -> None:
    assert samples(OUTPUT) == [(1.0, 10_000), (2.5, 40_000), (3.5, 40_000)]


def test_nothing_printed_is_no_sample() -> None:
    assert samples("id: test-1, starting consumer #0\n") == []


def test_warming_up_and_the_second_in_which_the_queue_is_empty_are_left_out() -> None:
    counts = (0, 5_000, 25_000, 45_000, 50_000)
    moments = [Moment(seconds, count, seconds / 2, seconds / 4) for seconds, count in enumerate(counts)]
    span = window(moments, 50_000)

    assert span == (moments[1], moments[3])
    assert between(moments[1], moments[3]) == pytest.approx(
        {"per_s": 20_000, "client_us": 25, "broker_us": 12.5}
    )


def test_what_is_done_within_two_seconds_is_not_measured_warm() -> None:
    moments = [Moment(0, 0, 0, 2), Moment(1, 80_000, 1, 3), Moment(2, 160_000, 2, 4)]
    assert window(moments, 160_000) is None
    assert between(moments[0], moments[2]) == pytest.approx(
        {"per_s": 80_000, "client_us": 12.5, "broker_us": 12.5}
    )
