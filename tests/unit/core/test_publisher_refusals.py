"""The publishing thread, and messages that are refused, withdrawn or held back."""

from collections.abc import Iterator

import pytest
from amqp.exceptions import AccessRefused, PreconditionFailed, RecoverableConnectionError

from ebats.runner.broker.confirming import Sending
from ebats.runner.broker.refusals import refusal
from tests.unit.core.channel import outgoing
from tests.unit.core.test_publisher import Running
from tests.waiting import wait_until


class Telling(Running):
    """A publisher whose messages tell of refusals."""

    def __init__(self) -> None:
        super().__init__()
        self.refused: dict[int, BaseException] = {}

    def put(self, *numbers: int, exchange: str = "shop.tasks") -> list[Sending]:
        """Publish messages of these numbers."""
        sendings = []
        for number in numbers:
            confirmed, unroutable = self.fate.callbacks(number)

            def refused(error: BaseException, number: int = number) -> None:
                self.refused[number] = error

            sendings.append(Sending(outgoing(number, exchange), confirmed, unroutable, refused))
            self.publisher.put(sendings[-1])
        return sendings


@pytest.fixture
def telling() -> Iterator[Telling]:
    made = Telling()
    made.publisher.start()
    yield made
    made.link.away = False
    made.publisher.close(0.0)


def too_large() -> PreconditionFailed:
    return PreconditionFailed("message size 9 is larger than configured max size 8", reply_code=406)


def test_one_that_the_broker_refuses_without_naming_it_is_found_among_the_others(telling: Telling) -> None:
    telling.put(1, 2, 3)
    telling.published(0, 3)
    telling.lose(too_large())
    # Nobody knows which it was: one by one.
    second = telling.published(1, 1)
    telling.link.broker(lambda: second.tell("basic_ack", 1, False))
    telling.published(1, 2)
    assert second.bodies() == [b"1", b"2"]
    telling.lose(too_large())
    third = telling.published(2, 1)
    assert third.bodies() == [b"3"]
    telling.link.broker(lambda: third.tell("basic_ack", 1, False))
    wait_until(lambda: telling.fate.confirmed == [1, 3])
    assert list(telling.refused) == [2]
    assert "larger than configured" in str(refusal(telling.refused[2]))
    assert not telling.fate.unroutable


def test_those_to_an_exchange_that_may_not_be_written_are_refused_at_once(telling: Telling) -> None:
    telling.put(1)
    telling.put(2, 3, exchange="shop.secret")
    telling.published(0, 3)
    text = "ACCESS_REFUSED - access to exchange 'shop.secret' in vhost '/' refused for user 'ada'"
    telling.lose(AccessRefused(text, reply_code=403))
    assert telling.published(1, 1).bodies() == [b"1"]
    assert sorted(telling.refused) == [2, 3]


def test_what_is_withdrawn_before_it_was_sent_is_never_sent(telling: Telling) -> None:
    telling.link.channel(0)
    telling.link.away = True
    telling.lose()
    wait_until(lambda: telling.link.lost_by)
    _, second, _ = telling.put(1, 2, 3)
    assert telling.publisher.withdraw(second)
    telling.link.away = False
    assert telling.published(1, 2).bodies() == [b"1", b"3"]


def test_what_waits_to_go_out_again_is_not_told_to_be_unsent(telling: Telling) -> None:
    (first,) = telling.put(1)
    telling.published(0, 1)
    telling.link.away = True
    telling.lose()
    wait_until(lambda: telling.link.lost_by)
    (second,) = telling.put(2)
    wait_until(lambda: first in telling.publisher._waiting)
    # The broker may have the first.
    assert not telling.publisher.withdraw(first)
    assert telling.publisher.withdraw(second)
    telling.link.away = False
    telling.put(3)
    assert telling.published(1, 1).bodies() == [b"3"]


def test_what_is_withdrawn_after_it_was_sent_is_not_sent_again(telling: Telling) -> None:
    first, _ = telling.put(1, 2)
    telling.published(0, 2)
    assert not telling.publisher.withdraw(first)
    telling.lose(RecoverableConnectionError("cut"))
    assert telling.published(1, 1).bodies() == [b"2"]


def test_a_blocked_broker_is_sent_nothing_until_it_takes_messages_again(telling: Telling) -> None:
    channel = telling.link.channel(0)
    telling.link.blocked = True
    (sending,) = telling.put(1)
    telling.link.broker(lambda: None)
    assert not channel.published
    assert not telling.publisher.is_served
    assert telling.publisher.withdraw(sending)
    telling.put(2)
    telling.link.blocked = False
    telling.link.wake()
    assert telling.published(0, 1).bodies() == [b"2"]


def test_who_waits_is_told_when_the_thread_ends(telling: Telling) -> None:
    telling.put(1)
    telling.published(0, 1)
    telling.publisher.close(0.01)
    wait_until(lambda: 1 in telling.refused)
    assert telling.publisher.ended
    telling.put(2)
    assert sorted(telling.refused) == [1, 2]
    assert refusal(telling.refused[2]) is None
