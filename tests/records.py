"""Records to write, for the tests of everything between a task and a sink."""

from typing import Any

from ebats.pipelines.problems import Place
from ebats.runner.execution.record import Execution, Line, Log, encode, utc
from ebats.runner.sinks.sink import Sink, SinkError

NOON = 1_767_268_800.125  # 2026-01-01T12:00:00.125Z
PLACE = Place(file="pipeline.yaml", line=1, column=1)


def execution(**changes: Any) -> Execution:
    """Return a successful attempt with these differences."""
    values: dict[str, Any] = {
        "time": utc(NOON),
        "level": "info",
        "pipeline": "shop",
        "task": "close_order",
        "queue": "demo",
        "id": "FB138",
        "attempt": 1,
        "attempts": 6,
        "outcome": "success",
        "process": "orders#2",
        "wait_s": 0.012,
        "run_s": 0.004,
        "event": "order_create",
    }
    return Execution(**values | changes)


def log(**changes: Any) -> Log:
    """Return a log record with these differences."""
    values: dict[str, Any] = {
        "time": utc(NOON),
        "level": "info",
        "pipeline": "shop",
        "process": "orders#2",
        "text": "started",
    }
    return Log(**values | changes)


def numbered(count: int, start: int = 0, **changes: Any) -> list[Line]:
    """Return so many lines whose ids are numbers."""
    return [encode(execution(id=str(number), **changes)) for number in range(start, start + count)]


def write_all(sink: Sink, lines: list[Line]) -> None:
    """Write lines to a sink, again and again what it couldn't take yet."""
    while lines:
        try:
            sink.write(lines)
            return
        except SinkError as failure:
            lines = failure.rest
