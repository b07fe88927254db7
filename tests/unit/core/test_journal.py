"""What is written down of each attempt."""

import time
from typing import Any

import pytest

from ebats.runner.execution.journal import Journal
from ebats.runner.execution.outcome import DONE, Dead, Decision, Failed, Result, Retry, Returned
from ebats.runner.execution.record import Execution, Log
from ebats.runner.execution.slots import Run
from tests.unit.core.shop import Lines, delivery, envelope_of, pipeline

SHOP = pipeline()
FAILED = Failed("exception", "shop.NoStock", "none left", "File x")


def run_of(task: str = "ship", *, started: bool = True, **more: Any) -> Run:
    queue = SHOP.tasks[task].queue.broker_name
    run = Run(
        envelope_of(delivery(more.pop("exchange", "shop.tasks"), more.pop("key", task), queue, **more), SHOP),
        SHOP.tasks[task],
        None,
    )
    if started:
        run.started, run.started_at = time.monotonic(), time.time()
    return run


def record_of(
    run: Run,
    decision: Decision = DONE,
    result: Result | None = None,
    payload: object = None,
    *,
    with_payload: bool = False,
) -> Execution:
    lines = Lines()
    journal = Journal(SHOP, "rest#1", lines, with_payload=with_payload)
    journal.execution(run, decision, result or Returned(), payload, time.time())
    (record,) = lines.executions()
    return record


def test_a_record_says_what_ran_where_and_for_whom() -> None:
    record = record_of(run_of(exchange="shop.events", key="order_paid", task="report"))
    assert (record.pipeline, record.event, record.task, record.queue) == (
        "shop",
        "order_paid",
        "report",
        "report",
    )
    assert (record.id, record.attempt, record.attempts, record.outcome) == ("m1", 1, 1, "success")
    assert (record.process, record.environment, record.level) == ("rest#1", "test", "info")
    assert record.pid
    assert record.host


def test_a_retry_says_when_the_next_attempt_is_due() -> None:
    record = record_of(run_of(), Retry(90_000), FAILED)
    assert (record.outcome, record.level, record.attempts) == ("retry", "warning", 2)
    assert record.next is not None
    assert 89.9 <= (record.next - record.time).total_seconds() <= 90.1
    assert (record.error, record.text, record.traceback) == ("shop.NoStock", "none left", "File x")


def test_a_death_says_why() -> None:
    record = record_of(run_of(), Dead("exhausted"), FAILED)
    assert (record.outcome, record.level, record.reason, record.next) == ("dead", "error", "exhausted", None)


def test_without_a_ladder_a_retry_is_one_of_six_attempts() -> None:
    assert record_of(run_of("report"), Retry(10_000), FAILED).attempts == 6
    later = run_of("report", headers={"ebats-attempt": 6, "ebats-last": time.time() - 10})
    assert (record_of(later, Dead("exhausted"), FAILED).attempt, record_of(later).attempts) == (6, 6)
    assert record_of(run_of("report"), Dead("failed"), FAILED).attempts == 1


def test_the_wait_of_a_first_attempt_is_from_its_publishing() -> None:
    record = record_of(run_of(headers={"ebats-published": time.time() - 5}))
    assert record.wait_s is not None
    assert 4.9 <= record.wait_s <= 15
    assert record.run_s is not None
    assert record_of(run_of()).wait_s is None


def test_the_wait_of_a_later_attempt_is_from_the_end_of_its_rung() -> None:
    record = record_of(run_of(headers={"ebats-attempt": 2, "ebats-last": time.time() - 95.0}))
    assert record.wait_s is not None
    assert 4.9 <= record.wait_s <= 15


def test_the_wait_of_a_delayed_task_is_from_the_end_of_its_delay() -> None:
    headers = {"ebats-event": "order_create", "ebats-published": time.time() - 15.0}
    record = record_of(run_of("close_order", headers=headers))
    assert record.wait_s is not None
    assert 4.9 <= record.wait_s <= 14


def test_a_clock_that_is_behind_makes_no_wait_negative() -> None:
    assert record_of(run_of(headers={"ebats-published": time.time() + 50})).wait_s == 0.0


def test_what_never_started_has_no_times() -> None:
    record = record_of(run_of(started=False), Dead("failed"), FAILED)
    assert (record.wait_s, record.run_s) == (None, None)


def test_labels_are_filled_in_from_the_payload() -> None:
    run = run_of("report", exchange="shop.events", key="order_paid")
    assert record_of(run, payload={"order": {"id": 7}}).labels == {"order": "7"}
    assert record_of(run, payload={"order": {}}).labels is None
    assert record_of(run, payload=[1]).labels is None


def test_payload_and_result_go_only_where_a_sink_asks() -> None:
    record = record_of(run_of(), payload={"a": 1}, result=Returned("done"))
    assert (record.payload, record.result) == (None, None)
    record = record_of(run_of(), payload={"a": 1}, result=Returned("done"), with_payload=True)
    assert (record.payload, record.result) == ({"a": 1}, "done")


class Odd:
    """Is no JSON."""

    def __repr__(self) -> str:
        return "odd " * 10_000


def test_a_result_that_is_no_json_goes_as_its_repr() -> None:
    record = record_of(run_of(), result=Returned(Odd()), with_payload=True)
    assert isinstance(record.result, str)
    assert record.result.startswith("odd odd")
    assert len(record.result) == 4096


def endless() -> list[Any]:
    found: list[Any] = []
    found.append(found)
    return found


@pytest.mark.parametrize("value", [{(1, 2): 3}, "\ud800", endless(), {"a": 2**70}])
def test_a_result_that_cannot_be_written_costs_no_record(value: object) -> None:
    lines = Lines()
    journal = Journal(SHOP, "rest#1", lines, with_payload=True)
    journal.execution(run_of(), DONE, Returned(value), None, time.time())
    assert [record.outcome for record in lines.executions()] == ["success"]
    assert all(isinstance(record, Execution | Log) for record in lines.records())


def test_a_death_without_a_run_is_recorded() -> None:
    lines = Lines()
    run = run_of(exchange="shop.events", key="order_paid", task="report")
    journal = Journal(SHOP, "lane", lines, with_payload=False)
    journal.not_run(run.envelope, None, Dead("unknown"), Failed("unknown", "Unknown", "why"))
    (record,) = lines.executions()
    assert (record.outcome, record.reason, record.text, record.event) == (
        "dead",
        "unknown",
        "why",
        "order_paid",
    )
