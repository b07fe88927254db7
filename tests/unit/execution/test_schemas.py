"""Payloads against their events' schemas, by each of the two libraries."""

import json
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ebats.pipelines.load import from_bytes
from ebats.pipelines.model import Pipeline
from ebats.runner.execution.schemas import DEEPEST, Schemas
from ebats.runner.execution.unpublished import BadPayload

#: A schema, what keeps it, and what doesn't with what is said of it.
Case = tuple[Any, list[Any], dict[str, str]]

ORDER = {
    "type": "object",
    "required": ["order"],
    "properties": {
        "order": {
            "type": "object",
            "required": ["id", "lines"],
            "properties": {
                "id": {"type": "integer", "minimum": 1},
                "lines": {"type": "array", "items": {"$ref": "#/$defs/line"}, "maxItems": 3},
            },
        }
    },
    "$defs": {"line": {"type": "object", "properties": {"price": {"type": "number", "multipleOf": 0.01}}}},
}
CASES: list[Case] = [
    (
        ORDER,
        [
            '{"order": {"id": 1, "lines": [{"price": 19.99}]}}',
            '{"order": {"id": 1.0, "lines": []}, "more": 1}',
        ],
        {
            "7": "the payload: must be an object, and is a number",
            "{}": "the payload: has no `order`",
            '{"order": {}}': "/order: has no `id`, `lines`",
            '{"order": {"id": "secret", "lines": []}}': "/order/id: must be a whole number, and is a string",
            '{"order": {"id": 0, "lines": []}}': "/order/id: must be 1 or more",
            '{"order": {"id": true, "lines": []}}': "/order/id: must be a whole number, and is true",
            '{"order": {"id": 1, "lines": [{}, {"price": 0.001}]}}': "/order/lines/1/price: must be a mul",
            '{"order": {"id": 1, "lines": [0, 0, 0, 0]}}': "/order/lines: must have 3 items or less",
        },
    ),
    (
        {"properties": {"a/b~c": {"type": ["string", "null"]}}, "additionalProperties": False},
        ["{}", '{"a/b~c": null}'],
        {
            '{"a/b~c": []}': "/a~1b~0c: must be a string or null, and is an array",
            '{"x": 1, "y": 2, "z": 3, "w": 4}': "the payload: has `x`, `y`, `z` and 1 more, which",
        },
    ),
    (
        {"pattern": "^\\d+$"},
        ['"1"', "1"],
        {
            '"1\\n"': "the payload: must match the pattern ^\\d+$",
            '"٣"': "the payload: must match the pattern ^\\d+$",
        },
    ),
    ({"pattern": "^a+b*a+a$"}, ['"aaa"'], {'"aa"': "the payload: must match the pattern ^a+b*a+a$"}),
    ({"pattern": "^(?=a)(.)\\1$"}, ['"aa"'], {'"ab"': "the payload: must match the pattern ^(?=a)(.)\\1$"}),
    (
        {"patternProperties": {"^a$": {"type": "null"}}, "additionalProperties": {"type": "string"}},
        ['{"a": null, "a\\n": "", "b": ""}'],
        {
            '{"a\\n": null}': "/a : must be a string, and is null",
            '{"a": ""}': "/a: must be null, and is an empty string",
        },
    ),
    (
        {"enum": [1, "a", [False], None]},
        ["1.0", '"a"', "[false]", "null"],
        {"[0]": 'the payload: must be 1, "a", [false] or null'},
    ),
    ({"const": 0}, ["0", "0.0", "-0.0"], {"false": "the payload: must be 0"}),
    ({"properties": {"a": False}}, ["{}"], {'{"a": 1}': "/a: isn't allowed"}),
    (False, [], {"1": "the payload: isn't allowed"}),
    (True, ["1"], {}),
    ({"not": {"type": "null"}}, ["1"], {"null": "the payload: is what its schema excludes"}),
    ({"uniqueItems": True}, ["[1, true]"], {"[1, 1.0]": "the payload: must not have an item twice"}),
    ({"minLength": 2, "maxLength": 2}, ['"😀😀"'], {'"😀"': "the payload: must have 2 characters or more"}),
    (
        {"propertyNames": {"maxLength": 1}},
        ['{"a": 1}'],
        {'{"ab": 1}': "the payload: has a key that must have 1 characters or less"},
    ),
    (
        {"dependentRequired": {"a": ["b"]}},
        ['{"b": 1}'],
        {'{"a": 1}': "the payload: has `a`, and so needs `b`"},
    ),
    (
        {"anyOf": [{"minimum": 5}, {"maximum": 1}]},
        ["7", "0"],
        {"3": "the payload: fits none of the choices that its schema gives"},
    ),
    (
        {"properties": {"a": {"anyOf": [{"type": "null"}, {"type": "object", "required": ["b"]}]}}},
        ['{"a": null}', '{"a": {"b": 1}}'],
        {'{"a": {}}': "/a: has no `b`", '{"a": 1}': "/a: fits none of the choices that its schema gives"},
    ),
    (
        {"oneOf": [{"minimum": 5}, {"minimum": 6}]},
        ["5"],
        {"7": "the payload: must fit one of the 2 choices that its schema gives, and no other"},
    ),
    (
        {"contains": {"type": "null"}, "minContains": 2},
        ["[null, null]"],
        {"[null]": "the payload: has less than 2 items of the kind"},
    ),
    (
        {"properties": {"a": {}}, "unevaluatedProperties": False},
        ['{"a": 1}'],
        {'{"b": 1}': "the payload: has a key that its schema doesn't know"},
    ),
    ({"format": "date", "contentMediaType": "application/json"}, ['"{"'], {}),
    ({"multipleOf": 0.1}, ["0.3", "1e30", "7"], {"0.35": "the payload: must be a multiple of 0.1"}),
    (
        {"maximum": 10},
        ["-123456789012345678901234567890"],
        {"123456789012345678901234567890": "the payload: must be 10 or less"},
    ),
    (
        {"type": "integer"},
        ["1e30", "123456789012345678901234567890"],
        {"1.5": "the payload: must be a whole number"},
    ),
    (
        {"items": {"$ref": "#"}, "type": "array"},
        ["[[], [[]]]"],
        {"[[[1]]]": "/0/0/0: must be an array, and is a number"},
    ),
    (
        {"$ref": "#tree", "$defs": {"a": {"$anchor": "tree", "maxProperties": 1}}},
        ["{}"],
        {'{"a": 1, "b": 2}': "the payload: must have 1 keys or less"},
    ),
]

both = pytest.mark.parametrize("fast", [True, False], ids=["jsonschema-rs", "jsonschema"])


def schemas_of(schema: Any, *, fast: bool) -> Schemas:
    return Schemas(pipeline_of(schema), fast=fast)


def pipeline_of(schema: Any) -> Pipeline:
    written = schema if isinstance(schema, dict) else {"allOf": [schema]}
    file = {
        "version": 1,
        "name": "shop",
        "tasks": {"ship": {"python": "t:ship"}},
        "events": {"paid": {"schema": written, "tasks": ["ship"]}, "plain": {"tasks": ["ship"]}},
    }
    return from_bytes("shop.yaml", json.dumps(file).encode(), {}).pipeline


@both
@pytest.mark.parametrize(("schema", "good", "bad"), CASES)
def test_a_payload_keeps_its_schema_or_it_is_said_what_it_breaks(
    schema: Any, good: list[str], bad: dict[str, str], fast: bool
) -> None:
    schemas = schemas_of(schema, fast=fast)
    assert [body for body in good if schemas.problem("paid", json.loads(body))] == []
    for body, said in bad.items():
        problem = schemas.problem("paid", json.loads(body))
        assert problem is not None
        assert problem.startswith(said)
        assert problem.endswith(" (events.paid.schema)")
        assert "secret" not in problem


@both
def test_events_without_a_schema_and_tasks_alone_take_anything(fast: bool) -> None:
    schemas = schemas_of(False, fast=fast)
    assert [schemas.problem(event, object()) for event in ("plain", "unknown", None)] == [None] * 3
    schemas.check("plain", object())
    schemas.check_body("plain", b"no JSON")


@both
def test_what_is_to_be_published_is_refused_with_its_place(fast: bool) -> None:
    schemas = schemas_of(ORDER, fast=fast)
    schemas.check_body("paid", b'{"order": {"id": 1, "lines": []}}')
    with pytest.raises(BadPayload) as caught:
        schemas.check_body("paid", b'{"order": {"id": null, "lines": []}}')
    assert (caught.value.event, caught.value.pointer) == ("paid", "/order/id")
    why = "/order/id: must be a whole number, and is null"
    assert str(caught.value) == f"the payload breaks the schema of 'paid': {why}"
    with pytest.raises(BadPayload, match="the body is no JSON"):
        schemas.check_body("paid", b"1e400")


@both
@pytest.mark.parametrize("schema", [{}, {"items": {"$ref": "#"}}, {"uniqueItems": True}, {"const": 1}])
def test_a_payload_may_be_nested_so_deep_and_no_deeper(schema: Any, fast: bool) -> None:
    schemas = schemas_of(schema, fast=fast)
    payload = json.loads("[" * DEEPEST + "]" * DEEPEST)
    assert (schemas.problem("paid", payload) is None) == ("const" not in schema)
    deeper = "the payload: is nested more than 64 deep"
    assert str(schemas.problem("paid", [payload])).startswith(deeper)
    for _ in range(100_000):
        payload = {"a": payload}
    assert str(schemas.problem("paid", payload)).startswith(deeper)


@both
def test_a_message_is_short_whatever_the_payload_is(fast: bool) -> None:
    long = "x" * 10_000
    schemas = schemas_of({"additionalProperties": {"type": "null"}, "maxProperties": 9}, fast=fast)
    for payload in ({long: 1}, {long: {long: long}}, {f"{long}{number}": None for number in range(10)}):
        problem = schemas.problem("paid", payload)
        assert problem is not None
        assert len(problem) < 400
        assert problem.isprintable()


def test_many_errors_cost_no_more_than_a_few() -> None:
    problem = schemas_of({"items": {"type": "string"}}, fast=False).problem("paid", list(range(1_000_000)))
    assert problem == "/0: must be a string, and is a number (events.paid.schema)"


@both
def test_an_array_of_many_kinds_is_looked_through_once(fast: bool) -> None:
    # To compare each item with each other would take an hour.
    schemas = schemas_of({"uniqueItems": True, "maxItems": 1}, fast=fast)
    items = [item for number in range(100_000) for item in (number, str(number), {"a": [number]})]
    assert schemas.problem("paid", items) == "the payload: must have 1 items or less (events.paid.schema)"
    only = schemas_of({"uniqueItems": True}, fast=fast)
    assert only.problem("paid", [*items, True, [], {}, {"a": [True]}, [0], [False], None]) is None
    assert only.problem("paid", [*items, {"a": [7.0]}])


def test_jsonschema_rs_looks_for_patterns_in_linear_time() -> None:
    # Python's `re` wouldn't come to an end.
    problem = schemas_of({"pattern": "^(a+)+$"}, fast=True).problem("paid", "a" * 1_000 + "!")
    assert problem == "the payload: must match the pattern ^(a+)+$ (events.paid.schema)"


def test_many_threads_may_ask_at_once() -> None:
    schemas = schemas_of(ORDER, fast=False)
    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(lambda _: schemas.problem("paid", {}), range(200)))
    assert set(said) == {"the payload: has no `order` (events.paid.schema)"}


def test_without_jsonschema_rs_it_is_jsonschema(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jsonschema_rs", None)
    assert schemas_of({"type": "null"}, fast=True).problem("paid", 1)


def test_neither_library_is_imported_before_there_is_a_schema() -> None:
    code = """
import pickle, sys
from ebats.runner.execution.schemas import Schemas
schemas = Schemas(pickle.loads(bytes.fromhex(sys.argv[1])))
heavy = {"jsonschema", "jsonschema_rs", "referencing", "yaml"}
assert schemas.problem("plain", 1) is None
schemas.load(["plain"])
assert not heavy & sys.modules.keys(), heavy & sys.modules.keys()
schemas.load(["paid"])
assert schemas.problem("paid", 1) is None
assert heavy & sys.modules.keys() == {"jsonschema_rs"}, heavy & sys.modules.keys()
assert schemas.problem("paid", None)
assert "jsonschema" in sys.modules
"""
    spec = pickle.dumps(pipeline_of({"type": "integer"})).hex()
    subprocess.run([sys.executable, "-c", code, spec], check=True)
