"""What comes out of a task: its result, its exceptions, its coroutine."""

import asyncio
import functools
import weakref
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebats import Context, Reject, Retry
from ebats.runner.execution import call
from ebats.runner.execution.call import inspect_function
from ebats.runner.execution.outcome import Failed, Result, Returned
from tests.unit.core.calls import CONTEXT, failure

# What comes out.


def test_retry_and_reject_say_so() -> None:
    def busy() -> None:
        raise Retry("busy")

    def no_such_order() -> None:
        raise Reject("no such order")

    assert (failure(busy).how, failure(busy).text) == ("retry", "busy")
    assert (failure(no_such_order).how, failure(no_such_order).text) == ("reject", "no such order")
    assert isinstance(failure(busy).exception, Retry)


@pytest.mark.parametrize("error", [ValueError("x"), SystemExit(3), KeyboardInterrupt(), BaseException("x")])
def test_whatever_a_task_raises_is_a_failed_attempt(error: BaseException) -> None:
    def task() -> None:
        raise error

    failed = failure(task)
    assert failed.how == "exception"
    assert failed.error == type(error).__name__
    assert failed.exception is error


def test_a_task_without_memory_leaves_what_it_took() -> None:
    class Taken:
        pass

    weak: list[weakref.ref[Taken]] = []

    def task() -> None:
        taken = Taken()
        weak.append(weakref.ref(taken))
        raise MemoryError

    # The exception, which holds the task's frame, is still there.
    failed = failure(task)
    assert isinstance(failed.exception, MemoryError)
    assert failed.traceback
    assert weak[0]() is None


def test_an_error_carries_its_class_its_text_and_where_it_happened() -> None:
    class NoStock(Exception):
        pass

    def task() -> None:
        raise NoStock("none left")

    failed = failure(task)
    assert failed.error.endswith("NoStock")
    assert failed.error.startswith(__name__)
    assert failed.text == "none left"
    assert failed.traceback is not None
    assert "raise NoStock" in failed.traceback
    assert "execution/call.py" not in failed.traceback


def test_a_text_of_a_megabyte_is_cut_at_four_kibibytes() -> None:
    def task() -> None:
        raise ValueError("é" * 1_000_000)

    text = failure(task).text
    assert 4000 <= len(text.encode()) <= 4096
    assert text.endswith("…")


def test_a_deep_traceback_is_cut_at_eight_kibibytes_and_keeps_its_end() -> None:
    space: dict[str, Any] = {}
    names = [f"f{number}" for number in range(400)]
    code = "\n".join(f"def {a}():\n    {b}()" for a, b in pairwise(names))
    exec(f"{code}\ndef {names[-1]}():\n    raise ValueError('deep')", space)
    failed = failure(space["f0"])
    assert failed.traceback is not None
    assert len(failed.traceback.encode()) <= 8192
    assert "f399" in failed.traceback


def test_an_error_whose_text_fails_still_is_one() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text")

    def task() -> None:
        raise Mute

    assert "RuntimeError" in failure(task).text


@given(st.text(st.characters(), max_size=60), st.integers(8, 40), st.booleans())
def test_a_cut_text_fits_and_is_utf8(text: str, limit: int, keep_end: bool) -> None:
    cut = call.cut(text, limit, keep_end=keep_end)
    assert len(cut.encode()) <= limit
    if len(text.encode(errors="replace")) <= limit:
        assert cut == text.encode(errors="replace").decode()


def test_a_coroutine_that_nobody_awaits_is_no_success() -> None:
    async def task() -> None:
        raise AssertionError("must not run")

    def wrapper() -> object:
        return task()

    failed = failure(wrapper)
    assert failed.how == "exception"
    assert "async def" in failed.text


# Async ones.


def run_async(function: Callable[..., Any], payload: object) -> Result:
    async def main() -> Result:
        return await call.call_async(inspect_function(function), payload, lambda: CONTEXT)

    return asyncio.run(main())


def test_an_async_function_is_known_and_awaited() -> None:
    async def task(order_id: int, about: Context) -> object:
        await asyncio.sleep(0)
        return order_id, about

    assert inspect_function(task).is_async
    assert run_async(task, {"order_id": 1}) == Returned((1, CONTEXT))
    result = run_async(task, {})
    assert isinstance(result, Failed)
    assert result.how == "arguments"


def test_a_partial_and_an_object_may_be_async() -> None:
    class Task:
        async def __call__(self, order_id: int) -> int:
            return order_id

    async def task(order_id: int, more: int) -> int:
        return order_id + more

    for function in (Task(), functools.partial(task, more=0)):
        assert inspect_function(function).is_async
        assert run_async(function, {"order_id": 1}) == Returned(1)


@pytest.mark.parametrize("error", [ValueError("x"), SystemExit(3), KeyboardInterrupt(), TimeoutError("own")])
def test_what_an_async_task_raises_is_a_failed_attempt(error: BaseException) -> None:
    async def task() -> None:
        raise error

    result = run_async(task, {})
    assert isinstance(result, Failed)
    assert result.how == "exception"
