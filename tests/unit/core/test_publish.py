"""Publishing with pipelined confirms, on a channel that the test plays."""

import struct

import pytest
from amqp import Message

from ebats.runner.broker.confirming import Confirming
from tests.unit.core.channel import FakeChannel, Fate

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


def test_a_refused_message_that_is_optional_is_given_back_and_holds_up_nobody() -> None:
    channel, confirming, fate = filled(2)
    confirming.unconfirmed[1].outgoing.optional = True
    channel.tell("basic_nack", 2, True)
    assert [one.outgoing.body for one in confirming.refused] == [b"2"]
    assert fate.unroutable == [1]


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
