"""What a delivery says about itself."""

import pytest

from ebats.runner.execution.delivery import Delivery
from ebats.runner.execution.reading import Split, read
from tests.unit.core.reading import OURS, ROUTES, origin, runs, unknown
from tests.unit.core.shop import delivery

# By exchange and key.


def test_on_the_tasks_exchange_the_key_is_the_task() -> None:
    envelope, tasks = runs(delivery("shop.tasks", "ship"))
    assert tasks == ["ship"]
    assert origin(envelope) == (None, "shop.tasks", "ship")
    assert (envelope.id, envelope.attempt, envelope.queue) == ("m1", 1, "shop.demo")


def test_a_header_does_not_choose_another_task_than_the_key() -> None:
    _, tasks = runs(delivery("shop.tasks", "ship", headers={"ebats-task": "close_order"}))
    assert tasks == ["ship"]


def test_on_the_events_exchange_the_key_is_the_event_and_its_undelayed_tasks_on_the_queue_run() -> None:
    envelope, tasks = runs(delivery("shop.events", "order_paid", "shop.demo"))
    assert tasks == ["close_order", "ship"]
    assert origin(envelope) == ("order_paid", "shop.events", "order_paid")
    assert runs(delivery("shop.events", "order_create", "shop.report"))[1] == ["report"]


def test_on_another_exchange_the_patterns_that_match_decide() -> None:
    envelope, tasks = runs(delivery("shop.orders", "us.1.WAIT", "shop.report"))
    assert tasks == ["report"]
    assert origin(envelope) == ("wanted", "shop.orders", "us.1.WAIT")


def test_a_message_that_is_several_events_gets_a_copy_for_each_task_of_each() -> None:
    meaning = read(delivery("shop.orders", "eu.1.WAIT", "shop.report"), ROUTES)
    assert isinstance(meaning, Split)
    assert [(envelope.event, task.name) for envelope, task in meaning.copies] == [
        ("wanted", "report"),
        ("all_eu", "report"),
    ]
    assert len({envelope.id for envelope, _ in meaning.copies}) == 1


def test_a_message_straight_to_the_queue_of_one_task_is_for_it() -> None:
    envelope, tasks = runs(delivery("", "shop.report", "shop.report", message_id=None, body=b"x"))
    assert tasks == ["report"]
    assert origin(envelope) == (None, "", "shop.report")


def test_a_message_straight_to_a_queue_of_several_tasks_names_its_task() -> None:
    assert runs(delivery("", "shop.demo", headers={"ebats-task": "ship"}))[1] == ["ship"]
    assert "ebats-task" in unknown(delivery("", "shop.demo")).why


@pytest.mark.parametrize(
    "one",
    [
        delivery("shop.tasks", "nobody"),
        delivery("shop.events", "nobody"),
        delivery("shop.events", "order_create", "shop.demo"),
        delivery("elsewhere", "order_paid"),
        delivery("", "shop.demo", headers={"ebats-task": "nobody"}),
        delivery("", "shop.demo", headers={"ebats-event": "nobody"}),
        delivery("shop.tasks", "@demo", headers={"ebats-exchange": "elsewhere", "ebats-key": "a"}),
    ],
)
def test_what_the_file_does_not_know_is_unknown_and_never_something_else(one: Delivery) -> None:
    assert unknown(one).envelope.id == "m1"


def test_a_header_that_is_no_name_names_nothing() -> None:
    assert runs(delivery("", "shop.report", "shop.report", headers={"ebats-task": 5}))[1] == ["report"]


# What headers of ours may say.


@pytest.mark.parametrize(
    ("exchange", "key"), [("", "shop.demo"), ("shop.tasks", "@demo"), ("shop.tasks", "ship")]
)
def test_headers_carry_origin_and_attempt_of_a_message_that_was_handed_on(exchange: str, key: str) -> None:
    envelope, tasks = runs(delivery(exchange, key, headers=OURS | {"ebats-task": "ship"}))
    assert tasks == ["ship"]
    assert origin(envelope) == ("order_paid", "shop.events", "order_paid")
    assert (envelope.attempt, envelope.first, envelope.last) == (3, 5.0, 9.0)


def test_a_message_that_comes_by_an_event_is_new_whatever_its_headers_say() -> None:
    headers = OURS | {"ebats-crashes": 2, "ebats-task": "ship", "ebats-queue": "x", "ebats-event": "counted"}
    envelope, tasks = runs(delivery("shop.events", "order_create", "shop.report", headers=headers))
    assert tasks == ["report"]
    assert origin(envelope) == ("order_create", "shop.events", "order_create")
    assert (envelope.attempt, envelope.first, envelope.last, envelope.crashes) == (1, None, None, 0)
    assert envelope.queue == "shop.report"


def test_a_handed_back_delivery_of_an_event_runs_its_tasks_on_this_queue() -> None:
    assert runs(delivery("", "shop.demo", headers=OURS))[1] == ["close_order", "ship"]


def test_a_message_that_waited_for_its_runner_is_known_by_the_exchange_and_key_that_it_came_by() -> None:
    one = delivery("shop.tasks", "@report", "shop.report", headers={"ebats-exchange": "shop.orders"})
    one.headers["ebats-key"] = "us.1.WAIT"
    envelope, tasks = runs(one)
    assert (envelope.event, tasks) == ("wanted", ["report"])


def test_only_a_suspect_says_which_queue_it_came_from() -> None:
    headers = {"ebats-queue": "shop.report", "ebats-task": "ship", "ebats-crashes": 2}
    suspect, _ = runs(delivery("", "shop.suspects", "shop.suspects", headers=headers))
    assert (suspect.queue, suspect.crashes) == ("shop.report", 2)
    other, _ = runs(delivery("", "shop.demo", "shop.demo", headers=headers))
    assert other.queue == "shop.demo"


def test_a_foreign_message_without_an_id_gets_one_of_its_own() -> None:
    first, _ = runs(delivery(message_id=None))
    second, _ = runs(delivery(message_id=None))
    assert first.id != second.id
    assert len(first.id) == 32
    assert runs(delivery(message_id=""))[0].id


@pytest.mark.parametrize("value", ["x", None, [], {}, float("nan"), float("inf"), "nan", b"\xff", -5, 0])
def test_a_count_that_is_none_is_the_first(value: object) -> None:
    envelope, _ = runs(delivery(headers={"ebats-attempt": value, "ebats-crashes": value}))
    assert envelope.attempt == 1
    assert envelope.crashes == 0


def test_a_count_that_no_broker_could_carry_is_bounded() -> None:
    envelope, _ = runs(delivery(headers={"ebats-attempt": 2**63, "ebats-crashes": "4611686018427387904"}))
    assert envelope.attempt == envelope.crashes == 1_000_000


@pytest.mark.parametrize("value", ["nan", float("inf"), "soon", None])
def test_a_time_that_is_none_is_unknown(value: object) -> None:
    envelope, _ = runs(delivery(headers={"ebats-unknown-since": value, "ebats-last": value}))
    assert envelope.unknown_since is None
    assert envelope.last is None


def test_a_name_that_a_broker_could_not_have_is_none() -> None:
    envelope, _ = runs(delivery(headers={"ebats-key": "k" * 256, "ebats-event": "\ud800"}))
    assert origin(envelope) == (None, "shop.tasks", "close_order")
