"""Each keyword of the schema, broken wherever it stands: the words are ours, and the place is right."""

import json
import re
from functools import cache
from typing import Any

import pytest

from ebats.pipelines import check
from ebats.pipelines.check import shape_of
from ebats.pipelines.problems import Place, Problem
from ebats.pipelines.shape import Shape
from ebats.pipelines.source import Source, parse
from tests.schema_walk import Mutant, Part, mutants, parts, sample

#: What jsonschema would say (jsonschema/_keywords.py), and what we say of a keyword that has no words yet.
RAW = re.compile(
    r"is not valid under|is not of type|is not one of|does not match|is a required property"
    r"|Additional properties|is too (?:long|short)$|non-empty|is (?:less|greater) than the|was expected"
    r"|has non-unique|is a dependency|should not be valid|is valid under each|doesn't fit|None|True|False"
)
SCHEMA = check._without_references(shape_of("pipeline.v1"), shape_of("pipeline.v1")["$defs"])
FITS = Shape(SCHEMA).fits


def wrap(value: Any) -> Any:
    """Return a whole file; where the value is no mapping, the value."""
    return {"version": 1, "name": "shop", **value} if isinstance(value, dict) else value


PARTS = [
    part
    for part in parts({**SCHEMA, "required": []}, wrap)
    if "variable" not in str(part.schema.get("title"))
]
SECTIONS = sorted({str(part.path[0]) for part in PARTS if part.path})


@pytest.fixture(autouse=True)
def read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read the schema once for all files."""
    monkeypatch.setattr(check, "shape_of", cache(shape_of))
    monkeypatch.setattr(check, "_without_references", lambda _schema, _definitions: SCHEMA)


def checked(data: Any) -> tuple[Source, list[Problem]]:
    # JSON is YAML, and its keys and values all have places of their own.
    source, problems = parse("f.yaml", json.dumps(data, indent=1, ensure_ascii=False).encode(), {})
    assert problems == []
    return source, check.check(source)[1]


@pytest.mark.slow
@pytest.mark.parametrize("section", SECTIONS)
def test_each_mistake_is_told_in_our_words_and_at_its_place(section: str) -> None:
    wrong = [
        f"{part}: {mutant.keyword} {complaint}"
        for part in PARTS
        if part.path[:1] == (section,)
        for mutant in mutants(part)
        for complaint in complaints(part, mutant)
    ]
    assert not wrong, f"{len(wrong)}\n" + "\n".join(wrong[:30])


def complaints(part: Part, mutant: Mutant) -> list[str]:
    if FITS(mutant.data):
        return []  # another choice takes it
    source, problems = checked(mutant.data)
    if not problems:
        return [f"is told nothing: {json.dumps(mutant.data)}"]
    good = {source.place(part.path), source.key_place(part.path)} | below(source, part)
    if mutant.key is not None:
        good = {source.key_place((*part.path, mutant.key))}
    if mutant.keyword == "dependentRequired":
        good.add(source.key_place(part.path))  # it may have none of several keys, too
    return [
        *(f"is told raw: {each}" for each in problems if RAW.search(each.text + each.hint)),
        *(f"is told elsewhere: {each}, not {good}" for each in problems if each.place not in good),
    ]


def below(source: Source, part: Part) -> set[Place]:
    """List the places of the keys right inside a value, and of an empty file."""
    inner = {path for path in source.keys if path[: len(part.path)] == part.path}
    return {source.keys[path] for path in inner if len(path) == len(part.path) + 1}


def test_what_is_put_around_a_value_is_good_itself() -> None:
    wrong = [
        f"{part}: {problem}"
        for part in PARTS
        if part.path and part.is_whole
        for problem in checked(part.wrap(sample(part.schema)))[1]
    ]
    assert not wrong, "\n".join(wrong[:30])


@pytest.mark.parametrize(
    "data", [{}, [], "shop", 1, True, {"version": 1}, {"name": "shop"}, {"version": "1"}]
)
def test_a_whole_that_is_no_pipeline_is_told_in_our_words(data: object) -> None:
    _, problems = checked(data)
    assert problems
    assert [each for each in problems if RAW.search(each.text)] == []
