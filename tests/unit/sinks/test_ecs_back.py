"""Documents come back as the records that they were made of."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import structs

from ebats.pipelines.sink import Exposure
from ebats.runner.execution.record import Execution, Log, Record, RequestNote, encode
from ebats.runner.sinks.ecs import Documents
from ebats.runner.sinks.ecs_back import record as back
from ebats.runner.sinks.exposure import Exposures
from ebats.runner.sinks.setting import Setting
from tests.records import execution, log

DOCUMENTS = Documents(
    Setting(pipeline="shop", folder="/"), Exposures(Exposure(payload="full", limit=10**9)), "logs-ebats-shop"
)

#: What doesn't come back as it was, and why.
LOST = {
    "wait_s": "it is in whole milliseconds",
    "run_s": "it is in whole nanoseconds",
    "labels": "dots in their names become underscores (no label of a file has one); none is as an empty dict",
    "requests": "none is as an empty list",
    "payload": "null is as none",
    "result": "null is as none",
}

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
MAYBE = st.none() | TEXTS
TIMES = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))
SECONDS = st.floats(0, 10**6).map(lambda seconds: round(seconds, 6))
LEVELS = st.sampled_from(["debug", "info", "warning", "error"])
JSON = st.recursive(
    st.booleans() | st.integers(-(2**63), 2**63) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
REQUESTS = st.builds(
    RequestNote,
    method=TEXTS,
    # Others are masked.
    url=st.text("abc:/é", max_size=20),
    outcome=st.sampled_from(["success", "failed", "refused", "skipped"]),
    status=st.none() | st.integers(100, 599),
    seconds=st.none() | SECONDS,
    text=MAYBE,
    body=MAYBE,
)
EXECUTIONS = st.builds(
    Execution,
    time=TIMES,
    level=LEVELS,
    pipeline=TEXTS,
    task=TEXTS,
    queue=TEXTS,
    id=TEXTS,
    attempt=st.integers(1, 10**6),
    attempts=st.integers(1, 10**6),
    outcome=st.sampled_from(["success", "retry", "postponed", "dead"]),
    process=TEXTS,
    wait_s=st.none() | st.integers(0, 10**9).map(lambda ms: ms / 1000),
    run_s=st.none() | SECONDS,
    event=MAYBE,
    exchange=MAYBE,
    key=MAYBE,
    published=st.none() | TIMES,
    size=st.none() | st.integers(0, 2**40),
    redelivered=st.booleans(),
    correlation=MAYBE,
    trace=MAYBE | st.just("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    environment=MAYBE,
    reason=MAYBE,
    error=MAYBE,
    text=MAYBE,
    traceback=MAYBE,
    next=st.none() | TIMES,
    labels=st.none()
    | st.dictionaries(st.text("aB0_-", min_size=1, max_size=5), TEXTS, min_size=1, max_size=3),
    requests=st.none() | st.lists(REQUESTS, min_size=1, max_size=3),
    payload=st.none() | JSON,
    result=st.none() | JSON,
    host=TEXTS,
    pid=st.integers(0, 2**22),
)
LOGS = st.builds(
    Log,
    time=TIMES,
    level=LEVELS,
    pipeline=TEXTS,
    process=TEXTS,
    text=TEXTS,
    environment=MAYBE,
    task=st.none() | TEXTS.filter(bool),
    id=MAYBE,
    traceback=MAYBE,
    action=MAYBE,
    host=TEXTS,
    pid=st.integers(0, 2**22),
)


def there_and_back(record: Record) -> Record:
    return back(DOCUMENTS.of(encode(record), "a1"))


@given(EXECUTIONS | LOGS)
@example(execution(outcome="postponed", text="its host is down", run_s=None))
@example(execution(outcome="postponed", text="x", reason="y", error="z"))
@example(execution(payload={"payload_json": 1}, result={"a": ["b"]}))
def test_a_record_comes_back_as_it_was(record: Record) -> None:
    assert there_and_back(record) == record


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"wait_s": 0.0004}, {"wait_s": 0.0}),
        ({"run_s": 1e-10}, {"run_s": 0.0}),
        ({"labels": {"a.b": "1"}}, {"labels": {"a_b": "1"}}),
        ({"labels": {}}, {"labels": None}),
        ({"requests": []}, {"requests": None}),
        ({"payload": None}, {"payload": None}),
    ],
)
def test_little_is_lost_on_the_way(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert before.keys() <= LOST.keys()
    assert there_and_back(execution(**before)) == execution(**after)


def test_the_round_trip_is_of_every_field() -> None:
    filled = execution(
        published=execution().time, next=execution().time + timedelta(seconds=1), labels={"a": "b"}
    )
    assert set(structs.asdict(filled)) == set(Execution.__struct_fields__)
    for kind, strategy in ((Execution, EXECUTIONS), (Log, LOGS)):
        drawn = repr(strategy)
        assert [name for name in kind.__struct_fields__ if f"{name}=" not in drawn] == []


def test_keys_of_a_payload_come_back_as_a_list() -> None:
    keys = Documents(Setting(pipeline="shop", folder="/"), Exposures(Exposure(payload="keys")))
    document = keys.of(encode(execution(payload={"a": {"b": 1}}, result=1)))
    assert back(document) == execution(payload=["a.b"], result=[])


def test_what_others_add_to_a_document_is_passed_over() -> None:
    document = msgspec.json.decode(DOCUMENTS.document(log()))
    document |= {"agent": {"name": "filebeat"}, "tags": ["x"]}
    document["host"] = {"os": {"name": "Linux"}}
    assert back(msgspec.json.encode(document)) == log()


@pytest.mark.parametrize(
    "data", [b"{}", b"[]", b"", b'{"@timestamp": "2026-01-01T00:00:00Z", "message": "x"}']
)
def test_somebody_else_s_document_is_refused(data: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        back(data)
