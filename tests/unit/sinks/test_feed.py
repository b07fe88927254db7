"""A feed: never blocks, tries again, counts what it loses, says so now and then."""

import itertools
import re
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from ebats.runner.execution.record import Line
from ebats.runner.sinks.feed import Feed
from ebats.runner.sinks.sink import SinkError
from tests.records import numbered
from tests.waiting import wait_until

LATER_S = 1e9


class FakeSink:
    """Keeps lines; does whatever else a test sets."""

    name = "history"
    weight = 20
    wants_payload = False
    batch = 10

    def __init__(self) -> None:
        self.got: list[Line] = []
        self.calls = 0
        self.closed = False
        self.before: Callable[[list[Line]], object] = lambda _lines: None

    def write(self, lines: list[Line]) -> None:
        self.calls += 1
        self.before(lines)
        self.got += lines

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def sink() -> FakeSink:
    return FakeSink()


@pytest.fixture
def feed(sink: FakeSink) -> Iterator[Feed]:
    """Give a feed with room for 100 records; whatever hangs is let go at the end."""
    feed = Feed(sink, most_records=100)
    yield feed
    sink.before = lambda _lines: None
    feed.close(time.monotonic() + 5)


def test_lines_arrive_in_order_and_the_close_waits_for_them(sink: FakeSink, feed: Feed) -> None:
    lines = numbered(95)
    feed.put(lines[:50])
    feed.put(lines[50:])
    feed.close(time.monotonic() + 5)
    assert sink.got == lines
    assert sink.closed
    assert feed.status() == {"written": 95, "lost": 0, "waiting": 0, "error": None}


def test_lines_below_the_level_are_left_out(sink: FakeSink, feed: Feed) -> None:
    feed.put([Line(10, b"{}"), Line(20, b"{}"), Line(30, b"{}")])
    wait_until(lambda: len(sink.got) == 2)
    assert [line.weight for line in sink.got] == [20, 30]


def test_a_sink_that_fails_gets_the_rest_again_and_nothing_is_lost(sink: FakeSink, feed: Feed) -> None:
    def fail(lines: list[Line]) -> None:
        sink.got += lines[:3]
        raise SinkError("disk full", rest=lines[3:])

    sink.before = fail
    lines = numbered(10)
    feed.put(lines)
    wait_until(lambda: feed.status()["error"])
    assert re.fullmatch(
        r"sink history fails, (1 record waits|\d records wait): disk full", feed.news(LATER_S) or ""
    )
    assert (feed.news(LATER_S + 11), feed.works) == (None, False)
    sink.before = lambda _lines: None
    wait_until(lambda: len(sink.got) == 10)
    wait_until(lambda: not feed.status()["error"])
    assert sink.got == lines
    assert (feed.news(LATER_S + 22), feed.works) == ("sink history works again", True)
    assert feed.status()["lost"] == 0


def test_the_waits_between_attempts_grow(sink: FakeSink, feed: Feed) -> None:
    times: list[float] = []

    def fail(lines: list[Line]) -> None:
        times.append(time.monotonic())
        raise SinkError("disk full", rest=lines)

    sink.before = fail
    feed.put(numbered(1))
    wait_until(lambda: len(times) == 4)
    first, second, third = (later - sooner for sooner, later in itertools.pairwise(times))
    assert first >= 0.1
    assert second >= 0.2
    assert third >= 0.4


def test_a_sink_that_hangs_costs_no_time_and_bounded_memory(sink: FakeSink, feed: Feed) -> None:
    hang = threading.Event()
    sink.before = lambda _lines: hang.wait(30)
    start = time.monotonic()
    for batch in range(100):
        feed.put(numbered(10, start=batch * 10))
    assert time.monotonic() - start < 2
    status = feed.status()
    assert status["waiting"] <= 110
    assert status["waiting"] + status["lost"] == 1000
    assert feed.crowded
    news = feed.news(LATER_S)
    assert news == f"sink history lost {status['lost']} records: it is slower than the records come, or hangs"
    hang.set()
    wait_until(lambda: feed.status()["waiting"] == 0)
    assert feed.news(LATER_S + 5) is None
    assert feed.news(LATER_S + 11) == "sink history works again"


def test_memory_is_bounded_in_bytes_too(sink: FakeSink) -> None:
    hang = threading.Event()
    sink.before = lambda _lines: hang.wait(30)
    feed = Feed(sink, most_bytes=10_000)
    feed.put([Line(20, b"x" * 1000) for _ in range(100)])
    hang.set()
    feed.close(time.monotonic() + 5)
    assert feed.status()["written"] == 10
    assert feed.status()["lost"] == 90


def test_losses_are_told_with_the_reason_and_not_more_than_once_in_10_s(sink: FakeSink, feed: Feed) -> None:
    def lose(lines: list[Line]) -> None:
        raise SinkError("ValueError: boom", rest=[], lost=len(lines))

    sink.before = lose
    feed.put(numbered(2))
    wait_until(lambda: feed.status()["lost"] == 2)
    assert feed.news(LATER_S) == "sink history lost 2 records: ValueError: boom"
    feed.put(numbered(3))
    wait_until(lambda: feed.status()["lost"] == 5)
    assert feed.news(LATER_S + 9) is None
    assert feed.news(LATER_S + 11) == "sink history lost 3 records: ValueError: boom"


def test_the_reason_of_a_loss_is_the_exception_though_a_later_record_was_taken(
    sink: FakeSink, feed: Feed
) -> None:
    def lose_once(lines: list[Line]) -> None:
        sink.before = lambda _lines: None
        raise SinkError("ValueError: boom", rest=[], lost=len(lines))

    sink.before = lose_once
    feed.put(numbered(1))
    wait_until(lambda: feed.status()["lost"] == 1)
    feed.put(numbered(1))
    wait_until(lambda: feed.status()["written"] == 1)
    assert feed.status()["error"] is None
    assert feed.news(LATER_S) == "sink history lost 1 record: ValueError: boom"
    feed.close(time.monotonic() + 5)
    assert feed.status()["error"] == "ValueError: boom"  # the writer's last word


def test_an_unexpected_exception_loses_its_lines_and_the_sink_goes_on(sink: FakeSink, feed: Feed) -> None:
    def fail_once(_lines: list[Line]) -> None:
        sink.before = lambda _lines: None
        raise KeyError("a bug")

    sink.before = fail_once
    feed.put(numbered(4))
    wait_until(lambda: feed.status()["lost"] == 4)
    feed.put(numbered(5))
    wait_until(lambda: len(sink.got) == 5)


def test_closing_gives_up_on_a_sink_that_fails_after_one_more_attempt(sink: FakeSink, feed: Feed) -> None:
    def fail(lines: list[Line]) -> None:
        raise SinkError("disk full", rest=lines)

    sink.before = fail
    feed.put(numbered(100))
    wait_until(lambda: sink.calls >= 2)
    calls = sink.calls
    start = time.monotonic()
    feed.close(time.monotonic() + 30)
    assert time.monotonic() - start < 5
    assert sink.calls <= calls + 2
    assert feed.status() == {"written": 0, "lost": 100, "waiting": 0, "error": "disk full"}


def test_closing_leaves_a_sink_that_hangs_behind_and_counts(sink: FakeSink, feed: Feed) -> None:
    hang = threading.Event()
    sink.before = lambda _lines: hang.wait(30)
    feed.put(numbered(50))
    wait_until(lambda: sink.calls)
    feed.close(time.monotonic() + 0.2)
    assert feed.status()["lost"] == 50
    assert feed.status()["waiting"] == 0
    hang.set()
    wait_until(lambda: sink.closed)
    assert feed.status() == {"written": 0, "lost": 50, "waiting": 0, "error": None}
