"""Messages are moved out of a queue: nothing is lost, whoever is killed, and little is there twice."""

from collections.abc import Callable
from typing import Any

import pytest

from ebats.runner.broker.move import Moved, MoveFailed, move
from ebats.runner.execution.delivery import Delivery
from ebats.runner.execution.settle import Outgoing
from tests.conftest import Broker
from tests.integration.actor import actor
from tests.integration.wire import Wire, bodies, headers, work_arguments
from tests.waiting import wait_until


def to(queue: str) -> Callable[[Delivery], list[Outgoing]]:
    """Return what sends each message on to a queue."""
    return lambda delivery: [Outgoing("", queue, delivery.body, {}, {"delivery_mode": 2})]


def taken(wire: Wire, queue: str) -> list[str]:
    """Take all messages from a queue."""
    found: list[Any] = []
    while (message := wire.channel.basic_get(queue, no_ack=True)) is not None:
        found.append(message)
    return bodies(found)


def test_all_messages_move_in_their_order_and_only_once(wire: Wire) -> None:
    wire.queue("from")
    wire.queue("to")
    wire.send("from", *map(str, range(1200)))
    seen: list[int] = []
    moved = move(wire.connection, "from", to("to"), on_progress=lambda moved: seen.append(moved.taken))
    assert moved == Moved(1200, 1200)
    assert seen == sorted(seen)
    assert seen[-1] == 1200
    wire.wait_ready("from", 0)
    assert taken(wire, "to") == [*map(str, range(1200))]


def test_a_queue_that_is_not_there_has_no_messages(wire: Wire) -> None:
    assert move(wire.connection, "nothing", to("to")) == Moved()
    wire.queue("empty")
    assert move(wire.connection, "empty", to("to")) == Moved()


def test_no_more_than_asked_for_are_in_hand(wire: Wire, connect: Callable[[], Wire]) -> None:
    wire.queue("from")
    wire.queue("to")
    wire.send("from", *map(str, range(10)))
    other = connect()
    ready: list[int] = []

    def follow(delivery: Delivery) -> list[Outgoing]:
        ready.append(other.ready("from"))
        return to("to")(delivery)

    assert move(wire.connection, "from", follow, most=3) == Moved(3, 3)
    assert ready[0] == 7
    assert taken(wire, "from") == [*map(str, range(3, 10))]


def test_what_follows_may_be_several_messages_or_none_or_that_it_stays(wire: Wire) -> None:
    wire.queue("from")
    wire.queue("to")
    wire.send("from", "two", "none", "stay")

    def follow(delivery: Delivery) -> list[Outgoing] | None:
        return {b"two": to("to")(delivery) * 2, b"none": [], b"stay": None}[delivery.body]

    assert move(wire.connection, "from", follow) == Moved(2, 2, 1)
    wire.wait_ready("from", 1)
    assert taken(wire, "from") == ["stay"]
    assert taken(wire, "to") == ["two", "two"]


def test_what_no_queue_takes_stays_and_is_told(wire: Wire) -> None:
    wire.queue("from")
    wire.queue("to")
    wire.send("from", "a", "b", "c")

    def follow(delivery: Delivery) -> list[Outgoing]:
        return to("nowhere" if delivery.body == b"b" else "to")(delivery)

    with pytest.raises(MoveFailed, match=r"1 message of from .* no queue takes the key 'nowhere'") as raised:
        move(wire.connection, "from", follow)
    assert raised.value.moved == Moved(2, 2)
    wire.wait_ready("from", 1)
    assert taken(wire, "from") == ["b"]
    assert taken(wire, "to") == ["a", "c"]


def test_an_exchange_that_is_not_there_is_a_clear_error_and_loses_nothing(wire: Wire) -> None:
    wire.queue("from")
    wire.send("from", "a", "b")
    with pytest.raises(MoveFailed, match=r"the broker refuses: .*gone"):
        move(wire.connection, "from", lambda _: [Outgoing("gone", "x", b"", {}, {})])
    wire.wait_ready("from", 2)


def test_headers_and_properties_are_handed_over(wire: Wire) -> None:
    wire.fanout_to_queue("from")
    wire.queue("to")
    wire.publish(b"\xff\x00", "from", "some.key", {"n": 1}, message_id="m1")
    wire.wait_ready("from", 1)

    def follow(delivery: Delivery) -> list[Outgoing]:
        assert (delivery.queue, delivery.exchange, delivery.key) == ("from", "from", "some.key")
        assert delivery.properties["message_id"] == "m1"
        return [Outgoing("", "to", delivery.body, delivery.headers, {"message_id": "m1"})]

    move(wire.connection, "from", follow)
    message = wire.get("to")
    assert (message.body, headers(message)["n"]) == (b"\xff\x00", 1)


def test_it_ends_when_told_to_and_the_rest_stays(wire: Wire) -> None:
    wire.queue("from")
    wire.queue("to")
    wire.send("from", *map(str, range(20)))
    done: list[Moved] = []
    moved = move(
        wire.connection, "from", to("to"), at_once=1, stop=lambda: len(done) >= 5, on_progress=done.append
    )
    assert moved.taken == 5
    wire.wait_ready("from", 15)
    assert taken(wire, "to") == [*map(str, range(5))]


def test_two_at_the_same_time_share_the_messages(broker: Broker, wire: Wire) -> None:
    wire.queue("from", work_arguments("dead"))
    wire.queue("to")
    wire.send("from", *map(str, range(2000)))
    with actor(broker.url, "move", "from", "to", "1") as other:
        other.wait_for_lines(3)
        move(wire.connection, "from", to("to"))
        other.wait_for_lines(501)
    wire.wait_ready("from", 0)
    assert sorted(map(int, taken(wire, "to"))) == [*range(2000)]


@pytest.mark.parametrize("at_once", [1, 50])
def test_a_killed_move_loses_nothing_and_repeats_what_was_on_its_way(
    broker: Broker, wire: Wire, at_once: int
) -> None:
    wire.queue("from", work_arguments("dead"))
    wire.queue("to")
    wire.send("from", *map(str, range(1000)))
    for kill in range(1, 4):
        with actor(broker.url, "move", "from", "to", str(at_once)) as mover:
            mover.wait_for_lines(20 * kill)
            mover.kill()
        # What it had in hand comes back, on the embedded broker after a moment.
        wait_until(lambda: wire.ready("from") + wire.ready("to") >= 1000, 15)
    move(wire.connection, "from", to("to"))
    wire.wait_ready("from", 0)
    arrived = taken(wire, "to")
    assert {*arrived} == {*map(str, range(1000))}
    assert len(arrived) - 1000 <= 3 * at_once
