"""How a task's function is called."""

import asyncio
import functools
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ebats
from ebats import Context, Payload, Reject, Retry
from ebats.pipelines.model import EntryPoint, Format
from ebats.pipelines.problems import Place
from ebats.runner.execution import call
from ebats.runner.execution.call import BadBody, BadEntryPoint, inspect_function
from ebats.runner.execution.outcome import Failed, Result, Returned

CONTEXT = Context(
    id="m1",
    event="order_paid",
    task="ship",
    attempt=2,
    exchange="shop.events",
    key="order_paid",
    queue="demo",
    headers={},
    body=b"{}",
    logger=None,  # type: ignore[arg-type]
)


def run(function: Callable[..., Any], payload: object) -> Result:
    return call.call(inspect_function(function), payload, lambda: CONTEXT)


def failure(function: Callable[..., Any], payload: object = None) -> Failed:
    result = run(function, {} if payload is None else payload)
    assert isinstance(result, Failed), result
    return result


def entry(module: str, attribute: str) -> EntryPoint:
    return EntryPoint(module=module, attribute=attribute, place=Place(file="x.yaml", line=1, column=1))


# Parameters.


def test_a_task_gets_the_keys_that_it_names() -> None:
    def task(order_id: int, note: str = "none") -> tuple[int, str]:
        return order_id, note

    assert run(task, {"order_id": 1, "unheard_of": 2}) == Returned((1, "none"))
    assert run(task, {"order_id": 1, "note": "n"}) == Returned((1, "n"))


def test_a_task_with_kwargs_gets_all_keys() -> None:
    def task(order_id: int, **rest: object) -> object:
        return rest

    assert run(task, {"order_id": 1, "a": 2, "b": 3}) == Returned({"a": 2, "b": 3})


def test_keys_reach_a_keyword_only_parameter() -> None:
    def task(*_: object, order_id: int) -> int:
        return order_id

    assert run(task, {"order_id": 1}) == Returned(1)


@pytest.mark.parametrize("payload", [{}, {"order": 1}, [1], "x", None, 5])
def test_a_required_key_that_is_missing_is_told_by_name(payload: object) -> None:
    def task(order_id: int) -> None:
        raise AssertionError("must not run")

    result = run(task, payload)
    assert isinstance(result, Failed)
    assert result.how == "arguments"
    assert "order_id" in result.text


@pytest.mark.parametrize("payload", [[1], "x", None, 5])
def test_a_body_that_is_no_object_runs_a_task_that_requires_nothing(payload: object) -> None:
    assert run(lambda: "ran", payload) == Returned("ran")


def test_the_context_goes_to_the_parameter_that_is_annotated_so_whatever_the_payload_says() -> None:
    def task(order_id: int, about: Context, **rest: object) -> tuple[object, object]:
        return about, rest

    assert run(task, {"order_id": 1, "about": "forged"}) == Returned((CONTEXT, {}))


@pytest.mark.parametrize("payload", [{"a": 1}, [1, 2], "text", None, 5, b"bytes"])
def test_the_whole_payload_goes_to_the_parameter_that_is_annotated_so(payload: object) -> None:
    def task(body: Payload) -> object:
        return body

    assert run(task, payload) == Returned(payload)


def test_an_annotation_of_what_comes_back_is_no_parameter() -> None:
    def payload(order_id: int) -> Payload:
        return order_id

    def context(order_id: int, about: Context) -> Context:
        return about

    assert run(payload, {"order_id": 1}) == Returned(1)
    assert run(context, {"order_id": 1}) == Returned(CONTEXT)


def test_annotations_that_are_only_text_count_too() -> None:
    def task(about: "ebats.Context", body: "Payload", other: "NowhereToBeFound" = None) -> object:  # type: ignore[name-defined]  # noqa: F821
        return about, body

    assert run(task, {"a": 1}) == Returned((CONTEXT, {"a": 1}))


def test_an_object_with_call_is_a_task() -> None:
    class Task:
        def __call__(self, order_id: int, about: Context) -> object:
            return order_id, about

    assert run(Task(), {"order_id": 1}) == Returned((1, CONTEXT))


def test_a_wrapped_function_is_asked_for_its_own_parameters() -> None:
    def task(order_id: int, about: Context) -> object:
        return order_id, about

    @functools.wraps(task)
    def wrapper(*args: Any, **kwargs: Any) -> object:
        return task(*args, **kwargs)

    assert run(wrapper, {"order_id": 1, "more": 2}) == Returned((1, CONTEXT))


# What comes out.


def test_retry_and_reject_say_so() -> None:
    def busy() -> None:
        raise Retry("busy")

    def no_such_order() -> None:
        raise Reject("no such order")

    assert (failure(busy).how, failure(busy).text) == ("retry", "busy")
    assert (failure(no_such_order).how, failure(no_such_order).text) == ("reject", "no such order")
    assert isinstance(failure(busy).exception, Retry)


def test_a_delay_of_its_own_is_not_built_yet_and_refused() -> None:
    with pytest.raises(TypeError):
        Retry(after=5)  # type: ignore[call-arg]


@pytest.mark.parametrize("error", [ValueError("x"), SystemExit(3), KeyboardInterrupt(), BaseException("x")])
def test_whatever_a_task_raises_is_a_failed_attempt(error: BaseException) -> None:
    def task() -> None:
        raise error

    failed = failure(task)
    assert failed.how == "exception"
    assert failed.error == type(error).__name__
    assert failed.exception is error


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


# Bodies.


@pytest.mark.parametrize(
    ("body", "format_", "payload"),
    [
        (b'{"a": [1, null]}', "json", {"a": [1, None]}),
        (b'"x"', "json", "x"),
        ("é".encode(), "text", "é"),
        (b"\xff\x00", "bytes", b"\xff\x00"),
        (b"", "text", ""),
    ],
)
def test_a_body_is_decoded_by_its_events_format(body: bytes, format_: Format, payload: object) -> None:
    assert call.decode(body, format_) == payload


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"{}x", b"nan", b'{"a": NaN}', b"\xff", b'"\xff"', b'"\\ud800"', b"[" * 100_000, b"9" * 5000],
)
def test_a_body_that_is_no_json_is_told_as_such(body: bytes) -> None:
    with pytest.raises(BadBody, match="JSON"):
        call.decode(body, "json")


def test_a_body_that_is_no_text_is_told_as_such() -> None:
    with pytest.raises(BadBody, match="UTF-8"):
        call.decode(b"\xff", "text")


# Entry points.


@pytest.fixture
def tasks_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    name = "tasks_of_test_call"
    (tmp_path / f"{name}.py").write_text(
        "number = 5\n\nclass Tasks:\n    @staticmethod\n    def ship(order_id):\n        return order_id\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, name, raising=False)
    return name


def test_an_entry_point_may_be_dotted(tasks_module: str) -> None:
    assert call.find(entry(tasks_module, "Tasks.ship"))(3) == 3


def test_an_entry_point_that_is_not_there_is_told(tasks_module: str) -> None:
    for module, attribute in [("no.such.module", "f"), (tasks_module, "nobody"), (tasks_module, "number")]:
        with pytest.raises(BadEntryPoint, match=f"{module}:{attribute}"):
            call.find(entry(module, attribute))


@pytest.mark.parametrize("line", ["1 / 0", "raise SystemExit(3)", "raise ValueError('x' * 1_000_000)"])
def test_a_module_that_fails_at_its_import_is_told_in_few_words(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "fails_at_import.py").write_text(line)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(BadEntryPoint) as told:
        call.find(entry("fails_at_import", "f"))
    assert len(str(told.value)) < 5000
    assert isinstance(sys.modules.get("fails_at_import"), ModuleType | None)


def test_what_cannot_be_called_with_a_message_is_refused() -> None:
    def generator() -> Any:
        yield 1

    async def async_generator() -> Any:
        yield 1

    def positional(order_id: int, /) -> None: ...

    for function in (generator, async_generator, positional, dict):
        with pytest.raises(BadEntryPoint):
            inspect_function(function)
