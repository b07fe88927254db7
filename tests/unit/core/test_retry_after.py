"""`raise Retry(after=...)`: the wait that a task chooses."""

import copy
import pickle
import time
from datetime import timedelta
from typing import Any

import pytest

from ebats import Retry
from ebats.pipelines.model import Ladder
from ebats.runner.execution import settle
from ebats.runner.execution.outcome import Dead, Failed, decide
from ebats.runner.execution.outcome import Retry as Again
from ebats.runner.execution.reading import Early, Runs, read
from tests.unit.core.messages import FAILED, ROUTES, SHIP, SHOP, paid
from tests.unit.core.shop import Bench, again, delivery

RUNGS_MS = (500, 1_000, 30_000, 37_000)


@pytest.mark.parametrize(
    ("after", "ms"),
    [
        (0, 0),
        (5, 5_000),
        (0.0001, 1),
        ("90s", 90_000),
        ("1h30m", 5_400_000),
        (timedelta(minutes=2), 120_000),
        (timedelta(days=90), 7_776_000_000),
        (None, None),
    ],
)
def test_a_wait_is_seconds_a_text_or_a_timedelta_and_never_rounded_down(after: Any, ms: int | None) -> None:
    error = Retry("busy", after=after)
    assert (str(error), error.after_ms) == ("busy", ms)
    assert pickle.loads(pickle.dumps(error)).after_ms == copy.copy(error).after_ms == ms


BAD: list[Any] = [
    *(-1, -0.5, float("nan"), float("inf"), 10**30, "120", "soon", "", "-5s", True, [], object(), b"5s"),
    *(timedelta(seconds=-1), timedelta.max, {"seconds": 5}, 10**400),
]


@pytest.mark.parametrize("after", BAD, ids=lambda after: repr(after)[:20])
def test_any_other_wait_is_an_error_of_that_attempt(after: Any) -> None:
    def task() -> None:
        raise Retry("busy", after=after)

    bench = Bench(ship=task)
    bench.take(delivery("shop.tasks", "ship"))
    bench.execute()
    (message,) = bench.published.messages
    assert message.exchange == "shop.delay.90s"
    assert message.headers["ebats-error"] in ("ValueError", "TypeError")
    assert "write seconds, a text such as '90s', or a timedelta" in message.headers["ebats-text"]


def test_a_class_of_its_own_may_leave_the_wait_out() -> None:
    class Busy(Retry):
        def __init__(self) -> None:
            Exception.__init__(self, "busy")

    def task() -> None:
        raise Busy

    bench = Bench(ship=task)
    bench.take(delivery("shop.tasks", "ship"))
    bench.execute()
    assert bench.published.messages[0].exchange == "shop.delay.90s"


def test_the_ladder_says_how_often_and_the_task_how_long() -> None:
    failed = Failed("retry", "ebats.Retry", "busy", after_ms=37_000)
    ladder = Ladder(rungs_ms=(1_000, 3_000))
    decisions = [decide(failed, ladder, attempt) for attempt in (1, 2, 3)]
    assert decisions == [Again(37_000, chosen=True)] * 2 + [Dead("exhausted")]
    decisions = [decide(failed, None, attempt) for attempt in range(1, 7)]
    assert decisions == [Again(37_000, chosen=True)] * 5 + [Dead("exhausted")]


@pytest.mark.parametrize(
    ("wait_ms", "rung"), [(37_000, "37s"), (36_400, "30s"), (37_300, "37s"), (0, "500ms"), (60_000, "37s")]
)
def test_a_rung_of_that_length_is_taken_as_it_is_and_else_hops(wait_ms: int, rung: str) -> None:
    retry = Again(wait_ms, chosen=True)
    message = settle.retry(SHOP, paid(), SHIP, retry, FAILED, 50.0, RUNGS_MS)
    assert (message.exchange, message.key) == (f"shop.delay.{rung}", "ship")
    assert message.headers["ebats-due"] == 50.0 + wait_ms / 1000
    assert message.headers["ebats-attempt"] == 2


def test_a_rung_of_the_ladder_says_nothing_of_when() -> None:
    envelope = paid(headers={"ebats-due": 900.0})
    message = settle.retry(SHOP, envelope, SHIP, Again(90_000), FAILED, 50.0)
    assert "ebats-due" not in message.headers


def test_the_record_tells_when_the_next_attempt_is_due_and_the_next_one_how_long_it_waited_since() -> None:
    def task() -> None:
        raise Retry("busy", after=40)

    bench = Bench(ship=task)
    bench.take(delivery("shop.tasks", "ship"))
    bench.execute()
    (record,) = bench.lines.executions()
    assert record.next is not None
    assert (record.next - record.time).total_seconds() == pytest.approx(40, abs=0.002)
    (message,) = bench.published.messages
    assert message.headers["ebats-due"] == pytest.approx(record.next.timestamp(), abs=0.001)
    # Half a second late, and at work a second after that
    back = again(message, "shop.demo")
    back.exchange, back.received = "shop.tasks", message.headers["ebats-due"] + 0.5
    meaning = read(back, ROUTES)
    assert isinstance(meaning, Runs)
    back.received -= 1
    assert isinstance(read(back, ROUTES), Early)


def test_a_wait_in_a_record_counts_from_when_it_was_due() -> None:
    bench = Bench(ship=lambda: None)
    headers = {"ebats-due": time.time() - 5, "ebats-published": time.time() - 500, "ebats-attempt": 2}
    one = delivery("shop.tasks", "ship", headers=headers)
    one.received = time.time()
    bench.take(one)
    (run,) = bench.held.runs
    run.started, run.started_at = time.monotonic(), time.time()
    bench.execute()
    (record,) = bench.lines.executions()
    assert record.wait_s is not None
    assert 5 <= record.wait_s < 6
