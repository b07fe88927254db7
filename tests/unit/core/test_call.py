"""How a task's function is called."""

import functools
from typing import Any

import pytest

import ebats
from ebats import Context, Payload
from ebats.runner.execution.outcome import Failed, Returned
from tests.unit.core.calls import CONTEXT, run

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
