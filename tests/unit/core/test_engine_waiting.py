"""What doesn't run here, or not now."""

import pytest

from ebats.runner.execution.record import Log
from ebats.runner.roles import engine as engine_module
from ebats.runner.roles import settler as settler_module
from tests.unit.core.shop import Bench, again, death, delivery
from tests.unit.core.tasks import fail, fine
from tests.waiting import wait_until

# Unknown ones, early ones, unroutable ones.


def test_an_unknown_message_waits_uncounted_for_ten_minutes_and_is_dead_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = Bench()
    now = 1_000.0
    monkeypatch.setattr(engine_module.time, "time", lambda: now)
    one = delivery("shop.events", "nobody", "shop.demo")
    rounds = 0
    while bench.take(one) or bench.published.messages[-1].exchange != "shop.dead":
        message = bench.published.messages[-1]
        assert (message.exchange, message.key) == ("shop.delay.10s", "@demo")
        bench.published.confirm()
        now += 10.0
        rounds += 1
        one = again(message, "shop.demo")
        one.exchange = "shop.tasks"
        one.headers |= death("shop.delay.10s", "shop.delay.10s", "@demo")
    assert rounds == 61
    letter = bench.published.messages[-1]
    assert (letter.headers["ebats-reason"], letter.headers["ebats-attempt"]) == ("unknown", 1)
    assert (letter.headers["ebats-exchange"], letter.headers["ebats-key"]) == ("shop.events", "nobody")
    assert len(bench.lines.executions()) == 1
    warnings = [record for record in bench.lines.records() if isinstance(record, Log)]
    assert len(warnings) == 1


def test_keys_without_number_are_not_told_without_number() -> None:
    bench = Bench()
    for number in range(500):
        bench.take(delivery("shop.events", f"key{number}", "shop.demo"))
    assert len(bench.lines.records()) <= 100
    assert len(bench.published.messages) == 500


def test_a_message_that_left_its_rung_too_early_goes_round_and_is_no_attempt() -> None:
    bench = Bench(close_order=fine)
    rung = "shop.delay.10s.order_create.close_order"
    headers = death(rung, "shop.events", "order_create", original_expiration="100")
    bench.take(delivery("shop.tasks", "close_order", headers=headers))
    assert not bench.held.runs
    (message,) = bench.published.messages
    assert (message.exchange, message.key) == ("", rung)
    assert bench.engine.settler.counts == {"from_event_rungs": 1, "to_event_rungs": 1}


def test_an_unroutable_message_goes_out_again_and_is_not_acknowledged_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(settler_module, "_AGAIN_S", 0.01)
    bench = Bench(ship=fail)
    one = delivery("shop.tasks", "ship")
    bench.take(one)
    bench.execute()
    bench.published.refuse()
    assert not bench.acknowledged.deliveries
    wait_until(lambda: len(bench.published.messages) == 2)
    first, second = bench.published.messages
    assert first is second
    bench.published.confirm()
    assert bench.acknowledged.deliveries == [one]


# Counts.


def test_only_what_comes_from_a_rung_of_this_pipeline_for_the_first_time_is_counted() -> None:
    bench = Bench(ship=fine, close_order=fine)
    shared, other = death("shop.delay.90s", "shop.delay.90s", "ship"), death("their.queue")
    event = death("shop.delay.10s.order_create.close_order", "shop.events", "order_create")
    bench.take(delivery("shop.tasks", "ship", headers=shared))
    bench.take(delivery("shop.tasks", "ship", headers=shared, redelivered=True))
    bench.take(delivery("shop.tasks", "ship", headers=other))
    bench.take(delivery("shop.tasks", "close_order", headers=event))
    bench.take(delivery("shop.tasks", "ship"))
    assert (bench.engine.taken, bench.engine.from_rungs) == (5, 1)
    assert bench.engine.settler.counts == {"from_event_rungs": 1}
