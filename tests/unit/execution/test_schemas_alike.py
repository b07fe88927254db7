"""Any schema and any payload: the two libraries of JSON Schema say the same."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ebats.runner.execution.schemas import Schemas
from tests.unit.execution.test_schemas import pipeline_of

LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from([0.1, 0.3, 1.0, 1.5, 2.5, 1e20, 10**20, -0.0]),
    st.sampled_from(["", "a", "A", "ab", "1", "a\n", "é"]),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
NUMBERS, SIZES = st.sampled_from([-1, 0, 1, 1.5, 2, 0.1]), st.integers(0, 3)
TYPES = st.sampled_from(["array", "boolean", "integer", "null", "number", "object", "string"])
PATTERNS = st.sampled_from(["^a$", "a", "^[a-c]\\w$", "\\d", "^\\S*$"])


def keywords(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    names = st.sampled_from("abc")
    lists = st.lists(inner, min_size=1, max_size=3)
    simple: dict[str, st.SearchStrategy[Any]] = {
        "type": TYPES | st.lists(TYPES, min_size=1, max_size=3, unique=True),
        "enum": st.lists(VALUES, min_size=1, max_size=4),
        "const": VALUES,
        "required": st.lists(names, max_size=2, unique=True),
        "pattern": PATTERNS,
        "multipleOf": st.sampled_from([1, 2, 0.1, 0.3, 1.5]),
        "uniqueItems": st.booleans(),
        "$ref": st.sampled_from(["#/$defs/string", "#/$defs/array"]),
        "dependentRequired": st.dictionaries(names, st.lists(names, max_size=2, unique=True), max_size=2),
    }
    simple |= dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), NUMBERS)
    simple |= {f"{end}{what}": SIZES for end in ("min", "max") for what in ("Length", "Items", "Properties")}
    simple |= {f"{end}Contains": SIZES for end in ("min", "max")}
    simple |= dict.fromkeys(("not", "if", "then", "else", "items", "contains", "propertyNames"), inner)
    simple |= dict.fromkeys(("additionalProperties", "unevaluatedProperties", "unevaluatedItems"), inner)
    simple |= dict.fromkeys(("allOf", "anyOf", "oneOf", "prefixItems"), lists)
    simple |= {name: st.dictionaries(names, inner, max_size=3) for name in ("properties", "dependentSchemas")}
    simple["patternProperties"] = st.dictionaries(PATTERNS, inner, max_size=2)
    pairs = st.sampled_from(sorted(simple)).flatmap(lambda key: st.tuples(st.just(key), simple[key]))
    return st.lists(pairs, max_size=4).map(dict)


SCHEMAS = st.recursive(st.booleans(), keywords, max_leaves=6)
DEFINITIONS = {"string": {"type": "string"}, "array": {"type": "array", "items": {"type": "null"}}}


@settings(max_examples=400, deadline=None)
@given(SCHEMAS, st.lists(VALUES, min_size=1, max_size=12))
def test_both_libraries_say_the_same(schema: Any, payloads: list[Any]) -> None:
    pipeline = pipeline_of({"allOf": [schema], "$defs": DEFINITIONS})
    fast, slow = (Schemas(pipeline, fast=fast) for fast in (True, False))
    payloads = json.loads(json.dumps(payloads))
    assert [fast.problem("paid", one) for one in payloads] == [slow.problem("paid", one) for one in payloads]
