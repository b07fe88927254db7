"""Conformance: a queue with a greatest length drops its oldest messages, and goes with its consumer."""

from collections.abc import Callable

from amqp.exceptions import NotFound

from tests.integration.wire import Wire, bodies
from tests.waiting import wait_until

#: As a tap has it.
TAP = {"x-queue-type": "classic", "x-max-length": 3}


def tap_queue(wire: Wire, **arguments: int) -> None:
    wire.channel.queue_declare(
        "tap", exclusive=True, auto_delete=True, durable=False, arguments={**TAP, **arguments}
    )


def everything(wire: Wire) -> list[str]:
    found = []
    while (message := wire.channel.basic_get("tap", no_ack=True)) is not None:
        found.append(message)
    return bodies(found)


def test_the_oldest_messages_make_room(wire: Wire) -> None:
    tap_queue(wire)
    wire.send("tap", *map(str, range(10)))
    wire.wait_ready("tap", 3)
    wire.send("tap", "10")
    assert everything(wire) == ["8", "9", "10"]


def test_the_bytes_of_bodies_have_a_limit_too(wire: Wire) -> None:
    tap_queue(wire, **{"x-max-length-bytes": 10})
    wire.send("tap", "aaaa", "bbbb", "cccc")
    wire.wait_ready("tap", 2)
    assert everything(wire) == ["bbbb", "cccc"]


def test_what_is_delivered_does_not_count(wire: Wire) -> None:
    tap_queue(wire)
    wire.consume("tap", prefetch=2)
    wire.send("tap", "a", "b")
    wire.receive(2)
    wire.send("tap", *map(str, range(5)))
    wire.wait_ready("tap", 3)
    assert everything(wire) == ["2", "3", "4"]


def test_what_dies_into_it_is_limited_too(wire: Wire) -> None:
    wire.exchange("dead", "fanout")
    wire.queue("work", {"x-queue-type": "classic", "x-dead-letter-exchange": "dead"})
    tap_queue(wire)
    wire.channel.queue_bind("tap", "dead", "")
    wire.send("work", *map(str, range(6)))
    wire.consume("work")
    for message in wire.receive(6):
        message.channel.basic_reject(message.delivery_info["delivery_tag"], requeue=False)
    wire.drain_for(0.1)
    wire.wait_ready("tap", 3)
    assert everything(wire) == ["3", "4", "5"]


def test_others_get_their_copies_whole(wire: Wire) -> None:
    wire.exchange("events", "topic")
    wire.queue("work")
    tap_queue(wire)
    for queue in ("work", "tap"):
        wire.channel.queue_bind(queue, "events", "paid")
    for _ in range(8):
        wire.publish(b"x", "events", "paid")
    wire.wait_ready("work", 8)
    wire.wait_ready("tap", 3)


def test_it_goes_with_its_last_consumer(connect: Callable[[], Wire]) -> None:
    wire, other = connect(), connect()
    tap_queue(wire)
    tag = wire.consume("tap")
    wire.channel.basic_cancel(tag)

    def is_gone() -> bool:
        try:
            other.channel.queue_declare("tap", passive=True)
        except NotFound:
            return True
        return False

    wait_until(is_gone, 5)
