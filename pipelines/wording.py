"""What a schema refuses, in words for people: one sentence of what is wrong, one of what to do."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ebats.pipelines import rules, scalars
from ebats.pipelines.problems import Problem
from ebats.pipelines.rules import Rule
from ebats.pipelines.secrets import shown
from ebats.pipelines.source import Path, Source
from ebats.pipelines.suggestion import nearest, suggest

_TYPES = {
    "object": "a mapping",
    "array": "a list",
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One keyword of the schema that a value doesn't satisfy."""

    path: Path
    keyword: str
    #: The keyword's value.
    expected: Any
    #: The value; the key, where it is about that.
    found: Any
    #: The part of the schema that the keyword stands in. Its `errorMessage`, a keyword
    #: that editors know too, is ours: `must be ...; do this`.
    schema: Mapping[str, Any]
    is_about_key: bool


def explain(source: Source, violation: Violation) -> Iterator[Problem]:
    """Yield the problems that a violation is, each at the key or the value that it is about."""
    about_keys = _about_keys(violation)
    if about_keys:
        yield from about_keys(source, violation)
        return
    wrong, hint = _what_it_must_be(violation)
    if violation.is_about_key:
        place = source.key_place((*violation.path, violation.found))
        yield Problem(
            place=place,
            rule=rules.BAD_NAME,
            text=f"{_shown(violation.found)} can't be used here: it {wrong}",
            hint=hint,
        )
        return
    subject = _subject(violation.path)
    text = f"{subject} can't be {_shown(violation.found)}: it {wrong}"
    if violation.schema.get("writeOnly"):
        # It may hold a password.
        text = f"{subject} {wrong}"
    yield Problem(place=source.place(violation.path), rule=_rule(violation), text=text, hint=hint)


_BY_KEYWORD: Mapping[str, Rule] = {
    **dict.fromkeys(("type", "anyOf"), rules.WRONG_TYPE),
    **dict.fromkeys(
        ("minimum", "maximum", "minItems", "maxItems", "minLength", "maxLength"), rules.OUT_OF_BOUNDS
    ),
}


def _rule(violation: Violation) -> Rule:
    return _BY_KEYWORD.get(violation.keyword, rules.WRONG_VALUE)


def _about_keys(violation: Violation) -> Callable[[Source, Violation], Iterator[Problem]] | None:
    # Nothing where a mapping is needed lacks what the mapping would.
    is_nothing = violation.keyword == "type" and violation.found is None
    if violation.keyword == "required" or (is_nothing and "required" in violation.schema):
        return _missing_keys
    if violation.keyword == "oneOf" or (is_nothing and "oneOf" in violation.schema):
        return _not_one_of
    others = {"additionalProperties": _unknown_keys, "dependentRequired": _lonely_keys}
    return others.get(violation.keyword)


def _unknown_keys(source: Source, violation: Violation) -> Iterator[Problem]:
    known = [key for key in violation.schema["properties"] if key != "$schema"]
    for key in violation.found:
        if key not in violation.schema["properties"] and not key.startswith("x-"):
            place = source.key_place((*violation.path, key))
            yield Problem(
                place=place,
                rule=rules.UNKNOWN_KEY,
                text=f"there is no key {_shown(key)} here",
                hint=suggest(key, known),
            )


def misspelt(violation: Violation) -> set[Path]:
    """Return the keys that unknown ones probably are: what is below those was meant for these."""
    if violation.keyword != "additionalProperties":
        return set()
    return {(*violation.path, key) for key in _meant_keys(violation)}


def _meant_keys(violation: Violation) -> set[str]:
    """Return the keys that a mapping doesn't have, but has misspelt."""
    found, known = violation.found or {}, violation.schema.get("properties", {})
    unknown = [key for key in found if key not in known and not key.startswith("x-")]
    return {near for key in unknown if (near := nearest(key, known)) and near not in found}


def _missing_keys(source: Source, violation: Violation) -> Iterator[Problem]:
    there = {*(violation.found or ()), *_meant_keys(violation)}
    for key in violation.schema["required"]:
        if key not in there:
            example = violation.schema["properties"][key]["examples"][0]
            text = f"{_subject(violation.path)} has no `{key}`"
            hint = f"add it: `{key}: {_written(example)}`"
            yield Problem(
                place=source.key_place(violation.path), rule=rules.MISSING_KEY, text=text, hint=hint
            )


def _not_one_of(source: Source, violation: Violation) -> Iterator[Problem]:
    keys = [key for branch in violation.schema["oneOf"] for key in branch["required"]]
    listed = ", ".join(f"`{key}`" for key in keys[:-1]) + f" and `{keys[-1]}`"
    if not isinstance(violation.found, dict | None):
        return
    found = [key for key in violation.found or () if key in keys]
    subject = _subject(violation.path)
    if found:
        place = source.key_place((*violation.path, found[1]))
        text = f"{subject} has more than one of {listed}"
    elif _meant_keys(violation) & set(keys):
        return
    else:
        place = source.key_place(violation.path)
        text = f"{subject} has none of {listed}"
    yield Problem(place=place, rule=rules.NOT_ONE_OF, text=text, hint="write one of them")


def _lonely_keys(source: Source, violation: Violation) -> Iterator[Problem]:
    for key, needed in violation.expected.items():
        if key in violation.found and needed[0] not in violation.found:
            place = source.key_place((*violation.path, key))
            text = f"`{key}` stands here without `{needed[0]}`"
            yield Problem(
                place=place, rule=rules.LONELY_KEY, text=text, hint="put it below the key that it belongs to"
            )


def _what_it_must_be(violation: Violation) -> tuple[str, str]:
    """Return `must be ...` and a hint for a violation by one value."""
    wrong, _, hint = violation.schema.get("errorMessage", "").partition("; ")
    if wrong:
        from ebats.pipelines import units  # good files need no words

        near = units.meant(wrong, violation.found)
        return wrong, near or hint.replace("{value}", shown(str(violation.found)))
    if violation.keyword == "enum":
        choices = _either([f"`{choice}`" for choice in violation.expected])
        near = suggest(str(violation.found), violation.expected)
        return f"must be {choices}", near if near.startswith("did") else ""
    if violation.keyword in ("type", "anyOf"):
        return _must_be_of_type(_types(violation), violation.found)
    return _BOUNDS.get(violation.keyword, "doesn't fit").format(violation.expected), ""


_BOUNDS = {
    "const": "must be {}",
    "minimum": "must be {} or more",
    "maximum": "must be {} or less",
    "minLength": "must not be empty",
    "minItems": "needs at least one item",
    "maxLength": "must not be longer than {} characters",
    "maxItems": "must not have more than {} items",
}


def _types(violation: Violation) -> list[str]:
    if violation.keyword == "anyOf":
        # Each choice in the schema says what it takes.
        return [violation.schema["choices"][index] for index, _ in enumerate(violation.expected)]
    return [violation.expected] if isinstance(violation.expected, str) else violation.expected


def _must_be_of_type(types: list[str], found: object) -> tuple[str, str]:
    hint = "put it in quotes" if types == ["string"] and isinstance(found, int | float) else ""
    return "must be " + _either([_TYPES.get(name, name) for name in types if name != "null"]), hint


def _either(choices: list[str]) -> str:
    return " or ".join([", ".join(choices[:-1]), choices[-1]] if len(choices) > 1 else choices)


def _subject(path: Path) -> str:
    if not path:
        return "the file"
    if isinstance(path[-1], int):
        return f"item {path[-1] + 1} of {_subject(path[:-1])}"
    return _shown(path[-1])


def _shown(value: object) -> str:
    if isinstance(value, dict | list):
        kind = "mapping" if isinstance(value, dict) else "list"
        return f"a {kind}" if value else f"an empty {kind}"
    return "empty" if value is None else f"`{shown(_written(value))}`"


def _written(value: object) -> str:
    """Return a value as it is written in a file."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(_written(item) for item in value)}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_written(item)}" for key, item in value.items()) + "}"
    needs_quotes = isinstance(value, str) and scalars.kind_of(value) != "str"
    return repr(value) if needs_quotes else str(value)
