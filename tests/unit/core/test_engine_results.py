"""Results, deaths and replies, between stand-ins for broker and slots."""

import json
from typing import Any

import pytest

from ebats import Reject
from ebats.runner.execution.outcome import Failed
from ebats.runner.execution.record import Log
from tests.unit.core.shop import SHOP, Bench, delivery, envelope_of, pipeline
from tests.unit.core.tasks import fail, fine

TEXT = SHOP.replace(
    'report: {python: "shop.tasks:report"}',
    'report: {python: "shop.tasks:report", then: order_create, on_dead: counted}',
)
CHAINED = pipeline(TEXT)


def bench(**tasks: Any) -> Bench:
    return Bench(CHAINED, **tasks)


def report(**more: Any) -> Any:
    return delivery("shop.tasks", "report", "shop.report", **more)


def keys(made: Bench) -> list[tuple[str, str]]:
    return [(message.exchange, message.key) for message in made.published.messages]


def test_then_is_confirmed_before_the_acknowledgement() -> None:
    made, one = bench(report=lambda: {"ok": 1}), report(body=b'{"a": 1}')
    made.take(one)
    made.execute()
    assert keys(made) == [("shop.events", "order_create")]
    assert json.loads(made.published.messages[0].body)["result"] == {"ok": 1}
    assert not made.acknowledged.deliveries
    made.published.confirm()
    assert made.acknowledged.deliveries == [one]
    # One of the event's tasks waits on a rung of the event.
    assert made.engine.settler.counts == {"to_event_rungs": 1}
    assert made.lines.executions()[0].outcome == "success"


def test_a_dead_letter_on_dead_and_a_reply_are_all_confirmed_before_the_acknowledgement() -> None:
    made, one = bench(report=fail), report(properties={"reply_to": "answers"})
    made.take(one)
    made.execute()
    assert keys(made) == [("shop.dead", "report"), ("shop.events", "counted"), ("", "answers")]
    (first, _), (second, _), (_, refuse) = made.published._callbacks
    first()
    second()
    assert not made.acknowledged.deliveries
    refuse()
    assert made.acknowledged.deliveries == [one]
    assert made.engine.settler.counts == {"dead": 1}


@pytest.mark.parametrize("result", [{1}, float("nan"), "\ud800", b"x", object()])
def test_a_result_that_is_not_json_is_a_failed_attempt(result: object) -> None:
    made, one = bench(report=lambda: result), report()
    made.take(one)
    made.execute()
    letter, on_dead = made.published.messages
    assert letter.headers["ebats-error"] == "BadResult"
    assert "the result isn't JSON" in letter.headers["ebats-text"]
    assert json.loads(on_dead.body)["reason"] == "failed"
    (record,) = made.lines.executions()
    assert (record.outcome, record.error) == ("dead", "BadResult")


def test_where_nobody_is_to_get_it_a_result_may_be_anything() -> None:
    made, one = bench(ship=lambda: {1}), delivery("shop.tasks", "ship")
    made.take(one)
    made.execute()
    assert made.acknowledged.deliveries == [one]


def test_a_bad_result_takes_the_ladder_and_is_told_to_on_error() -> None:
    made, told = bench(ship=lambda: {1}), []
    made.engine.on_error = lambda context, error: told.append((context.task, str(error)))
    made.take(delivery("shop.tasks", "ship", properties={"reply_to": "answers"}))
    made.execute()
    # No reply yet: there is another attempt.
    assert keys(made) == [("shop.delay.90s", "ship")]
    assert made.published.messages[0].properties["reply_to"] == "answers"
    ((task, text),) = told
    assert (task, "the whole: a set" in text) == ("ship", True)


@pytest.mark.parametrize(("body", "reason"), [(b"{", "undecodable"), (b"[]", "arguments")])
def test_what_never_ran_is_dead_too(body: bytes, reason: str) -> None:
    def task(order: int) -> None:
        raise AssertionError("must not run")

    made = bench(report=task)
    made.take(report(body=body))
    made.execute()
    assert json.loads(made.published.messages[1].body)["reason"] == reason


def test_rejected_is_dead_too() -> None:
    def task() -> None:
        raise Reject("no")

    made = bench(report=task)
    made.take(report())
    made.execute()
    assert json.loads(made.published.messages[1].body)["reason"] == "rejected"


def test_one_that_crashed_is_dead_too_and_its_crash_is_known_until_all_is_confirmed() -> None:
    made, told = bench(), []
    one = report()
    envelope = envelope_of(one, CHAINED)
    crashed = Failed("crashed", "Crash", "x")
    made.engine.die(envelope, CHAINED.tasks["report"], crashed, lambda: told.append(1))
    letter, on_dead = made.published.messages
    assert (letter.exchange, json.loads(on_dead.body)["reason"]) == ("shop.dead", "crashed")
    (first, _), (second, _) = made.published._callbacks
    first()
    assert not told
    second()
    assert told == [1]


def test_somebody_who_waits_for_a_task_that_nobody_knows_is_told() -> None:
    made = bench()
    headers = {"ebats-unknown-since": 1.0}
    made.take(delivery("shop.tasks", "nobody", headers=headers, properties={"reply_to": "answers"}))
    assert keys(made) == [("shop.dead", "nobody"), ("", "answers")]
    assert json.loads(made.published.messages[1].body)["reason"] == "unknown"


def test_two_tasks_of_one_event_reply_each() -> None:
    made = bench(close_order=fine, ship=fine)
    one = delivery("shop.events", "order_paid", properties={"reply_to": "answers"})
    made.take(one)
    made.execute()
    assert keys(made) == [("", "answers")] * 2
    assert {json.loads(message.body)["task"] for message in made.published.messages} == {
        "close_order",
        "ship",
    }
    assert len({message.properties["message_id"] for message in made.published.messages}) == 2
    made.published.confirm()
    assert made.acknowledged.deliveries == [one]


def test_a_reply_that_would_get_among_our_own_is_left_out_with_a_warning() -> None:
    made = bench(ship=fine)
    one = delivery("shop.tasks", "ship", properties={"reply_to": "shop.topology"})
    made.take(one)
    made.execute()
    assert not made.published.messages
    assert made.acknowledged.deliveries == [one]
    (line,) = [record for record in made.lines.records() if isinstance(record, Log)]
    assert (line.level, "takes no replies" in line.text) == ("warning", True)
