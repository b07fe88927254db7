"""Publishing with pipelined confirms, on a channel that the test plays."""

import struct
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest
from amqp import Message
from amqp.exceptions import NotFound, RecoverableConnectionError

from ebats.pipelines.model import Broker
from ebats.runner.broker import publish
from ebats.runner.broker.publish import Confirming, Publisher, Sending
from ebats.runner.execution.settle import Outgoing
from tests.waiting import wait_until


def outgoing(number: int, exchange: str = "shop.tasks") -> Outgoing:
    return Outgoing(exchange, "ship", b"%d" % number, {}, {"message_id": f"m{number}"})


class FakeChannel:
    """Keeps what is published on it."""

    def __init__(self) -> None:
        self.events: dict[str, set[Callable[..., None]]] = {
            name: set() for name in ("basic_ack", "basic_nack", "basic_return")
        }
        self.published: list[Message] = []
        self.fails: Callable[[Message], None] = lambda _message: None

    def confirm_select(self) -> None:
        """Nothing to do."""

    def basic_publish(self, message: Message, exchange: str, routing_key: str, mandatory: bool) -> None:
        """Keep it."""
        assert mandatory
        self.fails(message)
        message.exchange, message.key = exchange, routing_key
        self.published.append(message)

    def tell(self, event: str, *arguments: Any) -> None:
        """Be the broker that says something."""
        for callback in self.events[event]:
            callback(*arguments)

    def bring_back(self, tag: int) -> None:
        """Be the broker that returns a message."""
        message = self.published[tag - 1]
        self.tell("basic_return", Exception("NO_ROUTE"), message.exchange, message.key, message)

    def bodies(self) -> list[bytes]:
        """Return what was published."""
        return [message.body for message in self.published]


class Fate:
    """What became of the messages of a test."""

    def __init__(self) -> None:
        self.confirmed: list[int] = []
        self.unroutable: list[int] = []

    def sending(self, number: int, exchange: str = "shop.tasks") -> Sending:
        """Return a message that tells here what becomes of it."""
        return Sending(outgoing(number, exchange), *self.callbacks(number))

    def callbacks(self, number: int) -> tuple[Callable[[], None], Callable[[], None]]:
        """Return what to call for a message."""
        return lambda: self.confirmed.append(number), lambda: self.unroutable.append(number)


# One channel.


def filled(count: int) -> tuple[FakeChannel, Confirming, Fate]:
    channel, fate = FakeChannel(), Fate()
    confirming = Confirming(channel)
    for number in range(1, count + 1):
        confirming.publish(fate.sending(number))
    return channel, confirming, fate


def test_a_confirm_counts_for_its_own_tag_only() -> None:
    channel, confirming, fate = filled(3)
    channel.tell("basic_ack", 2, False)
    assert fate.confirmed == [2]
    assert list(confirming.unconfirmed) == [1, 3]
    channel.tell("basic_ack", 2, False)
    channel.tell("basic_ack", 9, False)
    assert fate.confirmed == [2]


def test_a_multiple_confirm_counts_up_to_its_tag() -> None:
    channel, confirming, fate = filled(5)
    channel.tell("basic_ack", 2, False)
    channel.tell("basic_ack", 4, True)
    assert fate.confirmed == [2, 1, 3, 4]
    assert list(confirming.unconfirmed) == [5]


def test_a_refused_message_is_neither_confirmed_nor_forgotten() -> None:
    channel, confirming, fate = filled(3)
    channel.tell("basic_nack", 2, True)
    assert fate.confirmed == []
    assert [one.outgoing.body for one in confirming.refused] == [b"1", b"2"]
    assert list(confirming.unconfirmed) == [3]


def test_a_returned_message_is_unroutable_when_its_confirm_comes() -> None:
    channel, _, fate = filled(3)
    channel.bring_back(2)
    assert fate.unroutable == []
    channel.tell("basic_ack", 3, True)
    assert (fate.confirmed, fate.unroutable) == ([1, 3], [2])


def test_two_like_messages_that_are_returned_are_both_unroutable() -> None:
    channel, fate = FakeChannel(), Fate()
    confirming = Confirming(channel)
    for _ in range(2):
        confirming.publish(fate.sending(1))
    channel.bring_back(1)
    channel.bring_back(2)
    channel.tell("basic_ack", 2, True)
    assert (fate.confirmed, fate.unroutable) == ([], [1, 1])


def test_a_message_that_was_returned_and_refused_starts_anew() -> None:
    channel, confirming, fate = filled(1)
    channel.bring_back(1)
    channel.tell("basic_nack", 1, False)
    confirming.publish(confirming.refused.pop())
    channel.tell("basic_ack", 2, False)
    assert (fate.confirmed, fate.unroutable) == ([1], [])


def test_a_message_that_cannot_be_written_uses_up_no_tag() -> None:
    channel, confirming, fate = filled(1)

    def fails(_message: Message) -> None:
        raise struct.error("too long")

    channel.fails = fails
    with pytest.raises(struct.error):
        confirming.publish(fate.sending(2))
    channel.fails = lambda _message: None
    confirming.publish(fate.sending(3))
    channel.tell("basic_ack", 2, False)
    assert fate.confirmed == [3]


# The thread.


class FakeLink:
    """A link whose broker is the test: what it says is done on the publisher's thread."""

    def __init__(self) -> None:
        self.channels: list[FakeChannel] = []
        self.away = False
        self.refuses_channel = 0
        self.asleep = False
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
