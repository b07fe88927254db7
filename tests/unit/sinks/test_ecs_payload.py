"""Payloads in documents: as an object where Elasticsearch can take it, else as a text."""

from typing import Any

import msgspec
import pytest

from ebats.pipelines.load import from_bytes
from ebats.pipelines.sink import Exposure
from ebats.runner.execution.record import encode
from ebats.runner.sinks.ecs import Documents
from ebats.runner.sinks.ecs_fields import NOTHING
from ebats.runner.sinks.ecs_payload import as_field
from ebats.runner.sinks.exposure import Exposures
from tests.documents import SETTING, document, documents
from tests.records import execution

TASKS = from_bytes(
    "pipeline.yaml",
    b"""
version: 1
name: shop
tasks:
  close_order: {python: "a:b"}
  loud: {python: "a:b", logs: {payload: full}}
  quiet: {python: "a:b", logs: {payload: none}}
""",
    {},
).pipeline.tasks

PAYLOADS: list[tuple[object, dict[str, Any]]] = [
    ({"order": {"id": "FB1"}, "lines": [1, {"sku": "a"}]}, {}),
    ({}, {}),
    (["a", 1], {"payload_json": '["a",1]'}),
    ("text", {"payload_json": '"text"'}),
    (0, {"payload_json": "0"}),
    ({"\0": 1}, {"payload_json": '{"\\u0000":1}'}),
    ({"number": 10**600}, {"payload_json": f'{{"number":{10**600}}}'}),
]


@pytest.mark.parametrize(("payload", "fields"), PAYLOADS)
def test_a_payload_is_an_object_or_a_text(payload: object, fields: dict[str, Any]) -> None:
    found = document(execution(payload=payload, result=payload), "full")["ebats"]
    fields = fields or {"payload": payload}
    assert {name: value for name, value in found.items() if name.startswith("payload")} == fields
    results = {name.replace("payload", "result"): value for name, value in fields.items()}
    assert {name: value for name, value in found.items() if name.startswith("result")} == results


def nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {"a": 1}
    for _ in range(depth - 1):
        value = {"a": value}
    return value


def test_a_payload_too_deep_or_with_too_long_a_path_for_elasticsearch_is_a_text() -> None:
    wide = {"a": [{"b": number} for number in range(30)]}
    for payload in (nested(20), wide):
        assert "payload" in document(execution(payload=payload), "full", limit=100_000)["ebats"]
    for bad in (nested(21), nested(400), {"k" * 25_000: 1}):
        found = document(execution(payload=bad), "full", limit=100_000)["ebats"]
        assert msgspec.json.decode(found["payload_json"]) == bad


def test_only_the_names_of_keys_stand_in_a_document_where_no_more_is_asked_for() -> None:
    found = document(execution(payload={"order": {"id": "FB1"}}, result=[{"a": 1}]), "keys")["ebats"]
    assert found["payload_keys"] == ["order.id"]
    assert found["result_keys"] == ["a"]
    assert not {"payload", "payload_json", "result", "result_json"} & found.keys()


def test_a_task_decides_what_stands_in_its_documents() -> None:
    exposures = Exposures(Exposure(payload="keys"), TASKS)
    made = Documents(SETTING, exposures, "logs-ebats-shop")
    for task, fields in (("close_order", {"payload_keys"}), ("loud", {"payload"}), ("quiet", set())):
        found = msgspec.json.decode(made.of(encode(execution(task=task, payload={"a": 1}))))["ebats"]
        assert {name for name in found if name.startswith("payload")} == fields


def test_a_payload_too_deep_to_be_measured_is_a_text() -> None:
    data = b'{"a":' * 900 + b"1" + b"}" * 900
    assert as_field(data) == (NOTHING, data.decode())


def test_a_payload_that_was_decoded_stands_in_a_document_too() -> None:
    record = execution(payload={"a": 1}, result=None)
    assert msgspec.json.decode(documents("full").document(record))["ebats"]["payload"] == {"a": 1}


def test_an_attempt_that_began_before_all_time_has_no_start() -> None:
    assert "start" not in document(execution(run_s=1e15))["event"]
