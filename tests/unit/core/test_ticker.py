"""The messages of a clock, and what its process needs to make them."""

import json
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from ebats.pipelines.load import from_bytes
from ebats.pipelines.plan import producers
from ebats.pipelines.producer import TickProducer
from ebats.pipelines.ticks import Memory, from_json, to_json
from ebats.runner.execution.settle import Outgoing
from ebats.runner.roles.ticker import Messages, Ticker

#: 2026-11-22T19:00:00Z
TICK_MS = 1_795_374_000_000


def messages(event: dict[str, object] | None = None, **clock: object) -> Messages:
    """Return what makes the messages of a clock, of an event or else of a task."""
    target = {"event": "ticked"} if event is not None else {"task": "report"}
    file = {
        "version": 1,
        "name": "shop",
        "timezone": "Asia/Shanghai",
        "tasks": {"report": {"python": "shop.tasks:report"}},
        "events": {"ticked": {"tasks": ["report"], **(event or {})}},
        "producers": {"clock": {"cron": "0 3 * * *", **target, **clock}},
    }
    pipeline = from_bytes("shop.yaml", json.dumps(file).encode(), {}).pipeline
    producer = pipeline.producers["clock"]
    assert isinstance(producer, TickProducer)
    return Messages(pipeline, producer)


def test_a_tick_is_a_message_with_its_time_and_its_id() -> None:
    (message,) = messages({}, payload={"at": "{{ tick }}"}).of(TICK_MS, is_start=False)
    assert (message.exchange, message.key) == ("shop.events", "ticked")
    assert json.loads(message.body) == {"at": "2026-11-23T03:00:00+08:00"}
    assert message.properties["message_id"] == "shop-clock-2026-11-22T19:00:00Z"
    assert message.properties["content_type"] == "application/json"


def test_a_task_is_addressed_by_its_name() -> None:
    (message,) = messages().of(TICK_MS, is_start=True)
    assert (message.exchange, message.key, message.body) == ("shop.tasks", "report", b"{}")
    assert message.properties["message_id"] == "shop-clock-start-2026-11-22T19:00:00Z"


@pytest.mark.parametrize("format_", ["text", "bytes"])
def test_an_event_of_another_format_gets_its_text(format_: str) -> None:
    (message,) = messages({"format": format_}, payload="{{ tick }}").of(TICK_MS, is_start=False)
    assert message.body == b"2026-11-23T03:00:00+08:00"


def test_a_tick_that_breaks_the_schema_of_its_event_is_no_message() -> None:
    schema = {"properties": {"at": {"type": "number"}}}
    with pytest.raises(ValueError, match="/at: must be a number"):
        messages({"schema": schema}, payload={"at": "{{ tick }}"}).of(TICK_MS, is_start=False)


def test_a_clock_imports_neither_what_reads_files_nor_what_checks_schemas() -> None:
    program = (
        "import sys, ebats.runner.process, ebats.runner.roles.ticker\n"
        "heavy = {'ebats.pipelines.source', 'jsonschema', 'jsonschema_rs', 'aiohttp', 'loguru'}\n"
        "sys.exit(','.join(heavy & sys.modules.keys()) or None)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


class Late:
    """Holds the lock at once; what its queue keeps comes back at the third look."""

    def __init__(self, kept: bytes) -> None:
        self.looks = 0
        self.published: list[Outgoing] = []
        self._kept = kept

    def take(self, _queue: str) -> list[object]:
        """Return what is in the queue."""
        self.looks += 1
        return [SimpleNamespace(body=self._kept)] if self.looks == 3 else []

    def wait(self, _timeout_s: float) -> None:
        """Wait for nothing."""

    def publish(self, messages: list[Outgoing], _count: object) -> list[Outgoing]:
        """Keep it."""
        self.published += messages
        return []

    def acknowledge(self, _messages: object) -> None:
        """Do nothing."""


def test_what_is_kept_is_looked_for_again_before_a_start_is_taken_for_the_first() -> None:
    # Given a leader that was killed with what is kept in hand, an hour and more after its last tick
    file = {
        "version": 1,
        "name": "shop",
        "tasks": {"report": {"python": "shop.tasks:report"}},
        "producers": {"clock": {"cron": "* * * * *", "task": "report"}},
    }
    pipeline = from_bytes("shop.yaml", json.dumps(file).encode(), {}).pipeline
    (spec,) = producers(pipeline, 0)
    stopping = iter([False, False, False, True])
    reporting: Any = SimpleNamespace(say=lambda *_: None, count=lambda *_: None, is_busy=True)
    ticker = Ticker(spec, reporting)
    kept = Memory(dealt_ms=TICK_MS, schedule=ticker._memory.schedule)
    late = ticker._lead = Late(to_json(kept).encode())  # type: ignore[assignment]
    ticker._stopping = lambda: next(stopping, True)  # type: ignore[method-assign]
    ticker._tell = lambda **_: None  # type: ignore[method-assign]
    ticker._is_ready = True

    # When another one takes over, and it comes back a moment later
    ticker._fire_all()

    # Then that one goes on from there
    assert late.looks >= 3
    assert from_json(late.published[0].body).dealt_ms == TICK_MS
