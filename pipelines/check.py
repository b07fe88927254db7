"""A file's shape against its JSON Schema, draft 2020-12."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from ebats import schemas
from ebats.pipelines import rules
from ebats.pipelines.problems import Problem
from ebats.pipelines.shape import Shape
from ebats.pipelines.source import Path, Source
from ebats.pipelines.wording import Violation, explain, misspelt

if TYPE_CHECKING:
    from jsonschema import ValidationError

VERSION = 1

#: About a mapping that has, or lacks, a key: the rest of it is good.
_PARTIAL = ("required", "additionalProperties", "dependentRequired", "oneOf")
_VARIABLE = {"$ref": "#/$defs/variable"}


def check(
    source: Source, name: Literal["pipeline.v1", "tests.v1"] = "pipeline.v1"
) -> tuple[Source, list[Problem]]:
    """Return a source without the parts that its schema refuses, and what is wrong with them.

    Those parts are in its `broken` then, so that later steps can go on with the
    others and don't take what is missing for one more mistake. A file of another
    version is told so, and nothing else.
    """
    special = _special_case(source, name)
    if special:
        return replace(source, broken=source.broken | {()}), [special]
    problems: list[Problem] = []
    broken = set(source.broken)
    faults = set(source.faults | source.broken)
    for violation in _violations(source, name):
        faults.add((*violation.path, violation.found) if violation.is_about_key else violation.path)
        if not source.is_broken(violation.path):
            problems += explain(source, violation)
            broken |= misspelt(violation)
            if violation.keyword not in _PARTIAL and not violation.is_about_key:
                broken.add(violation.path)
    return replace(source, broken=frozenset(broken), faults=frozenset(faults)), problems


def _special_case(source: Source, name: str) -> Problem | None:
    is_pipeline = name == "pipeline.v1"
    if source.data is None:
        hint = "begin with `version: 1` and `name:`" if is_pipeline else "begin with `tests:`"
        return Problem(place=source.place(()), rule=rules.EMPTY_FILE, text="the file is empty", hint=hint)
    version = source.data.get("version") if is_pipeline and isinstance(source.data, dict) else None
    if type(version) is int and version != VERSION:
        text = f"`version` can't be `{version}`: this ebats reads version {VERSION}"
        return Problem(
            place=source.place(("version",)),
            rule=rules.OTHER_VERSION,
            text=text,
            hint=f"write {VERSION}, or update ebats",
        )
    return None


def _violations(source: Source, name: Literal["pipeline.v1", "tests.v1"]) -> list[Violation]:
    """Return what the schema has to say.

    A password of `${PASSWORD}` that happens to be all digits is meant as a text:
    such a value becomes one, in the data, where the schema wants a text.
    """
    schema = shape_of(name)
    if Shape(schema).fits(source.data):
        return []
    from jsonschema import Draft202012Validator  # it takes long to import, and good files need no words

    validator = Draft202012Validator(_without_references(schema, schema["$defs"]))
    found = _flat(validator.iter_errors(source.data))
    meant = {violation.path for violation in found if violation.expected == "string"} & source.texts.keys()
    if not meant:
        return found
    for path in meant:
        _put(source.data, path, source.texts[path])
    return _flat(validator.iter_errors(source.data))


def _without_references(schema: Any, definitions: dict[str, Any]) -> Any:
    """Return a schema with each `$ref` replaced by what it names: looking them up takes half of the time."""
    if isinstance(schema, list):
        return [_without_references(item, definitions) for item in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: _without_references(value, definitions) for key, value in schema.items() if key != "$defs"}
    reference = inner.pop("$ref", None)
    if not isinstance(reference, str):
        return inner
    return _without_references(definitions[reference.rpartition("/")[2]], definitions) | inner


def shape_of(name: Literal["pipeline.v1", "tests.v1"]) -> dict[str, Any]:
    """Return the schema of a file without what is for editors alone: a `${VARIABLE}` instead of the value.

    Here they are filled in already. What is written as `$${...}` is no variable, and no value either.
    """
    schema = schemas.read("pipeline.v1")
    # The definitions are all in that one.
    shape = schema if name == "pipeline.v1" else {**schemas.read(name), "$defs": schema["$defs"]}
    found: dict[str, Any] = _without_variables(shape)
    return found


def _without_variables(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_without_variables(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: _without_variables(value) for key, value in schema.items()}
    branches = inner.get("anyOf", ())
    if not branches or branches[-1] != _VARIABLE:
        return inner
    del inner["anyOf"]
    return inner | ({"anyOf": branches[:-1]} if len(branches) > 2 else branches[0])


def _put(data: Any, path: Path, value: str) -> None:
    for step in path[:-1]:
        data = data[step]
    data[path[-1]] = value


def _flat(errors: Iterable["ValidationError"]) -> list[Violation]:
    """Return each violation once: jsonschema repeats one for each key that is missing.

    A value of another type breaks nothing else: what a text must not be isn't about a number.
    """
    found: dict[Any, Violation] = {}
    for error in errors:
        for leaf in _leaves(error):
            violation = _violation(leaf)
            key = violation.found if violation.is_about_key else None
            found.setdefault((violation.path, violation.keyword, key), violation)
    mistyped = {violation.path for violation in found.values() if violation.keyword == "type"}
    return [
        violation
        for violation in found.values()
        if violation.keyword == "type" or violation.is_about_key or violation.path not in mistyped
    ]


def _leaves(error: "ValidationError") -> Iterator["ValidationError"]:
    """Yield the errors that say what is wrong: below a choice, those of the branch that was meant."""
    branches: dict[Any, list[ValidationError]] = {}
    for inner in error.context if error.validator == "anyOf" else ():
        branches.setdefault(inner.relative_schema_path[0], []).append(inner)
    meant = [
        branch for branch in branches.values() if not any(_is_of_another_type(inner) for inner in branch)
    ]
    if len(meant) != 1:
        yield error
        return
    for inner in meant[0]:
        yield from _leaves(inner)


def _is_of_another_type(error: "ValidationError") -> bool:
    return error.validator == "type" and not error.relative_path


def _violation(error: "ValidationError") -> Violation:
    schema: Any = error.schema
    return Violation(
        path=tuple(error.absolute_path),
        keyword=str(error.validator),
        expected=error.validator_value,
        found=error.instance,
        schema=schema,
        is_about_key="propertyNames" in error.absolute_schema_path,
    )
