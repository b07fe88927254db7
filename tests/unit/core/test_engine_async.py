"""Async tasks: time-outs, cancellations."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from ebats.runner.execution.record import Execution
from ebats.runner.execution.slots import Run
from tests.unit.core.shop import Bench, delivery, pipeline

# `ack: early`, hooks, refusals.


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
