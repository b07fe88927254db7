"""One delivery after another, between stand-ins for broker and slots."""

from typing import Any

import pytest

from ebats import Context, Payload, Reject, Retry
from ebats.runner.execution.call import BadEntryPoint, Function, timed_out
from ebats.runner.execution.outcome import Returned
from ebats.runner.execution.record import Log
from tests.unit.core.shop import Bench, again, delivery
from tests.unit.core.tasks import fail, fine

# Success, retry, dead letter.


def test_a_task_that_returns_is_acknowledged_and_recorded() -> None:
    seen: list[Any] = []

    def task(order: int) -> None:
        seen.append(order)

    bench = Bench(ship=task)
    one = delivery("shop.tasks", "ship", body=b'{"order": 5}')
    bench.take(one)
    assert not bench.acknowledged.deliveries
    bench.execute()
    assert seen == [5]
    assert bench.acknowledged.deliveries == [one]
    assert not bench.published.messages
    (record,) = bench.lines.executions()
    assert (record.outcome, record.task, record.id, record.queue) == ("success", "ship", "m1", "demo")


def test_a_failed_attempt_is_published_and_confirmed_before_it_is_acknowledged() -> None:
    bench = Bench(ship=fail)
    one = delivery("shop.tasks", "ship")
    bench.take(one)
    bench.execute()
    (message,) = bench.published.messages
    assert (message.exchange, message.key, message.headers["ebats-attempt"]) == ("shop.delay.90s", "ship", 2)
    assert not bench.acknowledged.deliveries
    bench.published.confirm()
    assert bench.acknowledged.deliveries == [one]
    assert bench.lines.executions()[0].outcome == "retry"
    assert bench.engine.settler.counts == {"to_rungs": 1}


def test_a_message_climbs_its_ladder_and_ends_in_the_dead_letters_with_one_record_an_attempt() -> None:
    bench = Bench(close_order=fail)
    one = delivery("shop.tasks", "close_order")
    for attempt in (1, 2, 3):
        bench.take(one)
        bench.execute()
        bench.published.confirm()
        message = bench.published.messages[-1]
        one = again(message, "shop.demo", tag=attempt + 1)
        one.exchange, one.key = "shop.tasks", "close_order"
    assert [message.exchange for message in bench.published.messages] == [
        "shop.delay.1s",
        "shop.delay.3s",
        "shop.dead",
    ]
    assert [(r.attempt, r.outcome, r.attempts) for r in bench.lines.executions()] == [
        (1, "retry", 3),
        (2, "retry", 3),
        (3, "dead", 3),
    ]
    assert bench.lines.executions()[-1].reason == "exhausted"
    assert bench.engine.settler.counts["dead"] == 1


def test_reject_is_the_end_and_retry_without_a_ladder_waits_ten_seconds() -> None:
    def reject() -> None:
        raise Reject("no such order")

    def busy() -> None:
        raise Retry("busy")

    bench = Bench(ship=reject, report=busy)
    bench.take(delivery("shop.tasks", "ship"))
    bench.take(delivery("shop.tasks", "report", "shop.report"))
    bench.execute()
    assert [message.exchange for message in bench.published.messages] == ["shop.dead", "shop.delay.10s"]
    assert bench.published.messages[0].headers["ebats-reason"] == "rejected"


@pytest.mark.parametrize(
    ("body", "reason"), [(b"{", "undecodable"), (b"{}", "arguments"), (b"[1]", "arguments")]
)
def test_a_body_that_cannot_be_used_is_dead_at_once_and_was_not_run(body: bytes, reason: str) -> None:
    def task(order_id: int) -> None:
        raise AssertionError("must not run")

    bench = Bench(ship=task)
    bench.take(delivery("shop.tasks", "ship", body=body))
    bench.execute()
    (message,) = bench.published.messages
    assert (message.exchange, message.headers["ebats-reason"]) == ("shop.dead", reason)
    assert message.body == body
    assert bench.lines.executions()[0].outcome == "dead"


def test_an_event_says_in_which_format_its_messages_are() -> None:
    seen: list[Any] = []

    def task(body: Payload) -> None:
        seen.append(body)

    bench = Bench(report=task)
    bench.take(delivery("shop.events", "note", "shop.report", body=b"{not json"))
    bench.take(delivery("shop.events", "order_create", "shop.report", body=b"{}"))
    bench.execute()
    assert seen == ["{not json", {}]


def test_a_task_sees_where_its_message_came_from() -> None:
    seen: list[Context] = []

    def task(context: Context) -> None:
        seen.append(context)
        context.logger.info("at work")

    bench = Bench(ship=task)
    headers = {"ebats-task": "ship", "ebats-event": "order_paid", "ebats-attempt": 2, "trace": "t"}
    headers |= {"ebats-exchange": "shop.events", "ebats-key": "order_paid"}
    bench.take(delivery("", "shop.demo", headers=headers, body=b'{"a": 1}'))
    bench.execute()
    (context,) = seen
    assert (context.id, context.event, context.task, context.attempt) == ("m1", "order_paid", "ship", 2)
    assert (context.exchange, context.key, context.queue) == ("shop.events", "order_paid", "demo")
    assert (context.headers["trace"], context.body) == ("t", b'{"a": 1}')
    (line,) = [record for record in bench.lines.records() if isinstance(record, Log)]
    assert (line.text, line.task, line.id) == ("at work", "ship", "m1")


def test_a_task_that_cannot_be_imported_fails_by_its_ladder() -> None:
    class Broken:
        def __getitem__(self, name: str) -> Function:
            raise BadEntryPoint("can't import shop.tasks:ship: " + "x" * 100_000)

    bench = Bench()
    bench.engine._functions = Broken()
    bench.take(delivery("shop.tasks", "ship"))
    (message,) = bench.published.messages
    assert message.exchange == "shop.delay.90s"
    assert len(message.headers["ebats-text"]) <= 4096


# Several tasks.


def test_two_tasks_of_one_event_on_one_queue_are_acknowledged_when_both_are_settled() -> None:
    bench = Bench(close_order=fine, ship=fail)
    one = delivery("shop.events", "order_paid", "shop.demo")
    bench.take(one)
    assert [run.task.name for run in bench.held.runs] == ["close_order", "ship"]
    bench.execute()
    assert not bench.acknowledged.deliveries
    bench.published.confirm()
    assert bench.acknowledged.deliveries == [one]
    (message,) = bench.published.messages
    assert message.headers["ebats-task"] == "ship"


def test_a_redelivered_one_is_first_split_into_one_copy_a_task() -> None:
    bench = Bench(close_order=fine, ship=fine)
    one = delivery("shop.events", "order_paid", "shop.demo", redelivered=True)
    bench.take(one)
    assert not bench.held.runs
    assert [(m.exchange, m.key) for m in bench.published.messages] == [
        ("shop.tasks", "close_order"),
        ("shop.tasks", "ship"),
    ]
    assert not bench.acknowledged.deliveries
    bench.published.confirm()
    assert bench.acknowledged.deliveries == [one]
    for message in bench.published.messages:
        bench.take(again(message, "shop.demo"))
    bench.execute()
    assert [(r.task, r.event) for r in bench.lines.executions()] == [
        ("close_order", "order_paid"),
        ("ship", "order_paid"),
    ]


def test_where_one_of_several_is_settled_only_the_others_are_handed_back() -> None:
    bench = Bench(close_order=fine, ship=fine)
    one = delivery("shop.events", "order_paid", "shop.demo")
    bench.take(one)
    done, other = bench.held.runs
    bench.engine.execute(done)
    bench.engine.hand_back(other)
    (message,) = bench.published.messages
    assert (message.exchange, message.key) == ("shop.tasks", "ship")
    bench.published.confirm()
    assert bench.acknowledged.deliveries == [one]


def test_a_message_of_several_events_is_split_before_anything_runs() -> None:
    bench = Bench(report=fine)
    bench.take(delivery("shop.orders", "eu.1.WAIT", "shop.report"))
    assert not bench.held.runs
    assert [message.headers["ebats-event"] for message in bench.published.messages] == ["wanted", "all_eu"]


# Hand-backs.


def test_closed_slots_hand_back_at_once_uncounted() -> None:
    bench = Bench(ship=fine)
    bench.held.closed = True
    one = delivery("shop.tasks", "ship", headers={"ebats-attempt": 2})
    bench.take(one)
    (message,) = bench.published.messages
    assert (message.exchange, message.key, message.headers["ebats-attempt"]) == ("", "shop.demo", 2)
    bench.published.confirm()
    assert bench.acknowledged.deliveries == [one]
    assert not bench.lines.executions()


def test_what_a_run_still_returns_after_its_hand_back_counts_for_nothing() -> None:
    bench = Bench(ship=fail)
    bench.take(delivery("shop.tasks", "ship"))
    (run,) = bench.held.runs
    bench.engine.hand_back(run)
    bench.engine.execute(run)
    bench.engine.hand_back(run)
    bench.engine.finish(run, Returned(1))
    assert len(bench.published.messages) == 1
    assert bench.published.messages[0].key == "shop.demo"
    assert not bench.lines.executions()


def test_a_run_that_hangs_is_a_time_out_once() -> None:
    bench = Bench(ship=fine)
    bench.take(delivery("shop.tasks", "ship"))
    (run,) = bench.held.runs
    bench.engine.finish(run, timed_out(30.0))
    bench.engine.execute(run)
    (message,) = bench.published.messages
    assert message.exchange == "shop.delay.90s"
    (record,) = bench.lines.executions()
    assert (record.outcome, record.error) == ("retry", "TimeoutError")
