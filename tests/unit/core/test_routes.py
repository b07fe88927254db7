"""Which events and tasks an exchange, a key and a queue stand for."""

import pytest

from ebats.pipelines.routes import Routes, Rung
from tests.unit.core.shop import pipeline

ROUTES = Routes(pipeline())


def events(exchange: str, key: str) -> list[str]:
    return [event.name for event in ROUTES.events_of(exchange, key)]


def test_a_key_on_the_pipelines_own_exchange_is_an_event() -> None:
    assert events("shop.events", "order_paid") == ["order_paid"]
    assert events("shop.events", "nobody") == []


def test_an_event_of_another_exchange_is_none_of_the_own_ones() -> None:
    assert events("shop.events", "wanted") == []


def test_a_topic_exchange_matches_patterns_and_may_match_several() -> None:
    assert events("shop.orders", "us.17.WAIT") == ["wanted"]
    assert events("shop.orders", "eu.17.WAIT") == ["wanted", "all_eu"]
    assert events("shop.orders", "us.17.PAID") == []


def test_a_direct_exchange_takes_the_whole_key() -> None:
    assert events("shop.exact", "a") == ["direct"]
    assert events("shop.exact", "b") == []


def test_a_fanout_exchange_takes_any_key() -> None:
    assert events("shop.all", "whatever") == ["fan"]


def test_an_exchange_that_the_file_does_not_know_has_no_events() -> None:
    assert events("elsewhere", "order_paid") == []


def test_the_tasks_of_an_event_on_a_queue_are_its_undelayed_ones_there() -> None:
    def names(event: str, queue: str) -> list[str]:
        return [task.name for task in ROUTES.tasks_of(event, queue)]

    assert names("order_paid", "shop.demo") == ["close_order", "ship"]
    assert names("order_paid", "shop.report") == ["report"]
    assert names("order_create", "shop.demo") == []
    assert names("nobody", "shop.demo") == []


def test_only_a_queue_of_one_task_has_an_only_task() -> None:
    only = ROUTES.only_task("shop.report")
    assert only is not None
    assert only.name == "report"
    assert ROUTES.only_task("shop.demo") is None
    assert ROUTES.only_task("shop.suspects") is None


@pytest.mark.parametrize(
    ("queue", "rung"),
    [
        ("shop.delay.90s", Rung(90_000)),
        ("shop.delay.7m", Rung(420_000)),
        ("shop.delay.10s.order_create.close_order", Rung(10_000, "order_create")),
        ("shop.delay.10s.order_create", None),
        ("shop.delay.soon", None),
        ("shop.delay", None),
        ("other.delay.10s", None),
        ("other.delay.10s.order_create.close_order", None),
        ("shop.demo", None),
    ],
)
def test_a_rung_is_known_by_its_name_also_that_of_another_version(queue: str, rung: Rung | None) -> None:
    assert ROUTES.rung(queue) == rung
