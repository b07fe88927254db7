"""The messages that settle a run."""

import pytest

from ebats.runner.execution import settle
from ebats.runner.execution.outcome import Dead, Failed, Retry
from ebats.runner.execution.reading import Runs, Unknown, read
from tests.unit.core.messages import FAILED, KINDS, ROUTES, SHIP, SHOP, every_message, paid
from tests.unit.core.shop import again, death, delivery, envelope_of


def test_a_retry_goes_to_its_rung_with_the_tasks_name_and_counts() -> None:
    message = settle.retry(SHOP, paid(), SHIP, Retry(90_000), FAILED, 50.0)
    assert (message.exchange, message.key, message.body) == ("shop.delay.90s", "ship", b'{"a": 1}')
    assert message.headers == {
        "ebats-task": "ship",
        "ebats-event": "order_paid",
        "ebats-exchange": "shop.events",
        "ebats-key": "order_paid",
        "ebats-attempt": 2,
        "ebats-error": "shop.NoStock",
        "ebats-text": "none left",
        "ebats-first": 50.0,
        "ebats-last": 50.0,
    }


def test_over_all_attempts_the_id_and_the_first_time_stay() -> None:
    envelope = paid(message_id=None)
    first = settle.retry(SHOP, envelope, SHIP, Retry(90_000), FAILED, 50.0)
    back = again(first, "shop.demo")
    back.exchange, back.key = "shop.tasks", "ship"
    second = envelope_of(back, SHOP)
    assert (second.id, second.attempt) == (envelope.id, 2)
    third = settle.retry(SHOP, second, SHIP, Retry(90_000), FAILED, 60.0)
    assert third.properties["message_id"] == envelope.id
    assert (third.headers["ebats-first"], third.headers["ebats-last"]) == (50.0, 60.0)
    assert third.headers["ebats-attempt"] == 3


def test_a_dead_letter_tells_why_and_where_it_came_from() -> None:
    back = again(settle.retry(SHOP, paid(), SHIP, Retry(90_000), FAILED, 50.0), "shop.demo")
    back.exchange, back.key = "shop.tasks", "ship"
    message = settle.dead(SHOP, envelope_of(back, SHOP), SHIP, Dead("exhausted"), FAILED, 60.0)
    assert (message.exchange, message.key, message.body) == ("shop.dead", "ship", b'{"a": 1}')
    assert message.headers == {
        "ebats-task": "ship",
        "ebats-event": "order_paid",
        "ebats-exchange": "shop.events",
        "ebats-key": "order_paid",
        "ebats-queue": "demo",
        "ebats-attempt": 2,
        "ebats-reason": "exhausted",
        "ebats-error": "shop.NoStock",
        "ebats-text": "none left",
        "ebats-traceback": "File x, line 1",
        "ebats-first": 50.0,
        "ebats-last": 60.0,
    }


def test_the_dead_letter_of_a_task_that_nobody_knew_names_it() -> None:
    meaning = read(delivery("shop.tasks", "nobody"), ROUTES)
    assert isinstance(meaning, Unknown)
    failed = Failed("unknown", "Unknown", "x")
    message = settle.dead(SHOP, meaning.envelope, None, Dead("unknown"), failed, 1.0)
    assert message.headers["ebats-task"] == "nobody"


def test_a_hand_back_goes_to_its_own_queue_uncounted() -> None:
    envelope = envelope_of(delivery("shop.tasks", "ship", headers={"ebats-attempt": 2}), SHOP)
    message = settle.hand_back(envelope, SHIP)
    assert (message.exchange, message.key) == ("", "shop.demo")
    back = envelope_of(again(message, "shop.demo"), SHOP)
    assert (back.attempt, back.id, back.exchange, back.key) == (2, "m1", "shop.tasks", "ship")
    assert "ebats-error" not in message.headers


def test_a_hand_back_of_a_retry_keeps_its_times() -> None:
    headers = {"ebats-attempt": 2, "ebats-first": 5.0, "ebats-last": 7.0}
    message = settle.hand_back(envelope_of(delivery("shop.tasks", "ship", headers=headers), SHOP), SHIP)
    back = envelope_of(again(message, "shop.demo"), SHOP)
    assert (back.first, back.last) == (5.0, 7.0)


def test_a_copy_for_one_task_goes_by_the_tasks_exchange() -> None:
    message = settle.one_task(SHOP, paid(), SHIP)
    assert (message.exchange, message.key) == ("shop.tasks", "ship")
    meaning = read(again(message, "shop.demo"), ROUTES)
    assert isinstance(meaning, Runs)
    assert [task.name for task in meaning.tasks] == ["ship"]
    assert meaning.envelope.event == "order_paid"


def test_a_suspect_keeps_its_queue_and_its_crashes() -> None:
    message = settle.suspect(SHOP, paid(), SHIP, 2)
    assert (message.exchange, message.key) == ("", "shop.suspects")
    back = envelope_of(again(message, "shop.suspects"), SHOP)
    assert (back.queue, back.crashes, back.event) == ("shop.demo", 2, "order_paid")
    assert settle.dead(SHOP, back, SHIP, Dead("crashed"), FAILED, 1.0).headers["ebats-crashes"] == 2
    assert "ebats-crashes" not in settle.retry(SHOP, back, SHIP, Retry(90_000), FAILED, 1.0).headers


@pytest.mark.parametrize(
    ("exchange", "key", "queue"),
    [
        ("shop.events", "nobody", "shop.report"),
        ("shop.tasks", "nobody", "shop.report"),
        ("elsewhere", "a.b", "shop.report"),
        ("", "shop.demo", "shop.demo"),
    ],
)
def test_the_unknown_waits_on_a_rung_and_comes_back_to_its_queue_as_unknown_as_before(
    exchange: str, key: str, queue: str
) -> None:
    since: float | None = None
    one = delivery(exchange, key, queue)
    for now in (100.0, 110.0, 120.0):
        meaning = read(one, ROUTES)
        assert isinstance(meaning, Unknown)
        assert (meaning.envelope.exchange, meaning.envelope.key) == (exchange, key)
        message = settle.wait_unknown(SHOP, meaning.envelope, now)
        assert (message.exchange, message.key) == ("shop.delay.10s", f"@{queue.removeprefix('shop.')}")
        since = since or message.headers["ebats-unknown-since"]
        assert message.headers["ebats-unknown-since"] == since == 100.0
        assert message.headers["ebats-attempt"] == 1
        one = again(message, queue)
        one.exchange = "shop.tasks"
        one.headers |= death("shop.delay.10s", "shop.delay.10s", one.key)


def test_a_clock_that_is_ahead_makes_nothing_wait_for_ever() -> None:
    one = delivery("shop.tasks", "nobody", headers={"ebats-unknown-since": 9e15})
    meaning = read(one, ROUTES)
    assert isinstance(meaning, Unknown)
    assert settle.wait_unknown(SHOP, meaning.envelope, 100.0).headers["ebats-unknown-since"] == 100.0


def test_what_waited_as_unknown_forgets_it_once_it_is_known() -> None:
    envelope = envelope_of(delivery(key="ship", headers={"ebats-unknown-since": 7.0}), SHOP)
    assert "ebats-unknown-since" not in settle.retry(SHOP, envelope, SHIP, Retry(90_000), FAILED, 1.0).headers


@pytest.mark.parametrize("kind", KINDS)
def test_body_and_headers_of_the_publisher_stay_as_they_are(kind: str) -> None:
    headers = {"trace": "abc", "n": 5, "nested": {"a": [1, None]}, "ebats-published": 1.5}
    message = every_message(paid(headers=headers))[kind]
    assert message.body == b'{"a": 1}'
    assert {key: message.headers[key] for key in headers} == headers


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_true_of_the_next_message_is_left_out(kind: str) -> None:
    stale = {
        **death("shop.delay.1s"),
        "x-first-death-queue": "a",
        "x-last-death-reason": "expired",
        "x-delivery-count": 3,
        "x-acquired-count": 3,
        "x-opt-deaths": [],
        "CC": ["report"],
        "BCC": ["report"],
        "ebats-reason": "exhausted",
        "ebats-traceback": "old",
        b"\xff": 1,
    }
    message = every_message(paid(headers=stale))[kind]
    kept = message.headers.keys() & (stale.keys() - {"ebats-reason", "ebats-traceback"})
    assert not kept
    if kind != "dead":
        assert not message.headers.keys() & {"ebats-reason", "ebats-traceback", "ebats-queue"} or (
            kind == "suspect"
        )


@pytest.mark.parametrize("kind", KINDS)
def test_properties_go_on_but_for_expiration_and_user(kind: str) -> None:
    given = {
        "content_type": "application/json",
        "content_encoding": "gzip",
        "correlation_id": "c",
        "reply_to": "answers",
        "priority": 3,
        "timestamp": 1_767_268_800,
        "type": "t",
        "app_id": "a",
        "expiration": "500",
        "user_id": "guest",
        "delivery_mode": 1,
    }
    properties = every_message(paid(properties=given))[kind].properties
    kept = given.keys() - {"expiration", "user_id", "delivery_mode"}
    assert properties == {key: given[key] for key in kept} | {"message_id": "m1", "delivery_mode": 2}
