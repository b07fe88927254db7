"""The schemas of events, from files and written in place."""

import json
import pickle
from pathlib import Path

import pytest

from ebats.pipelines.load import from_bytes
from ebats.pipelines.model import PayloadSchema
from ebats.pipelines.problems import BadFile

FILE = """version: 1
name: shop
tasks: {ship: {python: "t:ship"}}
events: {paid: {schema: %s, tasks: [ship]}}
"""


def schema_of(folder: Path, written: str) -> PayloadSchema | None:
    path = str(folder / "shop.yaml")
    return from_bytes(path, (FILE % written).encode(), {"NAME": "paid"}).pipeline.events["paid"].schema


def problems_of(folder: Path, content: bytes) -> list[str]:
    (folder / "s.json").write_bytes(content)
    with pytest.raises(BadFile) as caught:
        schema_of(folder, "s.json")
    return [problem.text for problem in caught.value.problems]


def test_a_schema_is_a_file_beside_the_pipelines(tmp_path: Path) -> None:
    (tmp_path / "paid.json").write_bytes(b'\xef\xbb\xbf{"type": "object"}')
    for written in ("paid.json", "${NAME}.json", str(tmp_path / "paid.json")):
        schema = schema_of(tmp_path, f'"{written}"')
        assert schema is not None
        assert json.loads(schema.text) == {"type": "object"}
        assert schema.where == written.replace("${NAME}", "paid")


def test_a_schema_may_stand_in_place_and_dollars_in_it_mean_nothing(tmp_path: Path) -> None:
    written = '{$ref: "#/$defs/a", $defs: {a: {pattern: "^a$", const: "${NAME} $$ $NAME"}}}'
    schema = schema_of(tmp_path, written)
    assert schema == PayloadSchema(
        text='{"$ref":"#/$defs/a","$defs":{"a":{"pattern":"^a$","const":"${NAME} $$ $NAME"}}}',
        where="events.paid.schema",
    )
    assert pickle.loads(pickle.dumps(schema)) == schema


def test_a_file_may_hold_true_alone(tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text("true")
    schema = schema_of(tmp_path, "s.json")
    assert schema is not None
    assert schema.text == "true"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "line 1, column 1: Expecting value"),
        (b'{\n "a": NaN}', "NaN is no JSON"),
        (b'{"a": {"b": 1, "b": 2}}', "the key `b` stands twice in one object"),
        (b'{"title": "\xff"}', "it isn't UTF-8"),
        (b'{"title": "\\ud800"}', "it is nested more than 64 deep, or holds what can't be sent as JSON"),
        (b'{"maximum": 1e400}', "it is nested more than 64 deep, or holds what can't be sent as JSON"),
        (b'{"not": ' * 65 + b"{}" + b"}" * 65, "it is nested more than 64 deep, or holds what can't be sent"),
        (b"[" * 100_000, "it is nested too deeply"),
        (b" " * 1_048_577, "it is larger than 1 MiB"),
        (b'{"maximum": ' + b"1" * 5000 + b"}", "Exceeds the limit"),
    ],
)
def test_a_file_that_holds_no_json_is_a_problem(tmp_path: Path, content: bytes, said: str) -> None:
    (problem,) = problems_of(tmp_path, content)
    assert problem.startswith(f"the schema s.json can't be used: {said}")


def test_a_path_that_is_none_is_a_problem(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"the schema . can't be used: it is no path"):
        schema_of(tmp_path, '"\\0"')


def test_all_faults_of_a_file_are_told_at_once_up_to_twenty(tmp_path: Path) -> None:
    schema = {"properties": {str(number): number for number in range(30)}}
    assert len(problems_of(tmp_path, json.dumps(schema).encode())) == 20


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"anyOf": [{"type": "null"}, {"$ref": "#"}]},
        {"if": {"not": {"$ref": "#"}}},
        {"$dynamicAnchor": "a", "allOf": [{"$dynamicRef": "#a"}]},
        {"items": {"$ref": "#/$defs/a"}, "$defs": {"a": {"then": {"$ref": "#/$defs/a"}}}},
    ],
)
def test_a_circle_that_leads_nowhere_is_a_problem(tmp_path: Path, schema: object) -> None:
    (problem,) = problems_of(tmp_path, json.dumps(schema).encode())
    assert problem.endswith("refers to itself in a circle")


@pytest.mark.parametrize(
    "schema",
    [
        {"items": {"$ref": "#"}},
        {"properties": {"next": {"anyOf": [{"type": "null"}, {"$ref": "#"}]}}},
        {"$ref": "#/$defs/a", "$defs": {"a": {"items": {"$ref": "#/$defs/a"}}}},
        {"$id": "https://example.com/a", "$ref": "b", "$defs": {"b": {"$id": "b", "type": "null"}}},
        {"$ref": "#b", "$defs": {"b": {"$anchor": "b"}}},
        {"const": {"$ref": "#/nowhere", "pattern": "("}, "enum": [{"$ref": "#/nowhere"}]},
        {"properties": {"$ref": {"type": "string"}, "pattern": {"type": "string"}}},
        {"default": {"dependencies": 1}, "x-ours": {"$ref": "#/nowhere"}},
        {"$ref": "#/$defs/any", "$defs": {"any": True}},
    ],
)
def test_what_leads_somewhere_is_none(tmp_path: Path, schema: object) -> None:
    (tmp_path / "s.json").write_text(json.dumps(schema))
    assert schema_of(tmp_path, "s.json")


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "http://["},
        {"$ref": "#/%zz"},
        {"allOf": [{}], "$ref": "#/allOf/x"},
        {"allOf": [{}], "$ref": "#/allOf/7"},
        {"$ref": "https://json-schema.org/draft/2020-12/schema"},
        {"patternProperties": {"^a$": {}}, "$ref": "#/patternProperties/^a$"},
    ],
)
def test_a_reference_that_leads_nowhere_is_a_problem(tmp_path: Path, schema: object) -> None:
    (problem,) = problems_of(tmp_path, json.dumps(schema).encode())
    assert "`/$ref` refers to" in problem


def test_an_id_that_is_no_uri_is_a_problem(tmp_path: Path) -> None:
    (problem,) = problems_of(tmp_path, b'{"$id": "https://a.b/c", "$defs": {"a": {"$id": "http://["}}}')
    assert "`$id` that can't be used" in problem


def test_an_id_that_is_no_uri_is_a_problem_anywhere(tmp_path: Path) -> None:
    for schema in ('{$id: "http://["}', '{properties: {a: {$id: "http://["}}}'):
        with pytest.raises(BadFile, match=r"\$id` can't be used: Invalid IPv6 URL"):
            schema_of(tmp_path, schema)


def test_what_is_nearly_a_keyword_is_doubtful_and_other_notes_are_not(tmp_path: Path) -> None:
    written = {
        "requird": ["a"],
        "properties": {"typ": {"minlength": 3, "example": "abc", "x-ours": 1, "nullable": True}},
        "const": {"requird": 1},
    }
    (tmp_path / "s.json").write_text(json.dumps(written))
    for name, place in ((json.dumps(written), "the schema"), ("s.json", "s.json")):
        found = from_bytes(str(tmp_path / "shop.yaml"), (FILE % name).encode(), {})
        said = {(each.text.partition(" is no")[0], each.hint, each.severity) for each in found.warnings}
        assert said == {
            (f"in {place} `/requird`", "did you mean `required`?", "warning"),
            (f"in {place} `/properties/typ/minlength`", "did you mean `minLength`?", "warning"),
        }
