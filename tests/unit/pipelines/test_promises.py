"""What a payload schema promises of a field; where that is hard to say, nothing is held against it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from ebats.pipelines.promises import names, promise

ORDER: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "note": {},
        "buyer": {"type": "object", "properties": {"name": {}, "tel": {}}, "required": ["name"]},
        "items": {"type": "array", "items": {"type": "object"}},
    },
    "required": ["id", "buyer", "sum"],
}
CLOSED = {**ORDER, "additionalProperties": False}


@pytest.mark.parametrize(
    ("schema", "field", "said"),
    [
        (ORDER, "id", "promised"),
        (ORDER, "sum", "promised"),
        (ORDER, "note", "named"),
        (ORDER, "other", "open"),
        (ORDER, "buyer.name", "promised"),
        (ORDER, "buyer.tel", "named"),
        (ORDER, "buyer.other", "open"),
        (ORDER, "id.name", "absent"),
        (ORDER, "sum.name", "open"),
        (ORDER, "note.text", "open"),
        (ORDER, "items.0", "unknown"),
        (CLOSED, "note", "named"),
        (CLOSED, "other", "absent"),
        (CLOSED, "other.deeper", "absent"),
        ({**CLOSED, "patternProperties": {"^x_": {}}}, "x_1", "open"),
        ({"properties": {"a": False}, "additionalProperties": False}, "a", "absent"),
        (True, "a", "open"),
        ({"type": "array"}, "a", "absent"),
        ({"type": ["object", "null"], "required": ["a"]}, "a", "promised"),
        ({"allOf": [{"required": ["a"]}, {"properties": {"b": {}}}]}, "a", "promised"),
        ({"anyOf": [{"required": ["a", "b"]}, {"required": ["a"]}]}, "a", "promised"),
        ({"anyOf": [{"required": ["a", "b"]}, {"required": ["a"]}]}, "b", "open"),
        ({"oneOf": [{"type": "null"}, {"required": ["a"]}]}, "a", "promised"),
        ({"if": {}, "then": {"required": ["a"]}, "else": {"required": ["a"]}}, "a", "promised"),
        ({"if": {}, "then": {"required": ["a"]}}, "a", "open"),
        ({"$ref": "#/$defs/o", "$defs": {"o": {"required": ["a"]}}}, "a", "promised"),
        ({"$ref": "#/$defs/o~1p", "$defs": {"o/p": {"required": ["a"]}}}, "a", "promised"),
        ({"$ref": "#o", "$defs": {"o": {"$anchor": "o", "required": ["a"]}}}, "a", "unknown"),
        ({"properties": {"a": {"$ref": "#"}}, "required": ["a"]}, "a.a.a", "promised"),
        ({"allOf": [{"properties": {"a": {}}}], "unevaluatedProperties": False}, "a", "named"),
        ({"allOf": [{"properties": {"a": {}}}], "unevaluatedProperties": False}, "b", "absent"),
        ({"required": ["a"], "dependentRequired": {"a": ["b"]}}, "b", "promised"),
        ({"dependentRequired": {"a": ["b"]}}, "b", "open"),
        ({"required": ["a"], "dependentSchemas": {"a": {"required": ["b"]}}}, "b", "promised"),
        ({"if": {"additionalProperties": True}, "unevaluatedProperties": False}, "a", "open"),
        ({"enum": [{"a": 1, "b": 2}, {"a": 3}]}, "a", "promised"),
        ({"enum": [{"a": 1, "b": 2}, {"a": 3}]}, "c", "absent"),
        ({"const": {"a": 1}}, "a", "promised"),
    ],
)
def test_a_field(schema: Any, field: str, said: str) -> None:
    assert promise(schema, tuple(field.split("."))) == said


def test_names_are_those_beside_a_field() -> None:
    assert names(ORDER, ("x",)) == ["buyer", "id", "items", "note"]
    assert names(ORDER, ("buyer", "x")) == ["name", "tel"]
    assert names(ORDER, ("nothing", "x")) == []


KEYS = st.sampled_from("abc")
SCHEMAS = st.recursive(
    st.fixed_dictionaries(
        {},
        optional={
            "required": st.lists(KEYS, max_size=2, unique=True),
            "properties": st.dictionaries(
                KEYS, st.sampled_from([{}, {"type": "integer"}, False]), max_size=2
            ),
            "additionalProperties": st.booleans(),
            "unevaluatedProperties": st.booleans(),
            "type": st.sampled_from(["object", ["object", "null"]]),
            "dependentRequired": st.dictionaries(KEYS, st.lists(KEYS, max_size=2, unique=True), max_size=1),
        },
    ),
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "allOf": st.lists(inner, min_size=1, max_size=2),
            "anyOf": st.lists(inner, min_size=1, max_size=2),
            "oneOf": st.lists(inner, min_size=1, max_size=2),
            "if": inner,
            "then": inner,
            "else": inner,
            "dependentSchemas": st.dictionaries(KEYS, inner, max_size=1),
            "properties": st.dictionaries(KEYS, inner, max_size=2),
            "unevaluatedProperties": st.just(False),
        },
    ),
    max_leaves=5,
)
PAYLOADS = st.dictionaries(KEYS, st.sampled_from([1, "x", {"a": 1}]), max_size=3)


@given(schema=SCHEMAS, payload=PAYLOADS, key=KEYS)
def test_what_is_promised_is_there_and_what_is_absent_never_is(schema: Any, payload: Any, key: str) -> None:
    if Draft202012Validator(schema).is_valid(payload):
        said = promise(schema, (key,))
        assert said != "absent" or key not in payload, json.dumps(schema)
        assert said != "promised" or key in payload, json.dumps(schema)
