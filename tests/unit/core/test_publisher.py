"""The publishing thread, on a link that the test plays."""

import struct
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext

import pytest
from amqp import Message
from amqp.exceptions import NotFound, RecoverableConnectionError

from ebats.pipelines.model import Broker
from ebats.runner.broker import publish
from ebats.runner.broker.publish import Publisher
from tests.unit.core.channel import FakeChannel, Fate, outgoing
from tests.waiting import wait_until

# The thread.


class FakeLink:
    """A link whose broker is the test: what it says is done on the publisher's thread."""

    def __init__(self) -> None:
        self.channels: list[FakeChannel] = []
        self.away = False
        self.refuses_channel = 0
        self.asleep = False
        self.blocked = False
        self.lost_by: list[BaseException] = []
        self._incoming: deque[Callable[[], None]] = deque()
        self._woken = threading.Event()

    def open(self, stop: Callable[[], bool]) -> FakeChannel | None:
        """Wait for the broker, as the real one does."""
        while self.away:
            if stop():
                return None
            self._woken.wait(0.01)
        if self.refuses_channel:
            self.refuses_channel -= 1
            raise RecoverableConnectionError("cut")
        self.channels.append(FakeChannel())
        return self.channels[-1]

    def lost(self, error: BaseException) -> None:
        """Note it."""
        self.lost_by.append(error)

    def close(self) -> None:
        """Nothing to do."""

    def wake_once(self) -> None:
        self.asleep = False
        self.wake()

    def wake(self) -> None:
        """End a wait."""
        self._woken.set()

    def wait(self, timeout_s: float) -> None:
        """Wait for the test."""
        if not self._incoming:
            self._woken.wait(min(timeout_s, 0.02))
        self._woken.clear()

    def sleep(self, timeout_s: float) -> None:
        """Wait, but not as long as the real one."""
        self.wait(timeout_s)

    def drain(self, most: int = 100) -> None:
        """Do what the broker says."""
        while self._incoming:
            self._incoming.popleft()()

    def corked(self) -> AbstractContextManager[None]:
        """Collect nothing."""
        return nullcontext()

    def broker(self, act: Callable[[], None]) -> None:
        """Let the broker do something on the thread."""
        self._incoming.append(act)
        self._woken.set()

    def channel(self, number: int) -> FakeChannel:
        """Return a channel, once it is open."""
        wait_until(lambda: len(self.channels) > number)
        return self.channels[number]


class Running:
    """A publisher at work."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str]] = []
        self.publisher = Publisher(
            Broker(urls=("amqp://nowhere",)), lambda level, text: self.said.append((level, text))
        )
        self.link = FakeLink()
        self.publisher._link = self.link  # type: ignore[assignment]
        self.fate = Fate()

    def send(self, *numbers: int, exchange: str = "shop.tasks") -> None:
        """Publish messages of these numbers."""
        for number in numbers:
            self.publisher.send(outgoing(number, exchange), *self.fate.callbacks(number))

    def lose(self, error: Exception | None = None) -> None:
        """Cut the link."""

        def fail() -> None:
            raise error or RecoverableConnectionError("cut")

        self.link.broker(fail)

    def published(self, channel: int, count: int) -> FakeChannel:
        """Return a channel, once so many messages were published on it."""
        found = self.link.channel(channel)
        wait_until(lambda: len(found.published) >= count)
        return found


@pytest.fixture
def running() -> Iterator[Running]:
    made = Running()
    made.publisher.start()
    yield made
    made.link.away = False
    made.publisher.close(0.0)
    assert made.publisher.failure is None


def test_what_is_sent_is_published_and_confirmed(running: Running) -> None:
    running.send(1, 2)
    channel = running.published(0, 2)
    assert channel.published[0].properties["message_id"] == "m1"
    running.link.broker(lambda: channel.tell("basic_ack", 2, True))
    wait_until(lambda: running.fate.confirmed == [1, 2])
    assert running.publisher.close(10)


def test_after_a_lost_connection_the_unconfirmed_goes_out_again_in_its_order(running: Running) -> None:
    running.send(1, 2, 3)
    first = running.published(0, 3)
    running.link.broker(lambda: first.tell("basic_ack", 2, False))
    wait_until(lambda: running.fate.confirmed == [2])
    running.link.away = True
    running.lose()
    wait_until(lambda: running.link.lost_by)
    running.send(4)
    running.link.away = False
    second = running.published(1, 3)
    assert second.bodies() == [b"1", b"3", b"4"]
    # A late word of the old channel says nothing about the new one.
    first.tell("basic_ack", 3, True)
    running.link.broker(lambda: second.tell("basic_ack", 3, True))
    wait_until(lambda: sorted(set(running.fate.confirmed)) == [1, 2, 3, 4])


def test_what_the_broker_refuses_goes_out_again(running: Running) -> None:
    running.send(1, 2)
    channel = running.published(0, 2)
    running.link.broker(lambda: channel.tell("basic_nack", 1, False))
    running.published(0, 3)
    assert channel.bodies() == [b"1", b"2", b"1"]
    running.link.broker(lambda: channel.tell("basic_ack", 3, True))
    wait_until(lambda: sorted(running.fate.confirmed) == [1, 2])
    assert any("refused" in text for _, text in running.said)


def test_no_more_are_on_their_way_than_the_window(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publish, "WINDOW", 3)
    running.send(*range(1, 8))
    channel = running.published(0, 3)
    running.link.broker(lambda: channel.tell("basic_ack", 3, True))
    running.published(0, 6)
    running.link.broker(lambda: None)
    assert len(channel.published) == 6
    assert len(running.fate.confirmed) == 3


def test_one_that_cannot_be_sent_stops_nobody_else(running: Running) -> None:
    channel = running.link.channel(0)

    def fails(message: Message) -> None:
        if message.body == b"2":
            raise struct.error("too long")

    channel.fails = fails
    running.send(1, 2, 3)
    running.published(0, 2)
    running.link.broker(lambda: channel.tell("basic_ack", 2, True))
    wait_until(lambda: running.fate.confirmed == [1, 3])
    assert running.fate.unroutable == [2]


def test_an_exchange_that_is_gone_stops_nobody_else(running: Running) -> None:
    running.send(1)
    running.send(2, exchange="shop.delay.5s")
    running.send(3)
    running.published(0, 3)
    text = "NOT_FOUND - no exchange 'shop.delay.5s' in vhost '/'"
    running.lose(NotFound(text, reply_code=404))
    second = running.published(1, 2)
    assert second.bodies() == [b"1", b"3"]
    assert running.fate.unroutable == [2]


def test_a_link_that_is_cut_while_a_channel_opens_is_opened_again() -> None:
    made = Running()
    made.link.refuses_channel = 2
    made.publisher.start()
    made.send(1)
    channel = made.published(0, 1)
    made.link.broker(lambda: channel.tell("basic_ack", 1, False))
    assert made.publisher.close(10)
    assert made.publisher.failure is None
    assert made.fate.confirmed == [1]
    assert len(made.link.lost_by) == 2


def test_closing_waits_for_the_last_confirm_but_not_for_ever(running: Running) -> None:
    running.send(1)
    running.published(0, 1)
    assert not running.publisher.close(0.05)


def test_closing_ends_also_without_a_broker() -> None:
    made = Running()
    made.link.away = True
    made.publisher.start()
    assert made.publisher.close(10)
