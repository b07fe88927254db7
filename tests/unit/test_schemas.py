"""The schemas, held against what they describe."""

import json
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from ebats import schemas
from ebats.runner.execution import record
from tests.schema_variables import with_variables

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


@pytest.mark.parametrize("name", ["pipeline.v1", "tests.v1", "record.v1"])
def test_each_schema_is_one_of_draft_2020_12(name: schemas.Name) -> None:
    jsonschema.Draft202012Validator.check_schema(schemas.read(name))


def keys(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each key that a schema knows, at any depth, with what is said of it."""
    if isinstance(schema, list):
        for number, item in enumerate(schema):
            yield from keys(item, f"{path}/{number}")
    if isinstance(schema, dict):
        for name, definition in schema.items():
            if name == "properties":
                yield from ((f"{path}/{key}", found) for key, found in definition.items())
            if name not in ("examples", "default", "defaultSnippets"):
                yield from keys(definition, f"{path}/{name}")


PIPELINE = schemas.read("pipeline.v1")
KEYS = dict(keys(PIPELINE))


@pytest.mark.parametrize("place", KEYS)
def test_every_key_has_a_title_a_description_good_examples_and_a_good_default(place: str) -> None:
    key = KEYS[place]
    shown = PIPELINE["$defs"].get(key.get("$ref", "").rpartition("/")[2], {}) | key
    assert shown["title"]
    assert shown["description"].endswith(".")
    assert shown["examples"]
    validator = jsonschema.Draft202012Validator(PIPELINE).evolve(schema=key)
    for value in [*shown["examples"], *([shown["default"]] if "default" in shown else [])]:
        validator.validate(value)


def test_a_mapping_is_described_in_one_place() -> None:
    """Editors don't see the keys of what is referred to where something stands beside the reference."""
    for place, key in KEYS.items():
        named = PIPELINE["$defs"].get(key.get("$ref", "").rpartition("/")[2], {})
        assert "properties" not in named or key.keys() == {"$ref"}, place


def test_every_choice_of_words_says_what_each_is_or_none() -> None:
    def walk(schema: Any) -> None:
        if isinstance(schema, dict):
            if "enumDescriptions" in schema:
                assert len(schema["enumDescriptions"]) == len(schema["enum"])
                assert all(text.endswith(".") for text in schema["enumDescriptions"])
            for inner in schema.values():
                walk(inner)
        if isinstance(schema, list):
            for inner in schema:
                walk(inner)

    walk(PIPELINE)


def test_every_value_may_be_a_variable_in_an_editor() -> None:
    """With `EBATS_TEST_WRITE=1` the schema is written so."""
    opened = with_variables(PIPELINE)
    if os.environ.get("EBATS_TEST_WRITE"):
        path = Path(__file__).parents[2] / "schemas" / "pipeline.v1.json"
        path.write_text(json.dumps(opened, indent=2, ensure_ascii=False) + "\n", "utf-8")
    missing = [place for place, key in keys(opened) if KEYS[place] != key]
    assert opened == PIPELINE, f"EBATS_TEST_WRITE=1 lets these take a variable: {missing}"


def test_a_completion_is_a_good_piece_of_a_file() -> None:
    validator = jsonschema.Draft202012Validator(PIPELINE)
    for name, section in PIPELINE["properties"].items():
        for snippet in section.get("defaultSnippets", ()):
            body = json.loads(re.sub(r"\$\{\d+:([^}]*)\}", r"\1", json.dumps(snippet["body"])))
            filled = json.loads(re.sub(r'"\^(\d+)"', r"\1", json.dumps(body)))
            assert validator.evolve(schema=section).is_valid(filled), (name, filled)


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
