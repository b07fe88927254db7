"""What a value breaks of a JSON Schema, in words: for payloads, and for schemas that are no good themselves.

The value itself is never told, only the place where it stands: it may be somebody's secret.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ebats.pipelines.secrets import one_line, shown

#: Of what a message takes over from a schema, and of a pointer.
_LONGEST = 200
_TYPES = {
    "object": "an object",
    "array": "an array",
    "string": "a string",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
}
_SIMPLE = {
    "minimum": "must be {} or more",
    "maximum": "must be {} or less",
    "exclusiveMinimum": "must be more than {}",
    "exclusiveMaximum": "must be less than {}",
    "multipleOf": "must be a multiple of {}",
    "minLength": "must have {} characters or more",
    "maxLength": "must have {} characters or less",
    "minItems": "must have {} items or more",
    "maxItems": "must have {} items or less",
    "minProperties": "must have {} keys or more",
    "maxProperties": "must have {} keys or less",
    "const": "must be {}",
    "uniqueItems": "must not have an item twice",
    "contains": "has no item of the kind that its schema wants",
    "minContains": "has less than {} items of the kind that its schema wants",
    "maxContains": "has more than {} items of the kind that its schema wants",
    "anyOf": "fits none of the choices that its schema gives",
    "unevaluatedProperties": "has a key that its schema doesn't know",
    "unevaluatedItems": "has an item that its schema doesn't know",
}


def pointer(path: Iterable[str | int]) -> str:
    """Return the JSON Pointer of a path (RFC 6901, section 3): empty for the whole."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def short(text: str) -> str:
    """Return a pointer, or the like, as it stands in a message: one line, and short."""
    line = one_line(text)
    return line if len(line) <= _LONGEST else line[:_LONGEST] + "..."


def said(keyword: str, expected: Any, value: Any, schema: Any) -> str:
    """Return what `value` breaks, `schema[keyword]` being `expected`: `must be a string, and is null`."""
    if in_words := _WORDS.get(keyword):
        return in_words(expected, value, schema if isinstance(schema, dict) else {})
    if keyword in _SIMPLE:
        return _SIMPLE[keyword].format(_json(expected))
    return f"breaks `{shown(keyword)}`"


def _type(expected: Any, value: Any, _schema: Mapping[str, Any]) -> str:
    names = [expected] if isinstance(expected, str) else expected
    return f"must be {_listed([_TYPES.get(name, name) for name in names])}, and is {_kind(value)}"


def _enum(expected: Any, _value: Any, _schema: Mapping[str, Any]) -> str:
    return f"must be {short(_listed([_json(item) for item in expected]))}"


def _required(expected: Any, value: Any, _schema: Mapping[str, Any]) -> str:
    return f"has no {_named(name for name in expected if name not in value)}"


def _additional(_expected: Any, value: Any, schema: Mapping[str, Any]) -> str:
    patterns, known = schema.get("patternProperties", {}), schema.get("properties", {})
    extra = (
        name
        for name in value
        if name not in known and not any(re.search(pattern, name) for pattern in patterns)
    )
    return f"has {_named(extra)}, which its schema doesn't know"


def _pattern(expected: Any, _value: Any, _schema: Mapping[str, Any]) -> str:
    return f"must match the pattern {short(str(expected))}"


def _one_of(expected: Any, _value: Any, _schema: Mapping[str, Any]) -> str:
    return f"must fit one of the {len(expected)} choices that its schema gives, and no other"


def _not(expected: Any, _value: Any, _schema: Mapping[str, Any]) -> str:
    return "is what its schema excludes" if expected else "isn't allowed"


def _dependent(expected: Any, value: Any, _schema: Mapping[str, Any]) -> str:
    missing = ((name, other) for name, others in expected.items() if name in value for other in others)
    name, other = next(pair for pair in missing if pair[1] not in value)
    return f"has `{shown(name)}`, and so needs `{shown(other)}`"


_WORDS: Mapping[str, Callable[[Any, Any, Mapping[str, Any]], str]] = {
    "type": _type,
    "enum": _enum,
    "required": _required,
    "additionalProperties": _additional,
    "pattern": _pattern,
    "oneOf": _one_of,
    "not": _not,
    "dependentRequired": _dependent,
}


def _kind(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return _json(value)
    if isinstance(value, str):
        return "a string" if value else "an empty string"
    if isinstance(value, int | float):
        return "a number"
    return "an object" if isinstance(value, Mapping) else "an array"


def _named(names: Iterable[str]) -> str:
    """Return names in quotes; of many the first."""
    found = list(dict.fromkeys(names))
    rest = f" and {len(found) - 3} more" if len(found) > 3 else ""
    return ", ".join(f"`{shown(name)}`" for name in found[:3]) + rest


def _json(value: Any) -> str:
    return short(json.dumps(value, ensure_ascii=False))


def _listed(choices: list[str]) -> str:
    return " or ".join([", ".join(choices[:-1]), choices[-1]] if len(choices) > 1 else choices)
