"""One delivery after another, between stand-ins for broker and slots."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from ebats import Context, Payload, Reject, Retry
from ebats.runner.execution import settle
from ebats.runner.execution.call import BadEntryPoint, Function, timed_out
from ebats.runner.execution.outcome import Failed, Returned
from ebats.runner.execution.record import Execution, Log
from ebats.runner.execution.slots import Run
from ebats.runner.roles import engine as engine_module
from tests.unit.core.shop import Bench, again, death, delivery, pipeline
from tests.waiting import wait_until


def fail() -> None:
    raise ValueError("broken")


def fine() -> str:
    return "fine"


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
    assert bench.engine.counts == {"to_rungs": 1}


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
    assert bench.engine.counts["dead"] == 1


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
    assert bench.engine.counts == {"from_event_rungs": 1, "to_event_rungs": 1}


def test_an_unroutable_message_goes_out_again_and_is_not_acknowledged_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(engine_module, "_AGAIN_S", 0.01)
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
    assert bench.engine.counts == {"from_event_rungs": 1}


# `ack: early`, hooks, refusals.


def test_ack_early_acknowledges_before_the_task_runs() -> None:
    seen: list[int] = []
    bench = Bench(count=lambda: seen.append(len(bench.acknowledged.deliveries)))
    bench.take(delivery("shop.tasks", "count", "shop.fast"))
    assert not bench.acknowledged.deliveries
    bench.execute()
    assert seen == [1]


@pytest.mark.parametrize(
    ("failed", "kind"),
    [
        (Failed("timeout", "TimeoutError", "late"), TimeoutError),
        (Failed("arguments", "MissingArgument", "no order_id"), TypeError),
        (Failed("undecodable", "BadBody", "no JSON"), ValueError),
        (Failed("exception", "X", "x", exception=KeyError("x")), KeyError),
    ],
)
def test_on_error_gets_the_context_and_an_exception_that_fits(failed: Failed, kind: type[Exception]) -> None:
    told: list[tuple[Context, BaseException]] = []
    bench = Bench(ship=fine)
    bench.engine.on_error = lambda context, error: told.append((context, error))
    bench.take(delivery("shop.tasks", "ship"))
    bench.engine.finish(bench.held.runs[0], failed)
    ((context, error),) = told
    assert (context.task, context.id) == ("ship", "m1")
    assert type(error) is kind
    bench.take(delivery("shop.tasks", "ship"))
    bench.engine.finish(bench.held.runs[1], Returned())
    assert len(told) == 1


@pytest.mark.parametrize("error", [ValueError("x"), SystemExit(1)])
def test_an_on_error_that_fails_itself_is_written_down_and_changes_nothing(error: BaseException) -> None:
    def hook(_context: Context, _error: BaseException) -> None:
        raise error

    bench = Bench(ship=fail)
    bench.engine.on_error = hook
    bench.take(delivery("shop.tasks", "ship"))
    bench.execute()
    assert [message.exchange for message in bench.published.messages] == ["shop.delay.90s"]
    assert any("on_error" in record.text for record in bench.lines.records() if isinstance(record, Log))


def test_who_is_not_admitted_does_not_run() -> None:
    bench = Bench(ship=fine)
    bench.engine.admit = lambda _envelope, _task: False
    bench.take(delivery("shop.tasks", "ship"))
    assert not bench.held.runs


def test_the_end_of_a_run_is_told_before_it_is_settled() -> None:
    told: list[int] = []
    bench = Bench(ship=fine)
    bench.engine.on_ended = lambda _run: told.append(len(bench.acknowledged.deliveries))
    bench.take(delivery("shop.tasks", "ship"))
    bench.execute()
    assert told == [0]
    assert len(bench.acknowledged.deliveries) == 1


def test_a_death_without_a_run_is_one_letter_and_one_record() -> None:
    bench = Bench(ship=fine)
    bench.take(delivery("shop.tasks", "ship"))
    (run,) = bench.held.runs
    envelope = settle.counted(run.envelope, 3)
    bench.engine.die(envelope, run.task, Failed("crashed", "Crash", "its process died"))
    (message,) = bench.published.messages
    assert (message.headers["ebats-reason"], message.headers["ebats-crashes"]) == ("crashed", 3)
    (record,) = bench.lines.executions()
    assert isinstance(record, Execution)
    assert (record.outcome, record.reason, record.run_s) == ("dead", "crashed", None)


# Async ones.


def run_async(bench: Bench, *runs: Run) -> None:
    async def main() -> None:
        for run in runs:
            await bench.engine.execute_async(run)

    asyncio.run(main())


def async_bench(task: Callable[..., Any], timeout: str = "30s") -> Bench:
    text = f"""
version: 1
name: shop
ladders: {{notify: [1s]}}
queues: {{demo: }}
tasks: {{ship: {{python: "a:b", queue: demo, retry: notify, timeout: {timeout}}}}}
"""
    bench = Bench(pipeline(text), ship=task)
    bench.take(delivery("shop.tasks", "ship"))
    return bench


def outcome(bench: Bench) -> Execution:
    run_async(bench, *bench.held.runs)
    (record,) = bench.lines.executions()
    return record


def test_an_async_task_that_returns_is_a_success() -> None:
    async def task() -> None:
        await asyncio.sleep(0)

    bench = async_bench(task)
    assert outcome(bench).outcome == "success"
    assert len(bench.acknowledged.deliveries) == 1


def test_an_async_task_past_its_time_out_is_cancelled_and_settled_at_once() -> None:
    async def task() -> None:
        await asyncio.sleep(60)

    record = outcome(async_bench(task, "50ms"))
    assert (record.outcome, record.error) == ("retry", "TimeoutError")


def test_a_task_that_swallows_its_cancellation_is_late_all_the_same() -> None:
    async def task() -> str:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        return "fine"

    assert outcome(async_bench(task, "50ms")).error == "TimeoutError"


def test_a_time_out_of_the_tasks_own_is_an_exception_like_others() -> None:
    async def task() -> None:
        raise TimeoutError("their server")

    assert outcome(async_bench(task)).text == "their server"


@pytest.mark.parametrize("error", [asyncio.CancelledError(), GeneratorExit(), BaseException("odd")])
def test_whatever_leaves_an_async_task_settles_it(error: BaseException) -> None:
    async def task() -> None:
        raise error

    bench = async_bench(task)
    record = outcome(bench)
    assert (record.outcome, record.error) == (
        "retry",
        f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins."),
    )
    assert len(bench.published.messages) == 1
