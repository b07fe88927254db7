"""What comes back from a lease, and who is a suspect then."""

import time
from typing import Any

import pytest

from ebats.pipelines import lease as rules
from ebats.runner.roles.consumer import Suspects
from tests.unit.core.long import LongBench, long_shop
from tests.unit.core.process import Process
from tests.unit.core.shop import delivery, envelope_of, pipeline
from tests.unit.core.tasks import fine


def test_a_lease_that_comes_back_while_its_run_is_alive_is_parked_anew() -> None:
    bench, one = LongBench(), delivery()
    (run,) = bench.start(one)
    bench.leases.attend()
    lost = bench.filled()
    back = bench.back()
    bench.held.runs = []
    bench.take(back)
    assert not bench.held.runs
    assert bench.acknowledged.deliveries == [one]
    assert bench.queues.deleted == [lost]
    bench.leases.attend()
    kept = bench.filled()
    assert bench.acknowledged.deliveries == [one, back]
    bench.engine.execute(run)
    assert kept in bench.queues.deleted


def test_a_lease_that_comes_back_when_its_run_is_over_is_acknowledged() -> None:
    bench, one = LongBench(), delivery()
    (run,) = bench.start(one)
    bench.leases.attend()
    bench.filled()
    bench.engine.execute(run)
    back = bench.back()
    bench.held.runs = []
    bench.take(back)
    assert not bench.held.runs
    assert bench.acknowledged.deliveries == [one, back]


def test_a_lease_that_comes_back_before_its_confirm_is_not_taken_for_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench, one = LongBench(), delivery()
    bench.start(one)
    bench.leases.attend()
    back = bench.back()
    bench.take(back)
    bench.filled()
    assert not bench.acknowledged.deliveries
    now = time.monotonic()
    monkeypatch.setattr("ebats.runner.roles.leases.time.monotonic", lambda: now + 40)
    bench.leases.attend()
    assert len(bench.queues.fillings) == 2
    bench.filled()
    assert bench.acknowledged.deliveries == [one, back]


def test_a_name_that_is_used_again_is_its_new_leases_own() -> None:
    bench = LongBench()
    (first,) = bench.start(delivery())
    bench.leases.attend()
    name = bench.filled()
    (second,) = bench.start(delivery(tag=2))
    bench.queues.spares = [name]
    bench.leases.attend()
    assert bench.filled() == name
    bench.engine.execute(first)
    back = bench.back()
    bench.held.runs = []
    bench.take(back)
    assert not bench.held.runs
    assert back not in bench.acknowledged.deliveries
    bench.engine.execute(second)
    assert back in bench.acknowledged.deliveries


def test_what_comes_back_from_the_lease_of_another_process_runs_and_the_queue_is_deleted() -> None:
    dead = LongBench()
    dead.start(delivery(headers={"ebats-attempt": 2}))
    dead.leases.attend()
    back = dead.back()
    bench = LongBench()
    (run,) = bench.start(back)
    assert (run.envelope.attempt, run.envelope.cut, run.envelope.id) == (2, 1, "m1")
    assert bench.queues.deleted == [dead.queues.fillings[0].queue]
    bench.leases.attend()
    assert bench.queues.fillings[0].message.headers["ebats-cut"] == 2


def test_it_comes_back_to_the_queue_that_it_runs_from() -> None:
    bench = LongBench()
    bench.start(delivery("shop.tasks", "ship@slow", "shop.slow"))
    bench.leases.attend()
    assert bench.back().key == "ship@slow"


def test_a_hand_back_keeps_the_count_and_deletes_the_lease() -> None:
    bench = LongBench()
    (run,) = bench.start(delivery(headers={"ebats-cut": 1}))
    bench.leases.attend()
    queue = bench.filled()
    bench.engine.hand_back(run)
    (message,) = bench.published.messages
    assert (message.exchange, message.key, message.headers["ebats-cut"]) == ("", "shop.demo", 1)
    assert not bench.queues.deleted
    bench.published.confirm()
    assert bench.queues.deleted == [queue]


# Suspects.


@pytest.mark.parametrize(
    ("headers", "redelivered", "suspect"),
    [
        ({"ebats-cut": 1}, False, False),
        ({"ebats-cut": 2}, False, True),
        ({"ebats-cut": 1, "x-delivery-count": 1}, True, True),
        ({"ebats-cut": "many"}, False, False),
        ({"x-delivery-count": 1}, True, False),
        ({"x-delivery-count": 2}, True, True),
    ],
)
def test_who_was_cut_short_twice_is_a_suspect(
    headers: dict[str, Any], redelivered: bool, suspect: bool
) -> None:
    one = delivery("shop.tasks", "ship", headers=headers, redelivered=redelivered)
    assert envelope_of(one, pipeline()).is_suspect() is suspect


def test_a_count_that_a_publisher_wrote_counts_for_nothing() -> None:
    one = delivery("shop.events", "counted", "shop.fast", headers={"ebats-cut": 9})
    assert not envelope_of(one, pipeline()).is_suspect()


def test_the_lane_parks_what_stays_a_suspect() -> None:
    bench = LongBench()
    headers = {"ebats-task": "close_order", "ebats-queue": "shop.demo", "ebats-crashes": 3}
    bench.start(delivery("", "shop.suspects", "shop.suspects", headers=headers))
    bench.leases.attend()
    back = bench.back()
    assert (back.key, back.headers["ebats-crashes"]) == ("close_order", 3)
    process = Process(fine)
    suspects = Suspects(process.worker, process.spec)
    envelope = envelope_of(back, long_shop())
    assert not suspects.admit(envelope, long_shop().tasks["close_order"])
    (message,) = process.publisher.messages
    assert (message.key, message.headers["ebats-crashes"]) == ("shop.suspects", 3)
    assert process.parent.told == [{"suspect": "m1"}]


def test_waiting_and_running_unparked_stay_below_the_limit() -> None:
    broker = long_shop().broker
    limit_s = broker.consumer_timeout_s
    assert limit_s is not None
    # RabbitMQ looks once a minute.
    assert rules.waiting_s(broker) + rules.longest_s(limit_s) + 60 < limit_s
    assert rules.held_s(limit_s) + rules.renewed_s(limit_s) < limit_s
    # A broker that is away for two minutes finds the leases alive.
    assert rules.lease_s(limit_s) - rules.renewed_s(limit_s) > 120
