"""Conformance: how a thread that waits for its socket learns of messages."""

import select
import time
from collections.abc import Callable

from tests.integration.wire import Wire, confirms_of
from tests.waiting import wait_until


def test_the_socket_is_readable_when_there_is_something_to_drain(connect: Callable[[], Wire]) -> None:
    wire, other = connect(), connect()
    wire.queue("work")
    wire.consume("work", prefetch=1000)
    wait_until(lambda: not readable(wire, 0), 5, "readable without an event")
    other.send("work", *map(str, range(200)))
    while len(wire.messages) < 200:
        assert readable(wire, 5), f"silent after {len(wire.messages)} messages"
        wire.drain(0)
    assert wire.bodies == [str(number) for number in range(200)]


def test_the_socket_is_readable_for_what_waited_before_the_consumer(wire: Wire) -> None:
    wire.queue("work")
    wire.send("work", "a", "b")
    wire.consume("work")
    while len(wire.messages) < 2:
        assert readable(wire, 5), f"silent after {wire.bodies}"
        wire.drain(0)


def test_the_socket_is_readable_when_acknowledging_makes_room(wire: Wire) -> None:
    wire.queue("work")
    wire.send("work", *map(str, range(30)))
    wire.consume("work", prefetch=3)
    seen = 0
    while seen < 30:
        assert readable(wire, 5), f"silent after {seen} messages"
        wire.drain(0)
        seen += len(wire.messages)
        wire.ack(*wire.messages)
        wire.messages.clear()


def test_a_waiting_consumer_is_woken_within_milliseconds(connect: Callable[[], Wire]) -> None:
    wire, other = connect(), connect()
    wire.queue("work")
    wire.consume("work")
    confirmed = confirms_of(other.channel)
    lates: list[float] = []
    for number in range(1, 21):
        other.publish(b"x", "", "work")
        other.drain_until(lambda number=number: number in confirmed, "the confirm")
        start = time.monotonic()
        wire.ack(*wire.receive(1))
        lates.append(time.monotonic() - start)
    assert sorted(lates)[10] < 0.05, lates


def readable(wire: Wire, timeout_s: float) -> bool:
    """Wait as the runner does: for the socket, or until the transport has something to do by itself."""
    connection = wire.connection.connection
    next_event_s = getattr(connection, "next_event_s", None)
    end = time.monotonic() + timeout_s
    while True:
        left = max(0.0, end - time.monotonic())
        due = next_event_s() if next_event_s else None
        if select.select([connection.sock], [], [], left if due is None else min(left, due))[0]:
            return True
        if time.monotonic() >= end:
            return False
        wire.drain(0)
        if wire.messages:
            return True
