"""Each panel's search on a real Elasticsearch, filled by a real run: it returns what was put in."""

import json
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from ebats.runner.kibana.objects import saved_objects
from ebats.runner.kibana.shapes import ndjson
from tests.integration.kibana.run import NAME, Filled, is_percentile, minute
from tests.lens import Panel, Row

pytestmark = pytest.mark.slow
Record = dict[str, Any]
ENDED = ("success", "retry", "dead")
FAILED = ("retry", "dead")


def rows(filled: Filled, name: str) -> list[Row]:
    """Return what a panel shows."""
    saved = map(json.loads, ndjson(saved_objects(NAME, filled.elastic.stream)).splitlines())
    (lens,) = (each for each in saved if each["type"] == "lens" and each["id"].endswith(f"-lens-{name}"))
    panel = Panel(lens)
    return panel.rows(filled.elastic.search(**panel.body()))


def counts(records: Iterable[Record], *keys: Callable[[Record], object]) -> Counter[Any]:
    """Return how many records there are of each combination of keys."""
    return Counter(tuple(key(record) for key in keys) for record in records)


def as_counts(shown: Iterable[Row], *names: str) -> Counter[Any]:
    return Counter({tuple(row[name] for name in names): row["count"] for row in shown})


def task(record: Record) -> object:
    return record["task"]


def ran_ns(records: Iterable[Record]) -> list[float]:
    return [round(record["run_s"] * 1e9) for record in records if "run_s" in record]


def test_the_run_has_something_of_everything(filled: Filled) -> None:
    assert {record["outcome"] for record in filled.records} >= set(ENDED)
    assert len({record["attempt"] for record in filled.of("retry")}) == 3
    assert len({record["reason"] for record in filled.of("dead")}) >= 5
    assert len({one.get("status", 0) for each in filled.records for one in each.get("requests", ())}) == 5


@pytest.mark.parametrize(
    ("name", "outcomes"), [("executions", ENDED), ("retries", ("retry",)), ("dead", ("dead",))]
)
def test_a_number_counts(name: str, outcomes: tuple[str, ...], filled: Filled) -> None:
    assert rows(filled, name) == [{"count": len(filled.of(*outcomes))}]


def test_the_failure_rate_is_failures_by_executions(filled: Filled) -> None:
    (row,) = rows(filled, "failure-rate")
    failed, ended = len(filled.of(*FAILED)), len(filled.of(*ENDED))
    assert (row["rateX0"], row["rateX1"]) == (failed, ended)
    assert row["rate"] == pytest.approx(failed / ended)
    assert 0 < row["rate"] < 1


def test_the_failure_rate_over_time_is_that_of_each_minute(filled: Filled) -> None:
    failed, ended = counts(filled.of(*FAILED), minute), counts(filled.of(*ENDED), minute)
    shown = {(row["time"],): row["rate"] for row in rows(filled, "failure-rate-over-time")}
    assert shown == pytest.approx({moment: failed[moment] / ended[moment] for moment in ended})


def test_executions_by_outcome_over_time(filled: Filled) -> None:
    shown = as_counts(rows(filled, "outcomes"), "outcome", "time")
    assert shown == counts(filled.records, lambda record: record["outcome"], minute)


def test_retries_by_rung(filled: Filled) -> None:
    shown = rows(filled, "rungs")
    retried = counts(filled.of("retry"), lambda record: record["attempt"], task)
    assert as_counts(shown, "rung", "task") == retried
    assert [row["rung"] for row in shown] == sorted(row["rung"] for row in shown)


def test_dead_letters_by_reason(filled: Filled) -> None:
    shown = rows(filled, "reasons")
    assert as_counts(shown, "reason", "task") == counts(filled.of("dead"), lambda one: one["reason"], task)


def test_statuses_of_callbacks_over_time(filled: Filled) -> None:
    shown = as_counts(rows(filled, "statuses"), "status", "time")
    called = filled.of(task="tell_merchant")
    assert shown == counts(called, lambda record: record["requests"][0]["status"], minute)


def test_run_times_by_task_with_the_slowest_first(filled: Filled) -> None:
    shown = rows(filled, "run-time")
    assert {row["task"] for row in shown} == {record["task"] for record in filled.records}
    for row in shown:
        values = ran_ns(filled.of(task=row["task"]))
        for percent in (50, 95, 99):
            assert is_percentile(row[f"p{percent}"], values, percent), (row, values)
    assert [row["p95"] for row in shown] == sorted((row["p95"] for row in shown), reverse=True)


def test_run_times_over_time_tell_which_task_got_slow_and_when(filled: Filled) -> None:
    shown = rows(filled, "run-time-over-time")
    ran = counts((each for each in filled.records if "run_s" in each), task, minute)
    assert {(row["task"], row["time"]) for row in shown} == set(ran)
    for row in shown:
        values = ran_ns(each for each in filled.of(task=row["task"]) if minute(each) == row["time"])
        assert is_percentile(row["p95"], values, 95), (row, values)


def test_the_slowest_tasks_come_first(filled: Filled) -> None:
    shown = rows(filled, "slowest-tasks")
    assert {row["task"] for row in shown} == {record["task"] for record in filled.records}
    for row in shown:
        values = ran_ns(filled.of(task=row["task"]))
        assert (row["count"], row["longest"]) == (len(values), max(values))
        assert is_percentile(row["p95"], values, 95)
    assert [row["longest"] for row in shown] == sorted((row["longest"] for row in shown), reverse=True)


def test_wait_times_over_time(filled: Filled) -> None:
    waited = [record for record in filled.records if "wait_s" in record]
    shown = rows(filled, "wait")
    assert {row["time"] for row in shown} == {minute(record) for record in waited}
    for row in shown:
        values = [round(each["wait_s"] * 1000) for each in waited if minute(each) == row["time"]]
        assert row["longest"] == max(values)
        assert is_percentile(row["p50"], values, 50)
        assert is_percentile(row["p95"], values, 95)
