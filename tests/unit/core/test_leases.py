"""When a message is parked, and what follows from each way in which that can go."""

import time

import pytest

from tests.unit.core.long import LongBench
from tests.unit.core.shop import delivery
from tests.unit.core.tasks import fail, fine


def test_who_has_been_held_for_a_third_of_the_limit_is_parked_and_then_acknowledged() -> None:
    bench, one = LongBench(), delivery(headers={"ebats-attempt": 3, "trace": "t"})
    bench.start(delivery(tag=2), age_s=590)
    bench.leases.attend()
    assert not bench.queues.fillings
    bench.start(one, age_s=601)
    bench.leases.attend()
    bench.leases.attend()
    (filling,) = bench.queues.fillings
    assert filling.queue.startswith("shop.lease.")
    assert dict(filling.arguments) == {
        "x-queue-type": "quorum",
        "x-message-ttl": 450_000,
        "x-dead-letter-exchange": "shop.tasks",
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
        "x-dead-letter-routing-key": "close_order",
    }
    message = filling.message
    assert (message.exchange, message.key, message.body) == ("", filling.queue, one.body)
    assert (message.headers["ebats-attempt"], message.headers["trace"]) == (3, "t")
    assert (message.headers["ebats-task"], message.headers["ebats-cut"]) == ("close_order", 1)
    assert not bench.acknowledged.deliveries
    bench.filled()
    assert bench.acknowledged.deliveries == [one]


def test_the_age_counts_from_the_delivery_whatever_the_machines_clock_is_set_to() -> None:
    bench = LongBench()
    (run,) = bench.start(delivery(), age_s=10)
    run.envelope.delivery.received = time.time() - 3600
    bench.leases.attend()
    assert not bench.queues.fillings
    (run,) = bench.start(delivery())
    run.started = time.monotonic()
    run.envelope.delivery.received = time.time() + 3600
    bench.leases.attend()
    assert len(bench.queues.fillings) == 1


@pytest.mark.parametrize(
    ("consumer", "task", "queue", "parks"),
    [
        ("consumer_timeout: 30m", "ship", "shop.demo", True),
        ("consumer_timeout: 30m", "report", "shop.demo", False),
        ("consumer_timeout: 30m", "ship", "shop.fast", False),
        ("consumer_timeout: none", "ship", "shop.demo", False),
        ("consumer_timeout: 2h", "ship", "shop.demo", False),
        ("consumer_timeout: none, declare: never", "ship", "shop.demo", False),
    ],
)
def test_only_who_may_run_into_the_limit_is_parked(consumer: str, task: str, queue: str, parks: bool) -> None:
    bench = LongBench(consumer, ship=fine, report=fine)
    bench.start(delivery("shop.tasks", task, queue), age_s=5000)
    bench.leases.attend()
    assert bool(bench.queues.fillings) is parks


def test_a_lease_is_replaced_in_time_and_the_old_one_deleted_after_that(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = LongBench()
    bench.start(delivery())
    bench.leases.attend()
    first = bench.filled()
    now = time.monotonic()
    monkeypatch.setattr("ebats.runner.roles.leases.time.monotonic", lambda: now + 149)
    bench.leases.attend()
    assert len(bench.queues.fillings) == 1
    monkeypatch.setattr("ebats.runner.roles.leases.time.monotonic", lambda: now + 151)
    bench.leases.attend()
    assert len(bench.queues.fillings) == 2
    assert not bench.queues.deleted
    assert bench.filled() != first
    assert bench.queues.deleted == [first]
    # The message that comes back is cut short once, however often its lease was replaced.
    assert [filling.message.headers["ebats-cut"] for filling in bench.queues.fillings] == [1, 1]


def test_the_end_of_a_run_is_settled_before_its_lease_is_deleted() -> None:
    bench, one = LongBench(close_order=fine, ship=fail), delivery("shop.tasks", "ship")
    (run,) = bench.start(one)
    bench.leases.attend()
    queue = bench.filled()
    bench.engine.execute(run)
    assert bench.published.messages[-1].exchange == "shop.delay.1s"
    assert "ebats-cut" not in bench.published.messages[-1].headers
    assert not bench.queues.deleted
    bench.published.confirm()
    assert bench.queues.deleted == [queue]
    # Once.
    assert bench.acknowledged.deliveries == [one]


@pytest.mark.parametrize("done", [True, False])
def test_a_run_that_ends_while_its_lease_is_on_the_way_is_acknowledged_and_the_lease_deleted(
    done: bool,
) -> None:
    bench, one = LongBench(), delivery()
    (run,) = bench.start(one)
    bench.leases.attend()
    bench.engine.execute(run)
    assert bench.acknowledged.deliveries == [one]
    queue = bench.filled(done=done)
    assert bench.queues.deleted == [queue]
    assert bench.acknowledged.deliveries == [one]


def test_a_run_that_has_been_settled_is_not_parked() -> None:
    bench, one = LongBench(close_order=fail), delivery()
    (run,) = bench.start(one)
    bench.engine.execute(run)
    bench.leases.attend()
    assert not bench.queues.fillings
    bench.published.confirm()
    assert bench.acknowledged.deliveries == [one]


def test_a_lease_that_fails_is_tried_again_under_another_name_and_the_message_held_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench, one = LongBench(), delivery()
    bench.start(one)
    bench.leases.attend()
    failed = bench.filled(done=False)
    # The broker may have done a part of it.
    assert bench.queues.deleted == [failed]
    assert not bench.acknowledged.deliveries
    bench.leases.attend()
    assert len(bench.queues.fillings) == 1
    now = time.monotonic()
    monkeypatch.setattr("ebats.runner.roles.leases.time.monotonic", lambda: now + 40)
    bench.leases.attend()
    assert bench.filled() != failed
    assert bench.acknowledged.deliveries == [one]


def test_two_tasks_that_share_a_delivery_have_a_lease_each() -> None:
    bench, one = LongBench(), delivery("shop.events", "order_paid", "shop.demo")
    first, second = bench.start(one)
    bench.leases.attend()
    assert {filling.message.headers["ebats-task"] for filling in bench.queues.fillings} == {
        "close_order",
        "ship",
    }
    queue = bench.filled(0)
    assert not bench.acknowledged.deliveries
    bench.engine.execute(second if second.task.name == "ship" else first)
    assert len(bench.acknowledged.deliveries) + len(bench.queues.deleted) == 1
    bench.filled(1)
    assert bench.acknowledged.deliveries == [one]
    bench.engine.execute(first if second.task.name == "ship" else second)
    assert queue in bench.queues.deleted
    assert len(bench.queues.deleted) == 2
    assert bench.acknowledged.deliveries == [one]
