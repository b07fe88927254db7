"""Documents and their index template, held against a real Elasticsearch."""

import json
from typing import Any

import msgspec
import pytest

from ebats.pipelines.sink import Exposure
from ebats.runner.execution.record import Record, encode, utc
from ebats.runner.sinks.ecs import Documents
from ebats.runner.sinks.ecs_back import record as back
from ebats.runner.sinks.elastic_template import (
    DOUBTFUL_TYPES,
    fields,
    index_template,
    template_name,
    without,
)
from ebats.runner.sinks.exposure import Exposures
from tests.documents import SETTING
from tests.elastic_client import ElasticClient, ElasticError
from tests.records import NOON, execution, log


def install(elastic: ElasticClient) -> set[str]:
    """Put the template of the test's data stream; return the field types that the server doesn't have."""
    missing: set[str] = set()
    while True:
        template = without(index_template(elastic.stream, 86_400), missing)
        try:
            elastic.request("PUT", f"/_index_template/{template_name(elastic.stream)}", template)
        except ElasticError as error:
            text = json.dumps(error.answer)
            new = {kind for kind in DOUBTFUL_TYPES - missing if f"[{kind}]" in text}
            assert new, text
            missing |= new
        else:
            return missing


def put(elastic: ElasticClient, *records: Record) -> None:
    documents = Documents(SETTING, Exposures(Exposure(payload="full")), elastic.stream)
    elastic.create(
        [
            {"_id": f"{number}", **msgspec.json.decode(documents.of(encode(record), f"{number}"))}
            for number, record in enumerate(records)
        ]
    )


def test_records_are_found_by_what_people_know_and_come_back(elastic: ElasticClient) -> None:
    install(elastic)
    records = [
        execution(time=utc(NOON), labels={"order": "FB138"}, payload={"a": [1, {"b": "c"}]}),
        execution(
            time=utc(NOON + 1),
            id="m2",
            outcome="dead",
            reason="exhausted",
            error="ValueError",
            text="no such order",
            traceback="  File ...",
            labels={"order": "FB139", "a.b": "1", "a": "2"},
        ),
        log(time=utc(NOON + 2), text="reconnected to the broker"),
    ]
    put(elastic, *records)
    for query, found in (
        ("labels.order:FB138", ["0"]),
        ("event.outcome:failure AND ebats.reason:exhausted", ["1"]),
        ("message:reconnected", ["2"]),
        ("error.message:order", ["1"]),
        ('messaging.message.id:"m2"', ["1"]),
        ("event.duration:[3000000 TO 5000000]", ["0", "1"]),
        ("ebats.task.name:close_order AND log.level:info", ["0", "1"]),
        ("labels.a_b:1 AND labels.a:2", ["1"]),
        (f"data_stream.dataset:{elastic.stream.split('-')[1]}", ["0", "1", "2"]),
    ):
        assert [hit["_id"] for hit in elastic.hits(query)] == found, query
    came = [back(msgspec.json.encode(document)) for document in elastic.documents()]
    labels = {"order": "FB139", "a_b": "1", "a": "2"}
    assert came == [records[0], msgspec.structs.replace(records[1], labels=labels), records[2]]


def nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {"a": 1}
    for _ in range(depth - 1):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    "payload",
    [
        {"": 1},
        {".": {"..": 1}, " ": 2, "a.": 3},
        {"a": 1, "a.b": 2, "c": {"d": 1}, "c.d": [None, True, 1.5e300, {"e": []}]},
        {"a": [[1, [2]], {"b": None}]},
        {"text": "x" * 40_000, "\0": 1},
        {"text": "x" * 40_000},
        {"k" * 20_000: {"l" * 20_000: "v" * 2000}},
        {"k" * 23_000: "é" * 1024},
        {"number": 10**900, "small": -(10**300)},
        {"number": 10**400},
        nested(20),
        nested(21),
        nested(300),
        [1, "a", {"b": 2}],
        "text",
        0,
    ],
    ids=lambda payload: repr(payload)[:30],
)
def test_no_payload_has_its_document_refused(elastic: ElasticClient, payload: object) -> None:
    install(elastic)
    record = execution(payload=payload, result=payload)
    exposures = Exposures(Exposure(payload="full", limit=10**6))
    document = msgspec.json.decode(Documents(SETTING, exposures, elastic.stream).of(encode(record)))
    elastic.create([document])
    assert [back(msgspec.json.encode(one)) for one in elastic.documents()] == [record]


def test_nothing_but_labels_becomes_a_field(elastic: ElasticClient) -> None:
    missing = install(elastic)
    labels = {f"label{number}": str(number) for number in range(600)} | {"when": "2026-01-01"}
    put(elastic, execution(labels=labels, payload={f"key{number}": number for number in range(100)}))
    [index] = elastic.backing_indices()
    answer = elastic.request("GET", f"/{index}/_mapping")
    mappings = answer[index]["mappings"]
    grown = mappings["properties"]["labels"]["properties"]
    assert 300 < len(grown) < 500
    assert {one["type"] for one in grown.values()} == {"keyword"}
    known = fields({"template": {"mappings": mappings}})
    expected = fields(without(index_template(elastic.stream), missing))
    assert {name for name in known if not name.startswith("labels.")} == expected.keys() - {"labels"}
    assert elastic.count("labels.label7:7") == 1


def test_documents_of_another_data_stream_are_refused(elastic: ElasticClient) -> None:
    if "constant_keyword" in install(elastic):
        pytest.skip("this server has no constant_keyword")
    documents = Documents(SETTING, Exposures(Exposure()), "logs-ebats-other")
    with pytest.raises(ElasticError, match="constant_keyword"):
        elastic.create([msgspec.json.decode(documents.document(execution()))])
