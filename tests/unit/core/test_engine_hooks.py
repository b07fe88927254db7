"""What the engine tells others: acknowledgements before the run, errors, ends."""

import pytest

from ebats import Context
from ebats.runner.execution import settle
from ebats.runner.execution.outcome import Failed, Returned
from ebats.runner.execution.record import Execution, Log
from tests.unit.core.shop import Bench, delivery
from tests.unit.core.tasks import fail, fine

# `ack: early`, hooks, refusals.


def test_ack_early_acknowledges_before_the_task_runs() -> None:
    seen: list[int] = []
    bench = Bench(count=lambda: seen.append(len(bench.acknowledged.deliveries)))
    bench.take(delivery("shop.tasks", "count", "shop.fast"))
    assert not bench.acknowledged.deliveries
    bench.execute()
    assert seen == [1]


@pytest.mark.parametrize("has_started", [True, False])
def test_ack_early_is_handed_back_only_where_it_has_not_begun(has_started: bool) -> None:
    bench = Bench(count=lambda: None)
    bench.take(delivery("shop.tasks", "count", "shop.fast"))
    run = bench.held.runs[0]
    run.started = 5.0 if has_started else 0.0
    bench.engine.hand_back(run)
    assert len(bench.published.messages) == (0 if has_started else 1)


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
