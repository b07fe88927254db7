"""A channel's feed: never blocks, tries again, merges what waits, says what it gives up."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from ebats.runner.alerts.channel_feed import ChannelFeed
from ebats.runner.alerts.channel_feeds import ChannelFeeds
from ebats.runner.alerts.channels.channel import ChannelError, Paced
from ebats.runner.alerts.notice import Notice
from tests.unit.alerts.notices import notice
from tests.waiting import wait_until


class FakeChannel:
    """Keeps what it is given; does whatever else a test sets."""

    def __init__(self, name: str = "ops") -> None:
        self.name = name
        self.calls: list[list[Notice]] = []
        self.at: list[float] = []
        self.closed = False
        self.before: list[Callable[[list[Notice]], object]] = []

    def send(self, notices: list[Notice]) -> None:
        self.calls.append(notices)
        self.at.append(time.monotonic())
        if self.before:
            self.before.pop(0)(notices)

    def close(self) -> None:
        self.closed = True


class Log:
    """What was said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, level: str, text: str) -> None:
        self.lines.append(f"{level}: {text}")


@pytest.fixture
def channel() -> FakeChannel:
    return FakeChannel()


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def feed(channel: FakeChannel, log: Log) -> Iterator[ChannelFeed]:
    feed = ChannelFeed(channel, log, most_waiting=50)
    yield feed
    channel.before = []
    feed.close(time.monotonic() + 10)


def failing(text: str = "away", retry_after_s: float | None = None) -> Callable[[list[Notice]], object]:
    def fail(notices: list[Notice]) -> None:
        raise ChannelError(text, rest=notices, retry_after_s=retry_after_s)

    return fail


def refusing(notices: list[Notice]) -> None:
    raise ChannelError("wrong key", refused=notices)


def test_what_waits_becomes_one_message(channel: FakeChannel, feed: ChannelFeed) -> None:
    held = threading.Event()
    channel.before = [lambda _notices: held.wait(30)]
    for number in range(40):
        feed.put(notice(number))
        if number == 0:
            wait_until(lambda: channel.calls)
    held.set()
    wait_until(lambda: feed.status()["sent"] == 40)
    assert [len(call) for call in channel.calls] == [1, 39]
    assert [one for call in channel.calls for one in call] == [notice(number) for number in range(40)]


def test_a_failure_is_tried_again_with_what_came_meanwhile(
    channel: FakeChannel, feed: ChannelFeed, log: Log
) -> None:
    channel.before = [failing()]
    feed.put(notice(1))
    wait_until(lambda: channel.calls and feed.status()["error"])
    assert feed.status() == {"sent": 0, "waiting": 1, "refused": 0, "dropped": 0, "error": "away"}
    feed.put(notice(2))
    wait_until(lambda: feed.status()["sent"] == 2)
    assert channel.calls[1] == [notice(1), notice(2)]
    wait_until(lambda: len(log.lines) == 2)
    assert log.lines == [
        "warning: channel ops fails, 1 alert waits: away",
        "info: channel ops works again",
    ]


def test_the_other_side_says_how_long_to_wait(channel: FakeChannel, feed: ChannelFeed) -> None:
    channel.before = [failing(retry_after_s=3.0)]
    feed.put(notice())
    wait_until(lambda: feed.status()["sent"] == 1)
    assert channel.at[1] - channel.at[0] >= 3.0


def test_waits_grow(channel: FakeChannel, feed: ChannelFeed) -> None:
    channel.before = [failing(), failing()]
    feed.put(notice())
    wait_until(lambda: feed.status()["sent"] == 1)
    assert channel.at[1] - channel.at[0] >= 1.0
    assert channel.at[2] - channel.at[1] >= 2.0


def test_what_is_refused_is_given_up_at_once_and_told(
    channel: FakeChannel, feed: ChannelFeed, log: Log
) -> None:
    channel.before = [refusing]
    feed.put(notice())
    wait_until(lambda: log.lines)
    assert log.lines == [f"error: channel ops doesn't take {notice().title}: wrong key"]
    assert feed.status()["refused"] == 1
    assert feed.status()["waiting"] == 0
    feed.put(notice(2))
    wait_until(lambda: feed.status()["sent"] == 1)


def test_a_pace_is_no_trouble(channel: FakeChannel, feed: ChannelFeed, log: Log) -> None:
    def paced(notices: list[Notice]) -> None:
        raise Paced("enough", rest=notices, retry_after_s=0.2)

    channel.before = [paced, paced]
    feed.put(notice())
    wait_until(lambda: feed.status()["sent"] == 1)
    assert not log.lines
    assert feed.status()["error"] is None


def test_all_are_sent_and_there_is_something_to_say(
    channel: FakeChannel, feed: ChannelFeed, log: Log
) -> None:
    def partly(_notices: list[Notice]) -> None:
        raise ChannelError("sent, but boss@example.com isn't taken")

    channel.before = [partly]
    feed.put(notice())
    wait_until(lambda: log.lines)
    assert feed.status()["sent"] == 1
    assert log.lines == ["warning: channel ops: sent, but boss@example.com isn't taken"]


def test_a_channel_with_a_fault_of_its_own_goes_on(channel: FakeChannel, feed: ChannelFeed, log: Log) -> None:
    channel.before = [lambda _notices: 1 / 0]
    feed.put(notice())
    wait_until(lambda: feed.status()["refused"] == 1)
    feed.put(notice())
    wait_until(lambda: feed.status()["sent"] == 1)
    assert "ZeroDivisionError" in log.lines[0]


def test_putting_never_blocks_and_the_oldest_make_room(
    channel: FakeChannel, feed: ChannelFeed, log: Log
) -> None:
    held = threading.Event()
    channel.before = [lambda _notices: held.wait(30)]
    feed.put(notice(0))
    wait_until(lambda: channel.calls)
    for number in range(1, 101):
        feed.put(notice(number))
    status = feed.status()
    assert (status["waiting"], status["dropped"]) == (51, 50)
    assert log.lines == ["error: channel ops has no room and dropped 1 alert: it is slow, or hangs"]
    held.set()
    wait_until(lambda: feed.status()["sent"] == 51)
    assert channel.calls[1] == [notice(number) for number in range(51, 101)]
    feed.close(time.monotonic() + 10)
    # Those that weren't told of at once.
    assert "49 alerts" in log.lines[1]


def test_a_close_sends_what_waits(channel: FakeChannel, feed: ChannelFeed) -> None:
    for number in range(5):
        feed.put(notice(number))
    feed.close(time.monotonic() + 10)
    assert sum(map(len, channel.calls)) == 5
    assert channel.closed


def test_a_close_ends_at_its_deadline_and_tells_what_is_lost(
    channel: FakeChannel, feed: ChannelFeed, log: Log
) -> None:
    held = threading.Event()
    channel.before = [lambda _notices: held.wait(30)]
    feed.put(notice(1))
    wait_until(lambda: channel.calls)
    feed.put(notice(2))
    began = time.monotonic()
    feed.close(began + 0.3)
    assert time.monotonic() - began < 10
    [line] = log.lines
    assert "2 alerts" in line
    assert line.endswith("the end: there was no time")
    assert feed.status()["dropped"] == 2
    held.set()
    wait_until(lambda: channel.closed)
    assert feed.status()["sent"] == 0


def test_a_close_does_not_wait_for_a_channel_that_is_away(
    channel: FakeChannel, feed: ChannelFeed, log: Log
) -> None:
    channel.before = [failing(retry_after_s=600.0)] * 9
    feed.put(notice())
    wait_until(lambda: feed.status()["error"])
    began = time.monotonic()
    feed.close(began + 3)
    assert time.monotonic() - began < 10
    assert len(channel.calls) >= 2
    assert "1 alert " in log.lines[-1]
    assert log.lines[-1].endswith("the end: away")


def test_one_that_hangs_holds_up_no_other(log: Log) -> None:
    held = threading.Event()
    slow, good = FakeChannel("slow"), FakeChannel("good")
    slow.before = [lambda _notices: held.wait(30)]
    feeds = ChannelFeeds([slow, good], log)
    for number in range(10):
        feeds.put(notice(number), ["slow", "good"])
    wait_until(lambda: feeds.status()["good"]["sent"] == 10)
    assert feeds.status()["slow"]["sent"] == 0
    held.set()
    feeds.close(time.monotonic() + 10)
    assert feeds.status()["slow"]["sent"] == 10


def test_a_notice_goes_to_its_channels_alone(log: Log) -> None:
    one, other = FakeChannel("one"), FakeChannel("other")
    feeds = ChannelFeeds([one, other], log)
    feeds.put(notice(1), ["one"])
    feeds.put(notice(2), ["other", "nobody"])
    feeds.close(time.monotonic() + 10)
    assert one.calls == [[notice(1)]]
    assert other.calls == [[notice(2)]]


def test_where_all_channels_fail_it_is_said_that_nobody_knows(log: Log) -> None:
    one, other = FakeChannel("one"), FakeChannel("other")
    one.before = [failing("no route")]
    other.before = [refusing]
    feeds = ChannelFeeds([one, other], log)
    feeds.put(notice(), ["one", "other"])
    wait_until(lambda: any("nobody" in line for line in log.lines))
    [line] = [line for line in log.lines if "nobody" in line]
    assert line.startswith(f"error: nobody has been told of {notice().title}: ")
    assert "one: no route" in line
    assert "other: wrong key" in line
    feeds.close(time.monotonic() + 10)


def test_where_one_of_them_tells_somebody_the_others_may_fail(log: Log) -> None:
    one, other = FakeChannel("one"), FakeChannel("other")
    other.before = [refusing]
    feeds = ChannelFeeds([one, other], log)
    feeds.put(notice(), ["one", "other"])
    feeds.close(time.monotonic() + 10)
    assert not any("nobody" in line for line in log.lines)
