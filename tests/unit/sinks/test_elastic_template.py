"""The index template has a place for every field of a document, and lets nothing else grow."""

import types
from typing import Any, get_args, get_type_hints

import msgspec
import pytest

from ebats import schemas
from ebats.pipelines.sink import PayloadMode
from ebats.runner.execution.record import Record, RequestNote, encode, utc
from ebats.runner.sinks import ecs_fields
from ebats.runner.sinks.elastic_template import DOUBTFUL_TYPES, fields, index_template, template_name, without
from tests.documents import TRACE, documents
from tests.records import NOON, execution, log

TEMPLATE = index_template("logs-ebats-shop", 30 * 86_400)
TYPES = fields(TEMPLATE)
#: What a document's JSON may be for each field type.
TAKES: dict[str, tuple[type, ...]] = {
    "keyword": (str,),
    "constant_keyword": (str,),
    "wildcard": (str,),
    "match_only_text": (str,),
    "date": (str,),
    "long": (int,),
    "integer": (int,),
    "double": (int, float),
    "boolean": (bool,),
    "flattened": (dict,),
}
FULL = execution(
    outcome="retry",
    task="tell_merchant",
    exchange="shop.events",
    key="a.b",
    published=utc(NOON - 1),
    size=10,
    redelivered=True,
    correlation="c",
    trace=TRACE,
    environment="test",
    reason="exhausted",
    error="OSError",
    text="gone",
    traceback="...",
    next=utc(NOON + 1),
    labels={"order": "FB1", "a.b": "2"},
    requests=[
        RequestNote(
            method="POST",
            url="https://a.example/",
            outcome="failed",
            status=500,
            seconds=0.1,
            text="x",
            body="y",
        )
    ],
    payload={"a": {"b": [1]}},
    result={"a": 1},
    host="srv1",
    pid=1,
)
RECORDS: list[tuple[Record, PayloadMode]] = [
    (execution(), "none"),
    (FULL, "full"),
    (FULL, "keys"),
    (execution(payload=[1], result="x"), "full"),
    (execution(outcome="postponed", text="waits", run_s=None), "none"),
    (execution(outcome="dead", run_s=None, task="", reason="undecodable"), "none"),
    (log(), "none"),
    (log(task="close_order", id="a", traceback="...", action="alert-sent", host="h", pid=1), "none"),
]


def leaves(value: Any, prefix: str = "") -> list[tuple[str, Any]]:
    """Return what stands in a document by dotted names, a value of a list once for each item."""
    if isinstance(value, list):
        return [leaf for item in value for leaf in leaves(item, prefix)]
    if not isinstance(value, dict) or TYPES.get(prefix) == "flattened":
        return [(prefix, value)]
    return [leaf for key, inner in value.items() for leaf in leaves(inner, f"{prefix}.{key}".lstrip("."))]


def written(record: Record, payload: PayloadMode) -> list[tuple[str, Any]]:
    return leaves(msgspec.json.decode(documents(payload).of(encode(record), "a1")))


@pytest.mark.parametrize(("record", "payload"), RECORDS)
def test_each_field_of_a_document_has_a_type_that_takes_it(record: Record, payload: PayloadMode) -> None:
    for name, value in written(record, payload):
        if not name.startswith("labels."):
            assert type(value) in TAKES[TYPES[name]], name


def test_each_field_of_the_template_is_written_in_some_document() -> None:
    names = {name for record, payload in RECORDS for name, _ in written(record, payload)}
    # `tags` is there for those who add some.
    assert TYPES.keys() - names == {"labels", "tags"}


def struct_fields(struct: type[msgspec.Struct], prefix: str = "") -> list[str]:
    found = []
    hints = get_type_hints(struct)
    for field in msgspec.structs.fields(struct):
        inner = [one for one in inner_types(hints[field.name]) if issubclass(one, msgspec.Struct)]
        name = prefix + field.encode_name
        found += struct_fields(inner[0], f"{name}.") if inner else [name]
    return found


def inner_types(hint: Any) -> list[type]:
    if isinstance(hint, type) and not isinstance(hint, types.GenericAlias):
        return [hint]
    return [found for argument in get_args(hint) for found in inner_types(argument)]


def test_the_template_has_the_fields_that_documents_can_have_and_no_other() -> None:
    assert set(struct_fields(ecs_fields.Document)) | {"tags"} == TYPES.keys()


def test_a_data_stream_has_a_template_of_its_own() -> None:
    assert template_name("logs-ebats-shop") == "ebats-logs-ebats-shop"
    assert TEMPLATE["index_patterns"] == ["logs-ebats-shop"]
    assert TEMPLATE["priority"] == 500
    assert TEMPLATE["data_stream"] == {}
    assert TEMPLATE["_meta"] == {"managed_by": "ebats", "version": 1}
    stream = index_template("logs-shop.tasks-eu.west")["template"]["mappings"]["properties"]["data_stream"]
    assert {name: field["value"] for name, field in stream["properties"].items()} == {
        "type": "logs",
        "dataset": "shop.tasks",
        "namespace": "eu.west",
    }


@pytest.mark.parametrize(
    ("seconds", "lifecycle"),
    [
        (None, {}),
        (30 * 86_400, {"data_retention": "30d"}),
        (36 * 3600, {"data_retention": "36h"}),
        (5400, {"data_retention": "90m"}),
        (3601.4, {"data_retention": "3601s"}),
    ],
)
def test_documents_are_kept_for_the_retention(seconds: float | None, lifecycle: dict[str, str]) -> None:
    assert index_template("logs-ebats-shop", seconds)["template"]["lifecycle"] == lifecycle


def test_only_labels_grow() -> None:
    mappings = TEMPLATE["template"]["mappings"]
    assert mappings["dynamic"] is False
    assert mappings["properties"]["labels"] == {"type": "object", "dynamic": True}
    assert TEMPLATE["template"]["settings"]["index.mapping.total_fields.limit"] == 500
    assert [name for one in mappings["dynamic_templates"] for name in one] == ["labels"]


def test_each_keyword_is_bounded() -> None:
    def check(field: dict[str, Any]) -> None:
        if field.get("type") in ("keyword", "flattened"):
            assert field["ignore_above"] == 1024
        for inner in field.get("properties", {}).values():
            check(inner)

    check(TEMPLATE["template"]["mappings"])
    assert {kind for kind in TYPES.values() if kind in DOUBTFUL_TYPES} == DOUBTFUL_TYPES


def test_a_server_that_lacks_field_types_gets_others() -> None:
    plain = without(TEMPLATE, {"match_only_text", "flattened", "lifecycle", "ignore_dynamic_beyond_limit"})
    kinds = fields(plain)
    assert kinds["message"] == "text"
    assert kinds["ebats.payload"] == "object"
    assert kinds["url.full"] == "wildcard"
    assert plain["template"]["settings"] == {"index.mapping.total_fields.limit": 500}
    assert "lifecycle" not in plain["template"]
    assert plain["index_patterns"] == TEMPLATE["index_patterns"]
    assert fields(without(TEMPLATE, DOUBTFUL_TYPES)).keys() == TYPES.keys()
    assert DOUBTFUL_TYPES.isdisjoint(fields(without(TEMPLATE, DOUBTFUL_TYPES)).values())
    # The one that it was made of is as it was.
    assert index_template("logs-ebats-shop", 30 * 86_400) == TEMPLATE


def test_nothing_missing_changes_nothing() -> None:
    assert without(TEMPLATE, ()) == TEMPLATE


def test_the_contract_is_the_template_of_the_default_data_stream() -> None:
    assert schemas.read("logs.template") == index_template("logs-ebats-default")
