"""Calling a function as a task is called."""

from collections.abc import Callable
from typing import Any

from ebats import Context
from ebats.runner.execution import call
from ebats.runner.execution.call import inspect_function
from ebats.runner.execution.outcome import Failed, Result

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
