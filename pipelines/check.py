"""A file's shape against its JSON Schema, with the messages written for people."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from jsonschema import Draft202012Validator, ValidationError

from ebats import schemas
from ebats.pipelines import scalars
from ebats.pipelines.problems import Problem
from ebats.pipelines.source import Path, Source

VERSION = 1

_TYPES = {
    "object": "a mapping",
    "array": "a list",
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
}


def check(source: Source) -> tuple[Source, list[Problem]]:
    """Return what is wrong with the shape of a source's data, and the source without those parts.

    The parts that the schema refuses are in `broken` then, so that later steps
    can go on with the others and don't take what is missing for a mistake.
    A file of another version is told so, and nothing else.
    """
    if source.data is None:
        return source, [_problem(source, (), "the file is empty", "begin with `version: 1` and `name:`")]
    version = source.data.get("version") if isinstance(source.data, dict) else VERSION
    if type(version) is int and version != VERSION:
        text = f"`version` can't be {version}: this ebats reads version {VERSION}"
        broken = replace(source, broken=source.broken | {()})
        return broken, [_problem(source, ("version",), text, "install an ebats that knows it")]
    problems: list[Problem] = []
    broken_paths = set(source.broken)
    for error in _errors(source):
        path = tuple(error.absolute_path)
        if not _is_below(path, source.broken):
            problems += _explain(source, error, path)
            broken_paths |= _broken_by(error, path)
    return replace(source, broken=frozenset(broken_paths)), problems


def suggest(word: str, known: Mapping[str, object] | list[str]) -> str:
    """Return a hint that names the known word nearest to a misspelt one, or all of them where none is near."""
    near = get_close_matches(word, known, 1, 0.7)
    if near:
        return f"did you mean `{near[0]}`?"
    listed = ", ".join(f"`{name}`" for name in list(known)[:20])
    return f"there is {listed}" if listed else ""


def _errors(source: Source) -> list[ValidationError]:
    """Return what the schema has to say.

    A password of `${PASSWORD}` that happens to be all digits is meant as a text:
    such a value becomes one, in the data, where the schema wants a text.
    """
    validator = Draft202012Validator(schemas.read("pipeline.v1"))
    errors = [leaf for error in validator.iter_errors(source.data) for leaf in _leaves(error)]
    meant = {tuple(error.absolute_path) for error in errors if error.validator_value == "string"}
    meant &= source.texts.keys()
    if not meant:
        return errors
    for path in meant:
        _put(source.data, path, source.texts[path])
    return [leaf for error in validator.iter_errors(source.data) for leaf in _leaves(error)]


def _put(data: Any, path: Path, value: str) -> None:
    for step in path[:-1]:
        data = data[step]
    data[path[-1]] = value


def _leaves(error: ValidationError) -> Iterator[ValidationError]:
    """Yield the errors that say what is wrong: below a choice, those of the branch that was meant."""
    if error.validator != "anyOf":
        yield error
        return
    branches: dict[Any, list[ValidationError]] = {}
    for inner in error.context or ():
        branches.setdefault(inner.relative_schema_path[0], []).append(inner)
    meant = [errors for errors in branches.values() if not any(_is_of_another_type(one) for one in errors)]
    if len(meant) != 1:
        yield error
        return
    for inner in meant[0]:
        yield from _leaves(inner)


def _is_of_another_type(error: ValidationError) -> bool:
    return error.validator == "type" and not error.relative_path


def _is_below(path: Path, broken: frozenset[Path]) -> bool:
    return any(path[:end] in broken for end in range(len(path) + 1))


def _is_about_a_key(error: ValidationError) -> bool:
    return "propertyNames" in error.absolute_schema_path


def _broken_by(error: ValidationError, path: Path) -> set[Path]:
    """Return what can't be used. Only a part is missing, or too much, in a mapping that lacks or has a key."""
    partial = error.validator in ("required", "additionalProperties", "dependentRequired", "oneOf")
    return set() if partial or _is_about_a_key(error) else {path}


def _explain(source: Source, error: ValidationError, path: Path) -> list[Problem]:
    if error.validator == "additionalProperties":
        return list(_unknown_keys(source, error, path))
    nothing = error.validator == "type" and error.instance is None
    if error.validator == "required" or (nothing and "required" in error.schema):
        return list(_missing_keys(source, error, path))
    if error.validator == "oneOf" or (nothing and "oneOf" in error.schema):
        return [_not_one_of(source, error, path)]
    if error.validator == "dependentRequired":
        return list(_needs_a_key(source, error, path))
    wrong, hint = _what_it_must_be(error)
    if _is_about_a_key(error):
        place = source.key_place((*path, error.instance))
        text = f"the name {_shown(error)} {wrong}"
        return [Problem(place=place, text=text, hint=hint)]
    text = f"{_subject(path)} can't be {_shown(error)}: it {wrong}"
    if error.schema.get("writeOnly"):
        # It may hold a password.
        text = f"{_subject(path)} {wrong}"
    return [_problem(source, path, text, hint)]


def _unknown_keys(source: Source, error: ValidationError, path: Path) -> Iterator[Problem]:
    known = [key for key in error.schema["properties"] if key != "$schema"]
    for key in error.instance:
        if key not in error.schema["properties"] and not key.startswith("x-"):
            place = source.key_place((*path, key))
            yield Problem(place=place, text=f"there is no key `{key[:80]}` here", hint=suggest(key, known))


def _missing_keys(source: Source, error: ValidationError, path: Path) -> Iterator[Problem]:
    for key in error.schema["required"]:
        # jsonschema gives one error for each key, and says which only in its message.
        if error.instance is None or error.message.startswith(repr(key)):
            example = error.schema["properties"][key]["examples"][0]
            text = f"{_subject(path)} has no `{key}`"
            place = source.key_place(path)
            yield Problem(place=place, text=text, hint=f"add it: `{key}: {_yaml(example)}`")


def _not_one_of(source: Source, error: ValidationError, path: Path) -> Problem:
    keys = [key for branch in error.schema["oneOf"] for key in branch["required"]]
    listed = ", ".join(f"`{key}`" for key in keys[:-1]) + f" and `{keys[-1]}`"
    text = f"{_subject(path)} has none of {listed}"
    found = [key for key in error.instance or () if key in keys]
    if found:
        text = f"{_subject(path)} has more than one of {listed}"
        path = (*path, found[1])
    return Problem(place=source.key_place(path), text=text, hint="write one of them")


def _needs_a_key(source: Source, error: ValidationError, path: Path) -> Iterator[Problem]:
    for key, needed in error.validator_value.items():
        if key in error.instance and needed[0] not in error.instance:
            place = source.key_place((*path, key))
            text = f"`{key}` stands here without `{needed[0]}`"
            yield Problem(place=place, text=text, hint="put it below the key that it belongs to")


def _what_it_must_be(error: ValidationError) -> tuple[str, str]:
    """Return `must be ...` and a hint for an error about one value."""
    wrong, _, hint = error.schema.get("errorMessage", "").partition("; ")
    if wrong:
        return wrong, hint.replace("{value}", str(error.instance))
    value: Any = error.validator_value
    match error.validator:
        case "type":
            return _must_be_of_type([value] if isinstance(value, str) else value, error.instance)
        case "enum":
            choices = _either([f"`{choice}`" for choice in value])
            near = suggest(error.instance, value) if isinstance(error.instance, str) else ""
            return f"must be {choices}", near if "mean" in near else ""
        case "const":
            return f"must be {value}", ""
        case "minimum":
            return f"must be {value} or more", ""
        case "maximum":
            return f"must be {value} or less", ""
        case "minLength" | "minItems":
            return "must not be empty", "leave the key out instead" if error.validator == "minItems" else ""
        case "maxLength" | "maxItems":
            return f"must not be longer than {value}", ""
        case "anyOf":
            types = [_type_of(branch) for branch in value]
            return _must_be_of_type(types, error.instance)
    return f"doesn't fit: {error.validator}", ""


def _type_of(branch: dict[str, Any]) -> str:
    if "$ref" in branch:
        branch = schemas.read("pipeline.v1")["$defs"][branch["$ref"].rpartition("/")[2]]
    return str(branch["type"])


def _must_be_of_type(types: list[str], instance: object) -> tuple[str, str]:
    quotes = "string" in types and isinstance(instance, int | float)
    hint = "put it in quotes" if quotes else ""
    return "must be " + _either([_TYPES[name] for name in types if name in _TYPES]), hint


def _either(choices: list[str]) -> str:
    return " or ".join([", ".join(choices[:-1]), choices[-1]] if len(choices) > 1 else choices)


def _subject(path: Path) -> str:
    if not path:
        return "the file"
    if isinstance(path[-1], int):
        return f"item {path[-1] + 1} of {_subject(path[:-1])}"
    return f"`{path[-1][:80]}`"


def _shown(error: ValidationError) -> str:
    value: Any = error.instance
    if isinstance(value, dict | list):
        kind = "mapping" if isinstance(value, dict) else "list"
        return f"a {kind}" if value else f"an empty {kind}"
    return "empty" if value is None else f"`{_yaml(value)[:60]}`"


def _yaml(value: object) -> str:
    """Return a value as it is written in a file."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(_yaml(item) for item in value)}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_yaml(item)}" for key, item in value.items()) + "}"
    needs_quotes = isinstance(value, str) and scalars.kind_of(value) != "str"
    return repr(value) if needs_quotes else str(value)


def _problem(source: Source, path: Path, text: str, hint: str = "") -> Problem:
    return Problem(place=source.place(path), text=text, hint=hint)
