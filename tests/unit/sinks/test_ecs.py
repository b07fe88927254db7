"""A record as a document: each field where the Elastic Common Schema has it, and nothing forged."""

from dataclasses import replace

import msgspec
import pytest

from ebats import __version__
from ebats.pipelines.sink import Exposure
from ebats.runner.execution.record import encode, utc
from ebats.runner.sinks.ecs import Documents
from ebats.runner.sinks.exposure import Exposures
from tests.documents import SETTING, TRACE, document, documents
from tests.records import NOON, execution, log

WHOLE = {
    "@timestamp": "2026-01-01T12:00:00.125000Z",
    "ecs": {"version": "8.11.0"},
    "message": "close_order succeeded at attempt 1 of 6 in 0.004 s",
    "labels": {"order": "FB138"},
    "log": {"level": "info", "logger": "ebats.execution"},
    "event": {
        "kind": "event",
        "category": ["process"],
        "type": ["end"],
        "action": "task-executed",
        "outcome": "success",
        "duration": 4_000_000,
        "start": "2026-01-01T12:00:00.121000Z",
        "end": "2026-01-01T12:00:00.125000Z",
        "created": "2026-01-01T11:59:59.125000Z",
        "id": "a1",
        "dataset": "ebats",
        "module": "ebats",
    },
    "service": {
        "name": "shop",
        "version": __version__,
        "environment": "production",
        "node": {"name": "srv1#orders#2"},
        "type": "ebats",
    },
    "host": {"name": "srv1"},
    "process": {"name": "orders#2", "pid": 7},
    "trace": {"id": "0af7651916cd43dd8448eb211c80319c"},
    "span": {"id": "b7ad6b7169203331"},
    "transaction": {"id": "b7ad6b7169203331"},
    "messaging": {
        "system": "rabbitmq",
        "operation": {"name": "process"},
        "destination": {"name": "demo"},
        "rabbitmq": {"destination": {"routing_key": "order_create"}},
        "message": {"id": "FB138", "conversation_id": "c1", "body": {"size": 123}},
    },
    "ebats": {
        "task": {"name": "close_order", "kind": "python"},
        "event": {"name": "order_create"},
        "queue": "demo",
        "exchange": "shop.events",
        "outcome": "success",
        "attempt": 1,
        "max_attempts": 6,
        "wait_ms": 12,
        "redelivered": True,
        "traceparent": TRACE,
    },
    "data_stream": {"type": "logs", "dataset": "ebats", "namespace": "shop"},
}


def test_a_success_is_an_event_with_everything_that_is_known() -> None:
    record = execution(
        environment="production",
        exchange="shop.events",
        key="order_create",
        published=utc(NOON - 1),
        size=123,
        redelivered=True,
        correlation="c1",
        trace=TRACE,
        labels={"order": "FB138"},
        host="srv1",
        pid=7,
    )
    assert document(record) == WHOLE


def test_a_failure_says_why_and_when_it_is_tried_again() -> None:
    found = document(
        execution(
            outcome="retry",
            level="warning",
            error="ValueError",
            text="no\nsuch order",
            traceback="  File ...",
            next=utc(NOON + 5),
        )
    )
    assert found["message"] == (
        "close_order failed at attempt 1 of 6 in 0.004 s, next at 2026-01-01 12:00:05Z: "
        "ValueError: no\\nsuch order"
    )
    assert found["error"] == {"type": "ValueError", "message": "no\nsuch order", "stack_trace": "  File ..."}
    event = found["event"]
    assert (event["action"], event["outcome"], event["reason"]) == ("task-retried", "failure", "ValueError")
    assert found["ebats"]["retry"] == {"delay_ms": 5000, "next_at": "2026-01-01T12:00:05.125000Z"}


def test_a_dead_letter_says_its_reason() -> None:
    found = document(execution(outcome="dead", level="error", reason="exhausted", error="OSError", text="x"))
    assert found["message"] == "close_order is dead after attempt 1 of 6 in 0.004 s (exhausted): OSError: x"
    event = found["event"]
    assert (event["action"], event["outcome"], event["reason"]) == ("task-dead", "failure", "exhausted")
    assert found["ebats"]["reason"] == "exhausted"


def test_a_message_that_was_never_run_was_rejected() -> None:
    found = document(execution(outcome="dead", reason="undecodable", task="", run_s=None, text="no JSON"))
    assert found["message"] == "a message is dead after attempt 1 of 6 (undecodable): no JSON"
    assert found["event"]["action"] == "message-rejected"
    assert "start" not in found["event"]
    assert "duration" not in found["event"]
    assert "task" not in found["ebats"]


def test_a_wait_is_no_error() -> None:
    found = document(execution(outcome="postponed", run_s=None, text="its host is down", next=utc(NOON + 60)))
    assert found["message"] == (
        "close_order waits for attempt 1 of 6 until 2026-01-01 12:01:00Z: its host is down"
    )
    event = found["event"]
    assert (event["action"], event["outcome"], event["reason"]) == (
        "task-postponed",
        "unknown",
        "its host is down",
    )
    assert "error" not in found


@pytest.mark.parametrize(
    "trace",
    [
        "",
        "x",
        TRACE.upper(),
        TRACE[:-3],
        f"ff{TRACE[2:]}",
        f"00-{'0' * 32}-b7ad6b7169203331-01",
        f"{TRACE}\n",
    ],
)
def test_a_bad_traceparent_is_kept_and_not_read(trace: str) -> None:
    found = document(execution(trace=trace))
    assert not {"trace", "span", "transaction"} & found.keys()
    assert found["ebats"]["traceparent"] == trace


def test_a_process_s_line_is_information() -> None:
    found = document(log(text="started\nx", environment="test", host="srv1", pid=3))
    assert found["message"] == "started\nx"
    assert found["log"] == {"level": "info", "logger": "ebats.process"}
    assert found["event"] == {
        "kind": "event",
        "category": ["process"],
        "type": ["info"],
        "id": "a1",
        "dataset": "ebats",
        "module": "ebats",
    }
    assert not {"ebats", "messaging", "error"} & found.keys()


def test_a_task_s_own_line_names_task_and_message() -> None:
    found = document(log(task="close_order", id="FB138", traceback="...", action="alert-sent"))
    assert found["log"]["logger"] == "ebats.task"
    assert found["ebats"] == {"task": {"name": "close_order", "kind": "python"}}
    assert found["messaging"] == {"message": {"id": "FB138"}}
    assert found["error"] == {"stack_trace": "..."}
    assert found["event"]["action"] == "alert-sent"


def test_the_embedded_broker_is_named() -> None:
    line = encode(execution())
    found = msgspec.json.decode(documents(setting=replace(SETTING, broker_system="sqlite")).of(line))
    assert found["messaging"]["system"] == "sqlite"
    assert "id" not in found["event"]


def test_a_document_without_a_data_stream_is_of_ebats() -> None:
    found = msgspec.json.decode(Documents(SETTING, Exposures(Exposure())).of(encode(execution())))
    assert found["event"]["dataset"] == "ebats"
    assert "data_stream" not in found


def test_the_dataset_is_the_data_stream_s() -> None:
    stream = Documents(SETTING, Exposures(Exposure()), "logs-shop.tasks-eu.west")
    found = msgspec.json.decode(stream.of(encode(execution())))
    assert found["event"]["dataset"] == "shop.tasks"
    assert found["data_stream"] == {"type": "logs", "dataset": "shop.tasks", "namespace": "eu.west"}


def test_nothing_of_a_payload_overwrites_a_field_or_begins_a_line() -> None:
    payload = {"@timestamp": "x", "event": {"outcome": "success"}, "a\nb": "\r\n{}\u2028", "service.name": 1}
    data = documents("full").of(
        encode(
            execution(payload=payload, task="a\nb", id="x\n", labels={"a": "\n"}, text="\n", outcome="dead")
        )
    )
    assert b"\n" not in data
    found = msgspec.json.decode(data)
    assert found["event"]["outcome"] == "failure"
    assert found["@timestamp"] == "2026-01-01T12:00:00.125000Z"
    assert found["ebats"]["payload"] == payload
    assert found["message"] == "a\\nb is dead after attempt 1 of 6 in 0.004 s: \\n"


def test_labels_with_dots_are_neither_lost_nor_objects() -> None:
    labels = {"a": "1", "a.b": "2", "a_b": "3", "a.b.c": "4", "": "5"}
    assert document(execution(labels=labels))["labels"] == {
        "a": "1",
        "a_b": "3",
        "a_b_": "2",
        "a_b_c": "4",
        "_": "5",
    }


def test_many_speakers_are_not_all_remembered() -> None:
    made = documents()
    for number in range(1100):
        found = msgspec.json.decode(made.document(log(pid=number + 1)))
        assert found["process"]["pid"] == number + 1
    assert len(made._speakers) < 1100
