"""Conformance: rungs, that is waiting on the broker, and what a message says when it comes back."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.integration.wire import (
    Wire,
    bodies,
    delivery_count,
    headers,
    rung_arguments,
    tag,
    work_arguments,
)


@pytest.fixture
def ladder(wire: Wire) -> Wire:
    """A work queue `work` for the task `ship`, dead letters, and a rung of 400 ms, as a pipeline has them."""
    wire.fanout_to_queue("dead")
    wire.exchange("tasks", "direct", alternate_exchange="dead")
    wire.queue("work", work_arguments("dead"))
    wire.channel.queue_bind("work", "tasks", "ship")
    wire.fanout_to_queue("delay.400ms", rung_arguments("tasks", 400))
    return wire


def test_a_rung_gives_back_with_the_key_kept_and_never_early(ladder: Wire) -> None:
    ladder.consume("work")
    start = time.monotonic()
    ladder.publish(b"x", "delay.400ms", "ship", headers={"a": 1}, message_id="m1")
    ladder.wait_ready("delay.400ms", 1)
    (message,) = ladder.receive(1)
    waited = time.monotonic() - start
    assert 0.4 <= waited < 2
    info = message.delivery_info
    assert (info["exchange"], info["routing_key"], info["redelivered"]) == ("tasks", "ship", False)
    assert headers(message)["a"] == 1
    assert message.properties["message_id"] == "m1"
    assert message.properties["delivery_mode"] == 2
    assert delivery_count(message) == 0


def test_a_message_from_a_rung_tells_where_it_waited(ladder: Wire) -> None:
    ladder.publish(b"x", "delay.400ms", "ship")
    found = headers(ladder.get("work"))
    (death,) = found["x-death"]
    assert abs((datetime.now(UTC).replace(tzinfo=None) - death.pop("time")).total_seconds()) < 10
    assert death == {
        "reason": "expired",
        "queue": "delay.400ms",
        "exchange": "delay.400ms",
        "routing-keys": ["ship"],
        "count": 1,
    }
    assert found["x-first-death-reason"] == "expired"
    assert found["x-first-death-queue"] == found["x-first-death-exchange"] == "delay.400ms"


def test_one_rung_serves_several_queues(ladder: Wire) -> None:
    ladder.queue("other")
    ladder.channel.queue_bind("other", "tasks", "bill")
    for key in ("ship", "bill", "bill"):
        ladder.publish(key.encode(), "delay.400ms", key)
    ladder.wait_ready("work", 1)
    ladder.wait_ready("other", 2)


def test_a_rung_keeps_the_order(ladder: Wire) -> None:
    ladder.consume("work", prefetch=1000)
    for number in range(200):
        ladder.publish(str(number).encode(), "delay.400ms", "ship")
    assert bodies(ladder.receive(200)) == [str(number) for number in range(200)]


def test_a_returned_message_is_routed_when_it_is_due(ladder: Wire) -> None:
    ladder.publish(b"x", "delay.400ms", "bill")
    ladder.queue("late")
    ladder.channel.queue_bind("late", "tasks", "bill")
    ladder.wait_ready("late", 1)


def test_what_comes_back_without_a_route_goes_to_the_alternate_exchange(ladder: Wire) -> None:
    ladder.publish(b"removed", "delay.400ms", "removed")
    ladder.publish(b"here", "delay.400ms", "ship")
    message = ladder.get("dead")
    assert bodies([message]) == ["removed"]
    assert message.delivery_info["exchange"] == "tasks"
    assert message.delivery_info["routing_key"] == "removed"
    ladder.wait_ready("work", 1)


def test_a_dead_letter_routing_key_replaces_the_key(ladder: Wire) -> None:
    ladder.exchange("events", "topic")
    ladder.queue("delay.event", rung_arguments("tasks", 100, key="ship"))
    ladder.channel.queue_bind("delay.event", "events", "order.*")
    ladder.publish(b"x", "events", "order.create")
    message = ladder.get("work")
    assert message.delivery_info["exchange"] == "tasks"
    assert message.delivery_info["routing_key"] == "ship"
    (death,) = headers(message)["x-death"]
    assert (death["exchange"], death["routing-keys"]) == ("events", ["order.create"])


def test_a_rung_may_lead_to_a_queue_by_its_name(wire: Wire) -> None:
    wire.queue("work")
    wire.queue("rung", rung_arguments("", 100, key="work"))
    wire.publish(b"x", "", "rung")
    message = wire.get("work")
    assert (message.delivery_info["exchange"], message.delivery_info["routing_key"]) == ("", "work")


def test_a_waiting_message_outlives_every_connection(connect: Callable[[], Wire]) -> None:
    wire = connect()
    wire.queue("work")
    wire.queue("rung", rung_arguments("", 700, key="work"))
    wire.send("rung", "x")
    wire.close()
    time.sleep(1)  # nobody is connected when it is due
    assert bodies([connect().get("work")]) == ["x"]


def test_a_publishers_expiration_cuts_the_wait_short_and_shows(ladder: Wire) -> None:
    ladder.queue("delay.long", rung_arguments("tasks", 60_000))
    ladder.publish(b"x", "", "delay.long", expiration="100")
    ladder.channel.queue_bind("work", "tasks", "delay.long")
    message = ladder.get("work", deadline_s=5)
    assert "expiration" not in message.properties
    (death,) = headers(message)["x-death"]
    assert (death["reason"], death["original-expiration"]) == ("expired", "100")


def test_an_expiration_longer_than_the_rung_changes_nothing(ladder: Wire) -> None:
    ladder.publish(b"x", "delay.400ms", "ship", expiration="60000")
    message = ladder.get("work", deadline_s=5)
    assert "expiration" not in message.properties


def test_an_expired_message_leaves_a_work_queue_for_the_dead_letters(ladder: Wire) -> None:
    ladder.publish(b"x", "tasks", "ship", expiration="50")
    message = ladder.get("dead")
    (death,) = headers(message)["x-death"]
    assert (death["reason"], death["queue"], death["original-expiration"]) == ("expired", "work", "50")


def test_a_rejected_message_is_a_dead_letter_with_its_history(ladder: Wire) -> None:
    ladder.publish(b"x", "delay.400ms", "ship", message_id="m1")
    ladder.channel.basic_reject(tag(ladder.get("work")), requeue=False)
    message = ladder.get("dead")
    latest, first = headers(message)["x-death"]
    assert summary(latest) == ("rejected", "work", "tasks", ["ship"], 1)
    assert summary(first) == ("expired", "delay.400ms", "delay.400ms", ["ship"], 1)
    assert headers(message)["x-first-death-queue"] == "delay.400ms"
    assert message.delivery_info["exchange"] == "dead"
    assert message.delivery_info["routing_key"] == "ship"
    assert message.properties["message_id"] == "m1"


def test_a_message_over_the_delivery_limit_is_a_dead_letter(wire: Wire) -> None:
    wire.fanout_to_queue("dead")
    wire.queue("work", work_arguments("dead", limit=20))
    wire.publish(b"poison", "", "work", message_id="m1")
    for count in range(21):
        message = wire.get("work")
        assert (delivery_count(message), message.delivery_info["redelivered"]) == (count, count > 0)
        wire.channel.basic_reject(tag(message), requeue=True)
    message = wire.get("dead")
    assert wire.channel.basic_get("work") is None
    (death,) = headers(message)["x-death"]
    assert summary(death) == ("delivery_limit", "work", "", ["work"], 1)
    assert headers(message)["x-first-death-reason"] == "delivery_limit"
    assert message.properties["message_id"] == "m1"


def test_a_letter_may_be_looked_at_more_often_than_any_default_limit(wire: Wire) -> None:
    wire.fanout_to_queue("dead", {"x-queue-type": "quorum", "x-delivery-limit": 1_000_000})
    wire.publish(b"letter", "dead", "work")
    for _ in range(30):
        wire.channel.basic_reject(tag(wire.get("dead")), requeue=True)
    wire.wait_ready("dead", 1)


def test_each_round_through_a_rung_starts_anew_when_the_old_history_is_stripped(
    ladder: Wire,
) -> None:
    for _ in range(3):
        ladder.publish(b"x", "delay.400ms", "ship", headers={"ebats-attempt": 2})
        message = ladder.get("work")
        assert [death["count"] for death in headers(message)["x-death"]] == [1]
        ladder.ack(message)


def summary(death: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(death[key] for key in ("reason", "queue", "exchange", "routing-keys", "count"))
