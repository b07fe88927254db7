"""A task on a queue that isn't its default: it stays there."""

from typing import Any

import pytest

from ebats.pipelines.routes import Routes, Rung
from ebats.pipelines.topology import derive
from ebats.runner.execution import settle
from ebats.runner.execution.envelope import Envelope
from ebats.runner.execution.outcome import Failed, Retry
from ebats.runner.execution.reading import Runs, Split, Unknown, read
from tests.unit.core.shop import Bench, again, death, delivery, envelope_of, pipeline
from tests.unit.core.tasks import fine

SHOP = pipeline("""
version: 1
name: shop
queues: {fast: , slow: , other: }
tasks:
  ship: {python: "t:ship", queues: [fast, slow], retry: [1s]}
  mail: {python: "t:mail", queues: [fast, slow]}
  only: {python: "t:only", queues: [other]}
events:
  paid: {tasks: [{task: ship, queue: slow}, {task: mail, queue: slow}]}
  later: {tasks: [{task: ship, queue: slow, delay: 5s}]}
""")
ROUTES = Routes(SHOP)
SHIP = SHOP.tasks["ship"]
FAILED = Failed("exception", "E", "x")


def on_slow(key: str = "ship@slow", **more: Any) -> Envelope:
    return envelope_of(delivery("shop.tasks", key, "shop.slow", **more), SHOP)


def test_retries_hops_and_copies_lead_back_to_the_queue() -> None:
    envelope = on_slow()
    messages = [
        settle.retry(SHOP, envelope, SHIP, Retry(1_000), FAILED, 1.0),
        settle.retry(SHOP, envelope, SHIP, Retry(7_000, chosen=True), FAILED, 1.0),
        settle.hop(SHOP, envelope, SHIP, 5.0),
        settle.one_task(SHOP, envelope, SHIP),
    ]
    assert [message.key for message in messages] == ["ship@slow"] * 4
    bindings = {(binding.exchange, binding.key, binding.queue) for binding in derive(SHOP).bindings}
    assert ("shop.tasks", "ship@slow", "shop.slow") in bindings
    assert settle.hand_back(envelope, SHIP).key == "shop.slow"


def test_on_its_default_queue_the_key_is_the_tasks_name() -> None:
    envelope = envelope_of(delivery("shop.tasks", "ship", "shop.fast"), SHOP)
    assert settle.retry(SHOP, envelope, SHIP, Retry(1_000), FAILED, 1.0).key == "ship"


def test_on_a_queue_that_is_not_its_own_it_goes_back_to_its_default() -> None:
    headers = {"ebats-task": "ship"}
    envelope = envelope_of(delivery("", "shop.other", "shop.other", headers=headers), SHOP)
    assert settle.retry(SHOP, envelope, SHIP, Retry(1_000), FAILED, 1.0).key == "ship"


def test_a_suspect_comes_back_from_the_lane_to_its_queue() -> None:
    message = settle.suspect(SHOP, on_slow(), SHIP, 1)
    back = envelope_of(again(message, "shop.suspects"), SHOP)
    assert back.queue == "shop.slow"
    assert settle.retry(SHOP, back, SHIP, Retry(1_000), FAILED, 1.0).key == "ship@slow"


def test_the_broker_tells_of_a_delayed_event_on_a_chosen_queue() -> None:
    rung = "shop.delay.5s.later.ship@slow"
    assert rung in {queue.name for queue in derive(SHOP).queues}
    assert ROUTES.rung(rung) == Rung(5_000, "later")
    envelope = on_slow(headers=death(rung, "shop.events", "later"))
    assert (envelope.event, envelope.queue) == ("later", "shop.slow")


def test_two_tasks_of_an_event_on_a_queue_that_is_not_their_default() -> None:
    meaning = read(delivery("shop.events", "paid", "shop.slow"), ROUTES)
    assert isinstance(meaning, Runs)
    assert [task.name for task in meaning.tasks] == ["ship", "mail"]
    bench = Bench(SHOP, ship=fine, mail=fine)
    bench.take(delivery("shop.events", "paid", "shop.slow", redelivered=True))
    assert [message.key for message in bench.published.messages] == ["ship@slow", "mail@slow"]
    assert not isinstance(meaning, Split)


def test_a_queue_that_its_task_has_no_more_still_names_the_task() -> None:
    envelope = envelope_of(delivery("shop.tasks", "ship@gone", "shop.slow"), SHOP)
    assert settle.retry(SHOP, envelope, SHIP, Retry(1_000), FAILED, 1.0).key == "ship@slow"
    meaning = read(delivery("shop.tasks", "nobody@slow", "shop.slow"), ROUTES)
    assert isinstance(meaning, Unknown)
    assert settle.wait_unknown(SHOP, meaning.envelope, 1.0).headers["ebats-task"] == "nobody"


@pytest.mark.parametrize(("queue", "task"), [("fast", None), ("slow", None), ("other", "only")])
def test_only_a_queue_that_one_task_may_use_has_an_only_task(queue: str, task: str | None) -> None:
    only = ROUTES.only_task(f"shop.{queue}")
    assert (only.name if only else None) == task
