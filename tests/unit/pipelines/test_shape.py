"""The quick look at a file's shape, held against jsonschema: both say the same of every value."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from ebats.pipelines.check import shape_of
from ebats.pipelines.shape import Shape, UnknownKeyword
from ebats.pipelines.source import parse

SPECS = Path(__file__).parents[2] / "specs"
FILES = sorted(path.relative_to(SPECS).as_posix() for path in SPECS.glob("*/*.yaml"))
PIPELINE = shape_of("pipeline.v1")
SHAPE, VALIDATOR = Shape(PIPELINE), Draft202012Validator(PIPELINE)

SCALARS: list[Any] = [None, True, False, 0, 1, 1.0, 2.5, -1, float("inf"), float("nan"), "", "a", "ab", "1"]
VALUES: list[Any] = [
    *SCALARS,
    [],
    ["a"],
    [1, "a"],
    [[]],
    {},
    {"a": 1},
    {"a": "b", "b": 1},
    {"x-a": 1, "c": None},
    {"a": {"a": {"a": 1}}},
]

PARTS: list[dict[str, Any]] = [
    *({"type": kind} for kind in ("object", "array", "string", "boolean", "null", "number", "integer")),
    {"type": ["string", "integer"]},
    {"enum": ["a", 1, None]},
    {"const": 1},
    {"const": True},
    {"pattern": "^a"},
    {"minLength": 1, "maxLength": 1},
    {"minItems": 1, "maxItems": 1},
    {"minProperties": 1, "maxProperties": 1},
    {"minimum": 1, "maximum": 2},
    {"required": ["a"]},
    {"dependentRequired": {"a": ["b"]}},
    {"propertyNames": {"maxLength": 1}},
    {"items": {"type": "string"}},
    {"properties": {"a": {"type": "integer"}}},
    {"properties": {"a": {"type": "integer"}}, "additionalProperties": False},
    {"patternProperties": {"^x-": True}, "additionalProperties": {"type": "integer"}},
    {"patternProperties": {"^x-": {"type": "string"}}, "properties": {"x-a": {"minimum": 0}}},
    {"not": {"type": "string"}},
    {"if": {"type": "string"}, "then": {"minLength": 1}, "else": {"type": "object"}},
    {"if": {"type": "string"}, "else": {"type": "null"}},
    {"allOf": [{"type": "string"}, {"minLength": 1}]},
    {"anyOf": [{"type": "string"}, {"type": "null"}]},
    {"oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
    {"items": False},
    {
        "$ref": "#/$defs/tree",
        "$defs": {"tree": {"type": "object", "properties": {"a": {"$ref": "#/$defs/tree"}}}},
    },
]


@pytest.mark.parametrize("schema", PARTS, ids=str)
def test_each_keyword_means_what_jsonschema_takes_it_for(schema: dict[str, Any]) -> None:
    shape, validator = Shape(schema), Draft202012Validator(schema)
    for value in VALUES:
        assert shape.fits(value) is validator.is_valid(value), value


@pytest.mark.parametrize("file", FILES)
def test_whole_files_get_the_verdict_of_jsonschema(file: str) -> None:
    source, _ = parse(file, (SPECS / file).read_bytes(), {})
    assert SHAPE.fits(source.data) is VALIDATOR.is_valid(source.data)


def data_of(file: str) -> Any:
    return parse(file, (SPECS / file).read_bytes(), {})[0].data


GOOD = [data for file in FILES if SHAPE.fits(data := data_of(file))]


@settings(max_examples=150, deadline=None, derandomize=True)
@given(data=st.sampled_from(GOOD), chance=st.randoms(use_true_random=False), value=st.sampled_from(VALUES))
def test_a_file_with_one_other_value_gets_the_verdict_of_jsonschema(
    data: Any, chance: Any, value: Any
) -> None:
    changed = with_one_other(data, chance, value)
    assert SHAPE.fits(changed) is VALIDATOR.is_valid(changed)


def with_one_other(data: Any, chance: Any, value: Any) -> Any:
    """Return a copy of a file's data with a value, somewhere in it, in place of another."""
    if not isinstance(data, dict | list) or not data or chance.random() < 0.1:
        return value
    if isinstance(data, list):
        at = chance.randrange(len(data))
        return [*data[:at], with_one_other(data[at], chance, value), *data[at + 1 :]]
    key = chance.choice(list(data))
    return {**data, key: with_one_other(data[key], chance, value)}


def test_the_schema_of_tests_alone_is_read_too() -> None:
    assert Shape(shape_of("tests.v1")).fits({"tests": []}) is True


@pytest.mark.parametrize("schema", [{"uniqueItems": True}, {"items": {"multipleOf": 2}}, {"enum": [[1]]}])
def test_what_is_not_read_here_is_never_taken_for_nothing(schema: dict[str, Any]) -> None:
    with pytest.raises(UnknownKeyword):
        Shape(schema)
