"""The schemas, held against what they describe."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import jsonschema
import msgspec
import pytest

from ebats import schemas
from ebats.runner.execution import record

WHEN = datetime(2026, 1, 2, 3, 4, 5, 678000, UTC)
REQUIRED: dict[str, Any] = {"time": WHEN, "level": "info", "pipeline": "shop", "process": "orders#1"}
EXECUTION: dict[str, Any] = REQUIRED | {
    "task": "ship",
    "queue": "demo",
    "id": "a",
    "attempt": 1,
    "attempts": 4,
    "outcome": "retry",
}


REQUEST = record.RequestNote(
    method="POST", url="https://a.example/", outcome="failed", status=500, seconds=0.1, text="500", body="no"
)


def definitions() -> Iterator[tuple[str, dict[str, Any]]]:
    pipeline = schemas.read("pipeline.v1")
    yield "", pipeline
    yield from pipeline["$defs"].items()


@pytest.mark.parametrize("name", ["pipeline.v1", "record.v1"])
def test_each_schema_is_one_of_draft_2020_12(name: schemas.Name) -> None:
    jsonschema.Draft202012Validator.check_schema(schemas.read(name))


def test_every_key_has_a_title_a_description_and_good_examples() -> None:
    pipeline = schemas.read("pipeline.v1")
    validator = jsonschema.Draft202012Validator(pipeline)
    for name, definition in definitions():
        for key, schema in definition.get("properties", {}).items():
            shown = schema if "title" in schema else pipeline["$defs"][schema["$ref"].rpartition("/")[2]]
            assert shown["title"], (name, key)
            assert shown["description"].endswith("."), (name, key)
            for example in shown["examples"]:
                if "${" not in str(example):
                    assert validator.evolve(schema=schema).is_valid(example), (name, key, example)


@pytest.mark.parametrize(
    "written",
    [
        record.Execution(**EXECUTION),
        record.Execution(
            **EXECUTION,
            wait_s=0.1,
            run_s=1.5,
            event="order_paid",
            environment="test",
            reason="exhausted",
            error="OSError",
            text="gone",
            traceback="...",
            next=WHEN,
            labels={"order": "7"},
            requests=[REQUEST],
            payload={"order": 7},
            result=[1],
            host="here",
            pid=1,
        ),
        record.Log(**REQUIRED, text="started"),
        record.Log(**REQUIRED, text="x", environment="e", task="t", id="i", traceback="...", host="h", pid=1),
    ],
)
def test_a_record_is_as_its_schema_says(written: record.Record) -> None:
    data = msgspec.json.decode(record.encode(written).json)
    jsonschema.Draft202012Validator(schemas.read("record.v1")).validate(data)


@pytest.mark.parametrize(("name", "struct"), [("execution", record.Execution), ("log", record.Log)])
def test_the_schema_knows_each_field_of_a_record_and_no_other(
    name: str, struct: type[msgspec.Struct]
) -> None:
    described = schemas.read("record.v1")["$defs"][name]["properties"]
    assert set(described) == {"kind", *struct.__struct_fields__}


def test_the_schema_knows_each_field_of_a_request_and_no_other() -> None:
    described = schemas.read("record.v1")["$defs"]["request"]["properties"]
    assert set(described) == set(record.RequestNote.__struct_fields__)
