"""Conformance: delivering, acknowledging and handing back."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.wire import (
    Wire,
    bodies,
    delivery_count,
    headers,
    tag,
    work_arguments,
)


def test_messages_come_in_the_order_of_publishing(wire: Wire) -> None:
    wire.queue("work")
    wire.send("work", *map(str, range(500)))
    wire.consume("work", prefetch=1000)
    assert bodies(wire.receive(500)) == [str(number) for number in range(500)]


def test_a_first_delivery_says_so(wire: Wire) -> None:
    wire.queue("work", work_arguments("dead"))
    wire.send("work", "x")
    consumer = wire.consume("work")
    (message,) = wire.receive(1)
    info = message.delivery_info
    assert not info["redelivered"]
    assert delivery_count(message) == 0
    assert (info["consumer_tag"], info["delivery_tag"]) == (consumer, 1)


def test_delivery_tags_count_up_in_a_channel(wire: Wire) -> None:
    for name in ("one", "two"):
        wire.queue(name)
        wire.consume(name)
    wire.send("one", "a", "b")
    wire.send("two", "c")
    assert sorted(tag(message) for message in wire.receive(3)) == [1, 2, 3]


def test_a_consumer_holds_no_more_than_its_prefetch(wire: Wire) -> None:
    wire.queue("work")
    wire.send("work", *"abcdef")
    wire.consume("work", prefetch=2)
    first = wire.receive(2)
    wire.drain_for(0.3)
    assert wire.bodies == []
    wire.ack(first[0])
    assert bodies(wire.receive(1)) == ["c"]
    wire.drain_for(0.3)
    assert wire.bodies == []


def test_prefetch_is_for_each_consumer_of_a_channel(wire: Wire) -> None:
    for name in ("one", "two"):
        wire.queue(name)
        wire.send(name, *"abcdef")
    wire.consume("one", prefetch=1)
    wire.consume("two", prefetch=3)
    wire.drain_until(lambda: len(wire.messages) >= 4, "four messages")
    wire.drain_for(0.3)
    assert sorted(wire.bodies) == ["a", "a", "b", "c"]


def test_an_acknowledged_message_does_not_come_back(connect: Callable[[], Wire]) -> None:
    wire = connect()
    wire.queue("work")
    wire.send("work", "a", "b")
    wire.consume("work")
    wire.ack(*wire.receive(2))
    wire.close()
    other = connect()
    assert other.ready("work") == 0
    assert other.channel.basic_get("work") is None


def test_acknowledging_multiple_settles_all_up_to_the_tag(connect: Callable[[], Wire]) -> None:
    wire = connect()
    wire.queue("work")
    wire.send("work", *"abcde")
    wire.consume("work")
    messages = wire.receive(5)
    wire.ack(messages[1])
    wire.ack(messages[3], multiple=True)
    wire.close()
    assert body_set(connect(), "work") == {"e"}


def test_messages_may_be_acknowledged_in_any_order(connect: Callable[[], Wire]) -> None:
    wire = connect()
    wire.queue("work")
    wire.send("work", *"abcd")
    wire.consume("work")
    messages = wire.receive(4)
    wire.ack(messages[3], messages[0])
    wire.close()
    assert body_set(connect(), "work") == {"b", "c"}


def test_an_unknown_tag_is_406(wire: Wire) -> None:
    wire.queue("work")
    channel = wire.new_channel()

    def acknowledge_too_much() -> None:
        channel.basic_ack(7)  # RabbitMQ's answer comes later, SQLite's at once
        wire.drain_until(lambda: False, "the error")

    with pytest.raises(wire.connection.channel_errors, match="unknown delivery tag 7") as caught:
        acknowledge_too_much()
    assert caught.value.reply_code == 406


@pytest.mark.parametrize("how", ["connection", "channel"])
def test_closing_hands_back_what_was_not_acknowledged(connect: Callable[[], Wire], how: str) -> None:
    wire, other = connect(), connect()
    wire.queue("work", work_arguments("dead"))
    wire.send("work", "a", "b", "c")
    channel = wire.new_channel()
    wire.consume("work", prefetch=2, channel=channel)
    wire.ack(wire.receive(2)[0])
    wire.receive(1)
    (wire if how == "connection" else channel).close()
    other.consume("work")
    back = {bodies([message])[0]: message for message in other.receive(2)}
    assert set(back) == {"b", "c"}
    for message in back.values():
        assert message.delivery_info["redelivered"]
        assert delivery_count(message) == 1


def test_every_way_of_coming_back_is_counted(wire: Wire) -> None:
    wire.queue("work", work_arguments("dead"))
    wire.send("work", "x")
    for count in range(3):
        message = wire.get("work")
        assert delivery_count(message) == count
        wire.channel.basic_reject(tag(message), requeue=True)
    channel = wire.new_channel()
    wire.consume("work", channel=channel)
    assert delivery_count(wire.receive(1)[0]) == 3
    channel.close()
    assert delivery_count(wire.get("work")) == 4


def test_rejecting_without_requeue_drops_where_there_is_no_dead_letter_exchange(wire: Wire) -> None:
    wire.queue("work")
    wire.send("work", "a", "b")
    wire.channel.basic_reject(tag(wire.get("work")), requeue=False)
    wire.consume("work")
    assert bodies(wire.receive(1)) == ["b"]
    wire.drain_for(0.2)
    assert wire.bodies == []


def test_several_consumers_share_a_queue(connect: Callable[[], Wire]) -> None:
    wires = [connect() for _ in range(3)]
    wires[0].queue("work")
    for wire in wires:
        wire.consume("work", prefetch=10)
    wires[0].send("work", *map(str, range(30)))
    found: list[str] = []
    for wire in wires:
        wire.drain_until(lambda wire=wire: len(wire.messages) >= 10, "its share")
        found += wire.bodies
    assert sorted(found, key=int) == [str(number) for number in range(30)]


def test_several_consumers_of_one_channel_each_get_their_queue(wire: Wire) -> None:
    got: dict[str, list[Any]] = {"one": [], "two": []}
    for name, messages in got.items():
        wire.queue(name)
        wire.channel.basic_consume(name, callback=messages.append)
    wire.send("one", "a", "b")
    wire.send("two", "c")
    wire.drain_until(lambda: sum(map(len, got.values())) == 3, "three messages")
    assert [bodies(messages) for messages in got.values()] == [["a", "b"], ["c"]]
    for messages in got.values():
        wire.ack(*messages)


def test_two_consumers_of_one_queue_on_one_channel_both_work(wire: Wire) -> None:
    wire.queue("work")
    first, second = [], []  # type: ignore[var-annotated]
    wire.channel.basic_qos(0, 2, False)
    wire.channel.basic_consume("work", callback=first.append)
    wire.channel.basic_consume("work", callback=second.append)
    wire.send("work", *"abcd")
    wire.drain_until(lambda: len(first) + len(second) == 4, "four messages")
    assert sorted(bodies(first) + bodies(second)) == [*"abcd"]
    assert len(first) == 2


def test_a_cancelled_consumer_gets_nothing_more_and_keeps_what_it_holds(wire: Wire) -> None:
    wire.queue("work")
    wire.send("work", *"abc")
    consumer = wire.consume("work", prefetch=1)
    (held,) = wire.receive(1)
    wire.channel.basic_cancel(consumer)
    wire.ack(held)
    wire.drain_for(0.3)
    assert wire.bodies == []
    wire.wait_ready("work", 2)


def test_cancelling_does_not_hand_back(connect: Callable[[], Wire]) -> None:
    wire, other = connect(), connect()
    wire.queue("work")
    wire.send("work", "a")
    consumer = wire.consume("work", prefetch=5)
    wire.receive(1)
    wire.channel.basic_cancel(consumer)
    other.consume("work")
    other.drain_for(0.3)
    assert other.bodies == []


def test_a_consumer_is_told_that_its_queue_was_deleted(connect: Callable[[], Wire]) -> None:
    wire, other = connect(), connect()
    wire.queue("work")
    cancelled: list[str] = []
    consumer = wire.channel.basic_consume("work", callback=print, on_cancel=cancelled.append)
    other.channel.queue_delete("work")
    wire.drain_until(lambda: cancelled, "the cancel")
    assert cancelled == [consumer]


def test_getting_one_tells_how_many_are_left(wire: Wire) -> None:
    wire.queue("work")
    assert wire.channel.basic_get("work") is None
    wire.send("work", "a", "b", "c")
    wire.wait_ready("work", 3)
    message = wire.get("work")
    assert message.delivery_info["message_count"] == 2
    assert bodies([message]) == ["a"]
    assert not message.delivery_info["redelivered"]


def test_a_consumer_without_acknowledgements_settles_by_delivery(connect: Callable[[], Wire]) -> None:
    wire = connect()
    wire.queue("work")
    wire.send("work", "a", "b")
    wire.consume("work", no_ack=True)
    wire.receive(2)
    wire.close()
    assert connect().ready("work") == 0


def test_draining_in_vain_is_a_time_out(wire: Wire) -> None:
    wire.queue("work")
    wire.consume("work")
    start = time.monotonic()
    with pytest.raises(TimeoutError):
        wire.connection.drain_events(timeout=0.3)
    assert 0.25 < time.monotonic() - start < 3


def test_a_redelivered_message_keeps_its_headers_and_properties(wire: Wire) -> None:
    wire.queue("work")
    wire.publish(b"x", "", "work", headers={"a": 1}, message_id="m1")
    wire.channel.basic_reject(tag(wire.get("work")), requeue=True)
    message = wire.get("work")
    assert headers(message)["a"] == 1
    assert message.properties["message_id"] == "m1"


def body_set(wire: Wire, queue: str) -> set[str]:
    """Take all that is ready in a queue."""
    wire.consume(queue)
    wire.drain_for(0.5)
    return set(wire.bodies)


def test_a_count_of_the_publishers_own_makes_no_redelivery(wire: Wire) -> None:
    wire.queue("work", work_arguments("dead"))
    wire.publish(b"x", "", "work", headers={"x-delivery-count": 7})
    # RabbitMQ 4 passes the header on as it came, so a count is worth nothing without the flag.
    assert not wire.get("work").delivery_info["redelivered"]
