"""The schemas inside a JSON Schema of draft 2020-12: where they stand, what they look at."""

from collections.abc import Iterator
from typing import Any

from ebats.pipelines.ecma_pattern import to_python

#: From a schema to one inside it.
Path = tuple[str | int, ...]

_ONE = frozenset(
    {
        *("additionalProperties", "contains", "contentSchema", "else", "if", "items", "not"),
        *("propertyNames", "then", "unevaluatedItems", "unevaluatedProperties"),
    }
)
#: Of what no other keyword is about: jsonschema knows the place of a `false` here.
_OTHERS = frozenset({"additionalProperties", "unevaluatedItems", "unevaluatedProperties"})
_LISTS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_MAPPINGS = frozenset({"$defs", "definitions", "dependentSchemas", "patternProperties", "properties"})

#: Those whose schemas look at the same value as the one that they stand in.
IN_PLACE = frozenset({"allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas"})


def inside(schema: Any) -> Iterator[tuple[Path, Any]]:
    """Yield each schema that stands right inside a well-formed one, with the way to it."""
    for keyword, value in schema.items() if isinstance(schema, dict) else ():
        if keyword in _ONE:
            yield (keyword,), value
        elif keyword in _LISTS:
            yield from (((keyword, index), item) for index, item in enumerate(value))
        elif keyword in _MAPPINGS:
            yield from (((keyword, name), item) for name, item in value.items())


def patterns(schema: Any) -> Iterator[tuple[Path, str]]:
    """Yield each pattern that stands right in a well-formed schema, with the way to it."""
    if isinstance(schema, dict):
        if "pattern" in schema:
            yield ("pattern",), schema["pattern"]
        yield from ((("patternProperties", name), name) for name in schema.get("patternProperties", ()))


def for_python(schema: Any) -> Any:
    """Return a schema as jsonschema reads it best: `schema` has no faults.

    Its patterns are Python's. What is plainly `false` is written out, for jsonschema loses its place.
    """
    if not isinstance(schema, dict):
        return schema or {"not": {}}
    return {keyword: _for_python(keyword, value) for keyword, value in schema.items()}


def _for_python(keyword: str, value: Any) -> Any:
    if keyword == "pattern":
        return to_python(value)
    if keyword == "patternProperties":
        return {to_python(pattern): for_python(inner) for pattern, inner in value.items()}
    if keyword in _OTHERS and value is False:
        return value
    if keyword in _ONE:
        return for_python(value)
    if keyword in _LISTS:
        return [for_python(item) for item in value]
    return {name: for_python(inner) for name, inner in value.items()} if keyword in _MAPPINGS else value
