"""What a pipeline declares, as a value."""

import json

import pytest

from ebats.pipelines.ladder import HOPS_MS, format_duration
from ebats.pipelines.model import Event
from ebats.pipelines.stored_topology import from_json, to_json
from ebats.pipelines.topology import (
    Binding,
    derive,
    event_rung_name,
    exchange_of,
    rung_name,
    shared_delays_ms,
)
from tests.unit.core.shop import SHOP, pipeline

TOPOLOGY = derive(pipeline())
QUEUES = {queue.name: dict(queue.arguments) for queue in TOPOLOGY.queues}
EXCHANGES = {exchange.name: exchange for exchange in TOPOLOGY.exchanges}

AT_LEAST_ONCE = {"x-dead-letter-strategy": "at-least-once", "x-overflow": "reject-publish"}


def test_every_distinct_delay_has_one_rung_whatever_the_task() -> None:
    assert shared_delays_ms(pipeline()) == tuple(sorted({1_000, 3_000, 10_000, 90_000, *HOPS_MS}))
    shared = {f"shop.delay.{format_duration(delay_ms)}" for delay_ms in (90_000, *HOPS_MS)}
    assert {queue.name for queue in TOPOLOGY.of_kind("rung")} == {
        *shared,
        "shop.delay.10s.order_create.close_order",
    }


def test_two_ways_of_writing_a_delay_share_a_rung() -> None:
    shop = pipeline(SHOP.replace("retry: [90s]", "retry: [1m30s, 1000ms]"))
    assert shared_delays_ms(shop) == tuple(sorted({90_000, *HOPS_MS}))


def test_a_rung_is_a_quorum_queue_that_dead_letters_at_least_once_to_the_tasks_by_a_queue_ttl() -> None:
    assert QUEUES["shop.delay.90s"] == {
        "x-queue-type": "quorum",
        "x-message-ttl": 90_000,
        "x-dead-letter-exchange": "shop.tasks",
        **AT_LEAST_ONCE,
    }
    assert EXCHANGES["shop.delay.90s"].type == "fanout"
    assert Binding("shop.delay.90s", "", "shop.delay.90s") in TOPOLOGY.bindings


def test_a_delayed_task_of_an_event_waits_in_a_rung_of_its_own_and_leaves_it_by_its_name() -> None:
    name = "shop.delay.10s.order_create.close_order"
    assert QUEUES[name] == QUEUES["shop.delay.10s"] | {"x-dead-letter-routing-key": "close_order"}
    assert name not in EXCHANGES
    assert [binding for binding in TOPOLOGY.bindings if binding.queue == name] == [
        Binding("shop.events", "order_create", name)
    ]
    assert Binding("shop.events", "order_create", "shop.demo") not in TOPOLOGY.bindings


def test_a_work_queue_has_a_crash_limit_and_dead_letters_at_least_once() -> None:
    assert QUEUES["shop.demo"] == {
        "x-queue-type": "quorum",
        "x-delivery-limit": 20,
        "x-dead-letter-exchange": "shop.dead",
        **AT_LEAST_ONCE,
    }


def test_a_classic_queue_has_no_arguments_that_it_would_refuse() -> None:
    shop = pipeline(SHOP.replace("demo: {crashes: 3}", "demo: {type: classic}"))
    queues = {queue.name: dict(queue.arguments) for queue in derive(shop).queues}
    assert queues["shop.demo"] == {"x-queue-type": "classic"}


@pytest.mark.parametrize("name", ["shop.dead", "shop.suspects", "shop.topology"])
def test_what_people_look_into_keeps_its_messages_after_many_looks(name: str) -> None:
    assert QUEUES[name]["x-delivery-limit"] == 1_000_000
    assert QUEUES[name]["x-queue-type"] == "quorum"


def test_a_task_is_addressed_by_its_name_and_a_queue_by_an_at_sign() -> None:
    tasks = {binding for binding in TOPOLOGY.bindings if binding.exchange == "shop.tasks"}
    assert tasks == {
        Binding("shop.tasks", "close_order", "shop.demo"),
        Binding("shop.tasks", "ship", "shop.demo"),
        Binding("shop.tasks", "report", "shop.report"),
        Binding("shop.tasks", "count", "shop.fast"),
        Binding("shop.tasks", "@demo", "shop.demo"),
        Binding("shop.tasks", "@report", "shop.report"),
        Binding("shop.tasks", "@fast", "shop.fast"),
    }


def test_two_tasks_of_an_event_on_one_queue_are_one_binding() -> None:
    paid = [binding for binding in TOPOLOGY.bindings if binding.key == "order_paid"]
    assert paid == [
        Binding("shop.events", "order_paid", "shop.demo"),
        Binding("shop.events", "order_paid", "shop.report"),
    ]


def test_an_event_of_another_exchange_is_bound_there_by_its_pattern() -> None:
    assert Binding("shop.orders", "*.*.WAIT", "shop.report") in TOPOLOGY.bindings
    assert EXCHANGES["shop.orders"].type == "topic"


def test_what_no_queue_takes_ends_in_the_dead_letters() -> None:
    assert dict(EXCHANGES["shop.tasks"].arguments) == {"alternate-exchange": "shop.dead"}
    assert dict(EXCHANGES["shop.events"].arguments) == {"alternate-exchange": "shop.unrouted"}
    assert Binding("shop.dead", "", "shop.dead") in TOPOLOGY.bindings
    assert Binding("shop.unrouted", "", "shop.dead") in TOPOLOGY.bindings


def test_unrouted_drop_leaves_out_one_binding_and_no_argument() -> None:
    dropping = derive(pipeline(f"unrouted: drop\n{SHOP}"))
    assert set(TOPOLOGY.bindings) - set(dropping.bindings) == {Binding("shop.unrouted", "", "shop.dead")}
    assert dropping.queues == TOPOLOGY.queues
    assert dropping.exchanges == TOPOLOGY.exchanges


def test_what_a_user_may_tune_is_no_argument() -> None:
    tuned = SHOP.replace("{crashes: 3}", "{crashes: 9, ack: early}").replace("timeout: 30s", "timeout: 9s")
    assert derive(pipeline(tuned)) == TOPOLOGY


def test_every_binding_is_between_what_is_declared() -> None:
    assert {binding.exchange for binding in TOPOLOGY.bindings} <= EXCHANGES.keys()
    assert {binding.queue for binding in TOPOLOGY.bindings} <= QUEUES.keys()
    assert len(TOPOLOGY.bindings) == len(set(TOPOLOGY.bindings))


def test_the_rung_where_unknown_messages_wait_is_always_there() -> None:
    bare = pipeline('{version: 1, name: x, tasks: {a: {python: "a:b"}}}')
    names = {queue.name for queue in derive(bare).queues}
    assert "x.delay.10s" in names


def test_a_topology_comes_back_from_its_json_as_it_was() -> None:
    assert from_json(to_json(TOPOLOGY)) == TOPOLOGY
    assert derive(pipeline()) == TOPOLOGY


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        json.dumps({"version": 2}),
        json.dumps({"version": 1}),
        json.dumps({"version": 1, "exchanges": [1], "queues": [], "bindings": []}),
        b"\xff",
    ],
)
def test_what_is_no_topology_of_ours_is_refused_with_one_error(text: str | bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_json(text)


def test_names_on_the_broker_are_those_of_the_page() -> None:
    shop = pipeline()
    event: Event = shop.events["order_create"]
    assert rung_name(shop, 5_000) == "shop.delay.5s"
    assert event_rung_name(shop, event, event.tasks[0]) == "shop.delay.10s.order_create.close_order"
    assert exchange_of(shop, event) == "shop.events"
    assert exchange_of(shop, shop.events["wanted"]) == "shop.orders"


def test_each_clock_has_a_queue_that_keeps_its_last_tick_and_other_producers_have_none() -> None:
    producers = """
producers:
  nightly: {cron: "0 3 * * *", event: order_create}
  boot: {at_start: true, event: order_create}
  gateway: {http: {}}
  feed: {python: "shop.feed:watch"}
"""
    shop = derive(pipeline(SHOP + producers))
    kept = shop.of_kind("ticks")
    assert [queue.name for queue in kept] == ["shop.ticks.nightly", "shop.ticks.boot"]
    assert {queue.arguments for queue in kept} == {queue.arguments for queue in shop.of_kind("topology")}
    assert shop.bindings == TOPOLOGY.bindings
    assert not derive(pipeline(SHOP)).of_kind("ticks")
