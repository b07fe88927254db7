"""What is doubtful in a JSON Schema: keywords that aren't, and so check nothing, but are nearly one."""

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from ebats.pipelines import subschemas
from ebats.pipelines.subschemas import Path

#: All of draft 2020-12: https://json-schema.org/draft/2020-12/meta/core and the others beside it.
_KEYWORDS = frozenset(
    {
        *("$anchor", "$comment", "$defs", "$dynamicAnchor", "$dynamicRef", "$id", "$ref", "$schema"),
        *("$vocabulary", "additionalProperties", "allOf", "anyOf", "const", "contains", "contentEncoding"),
        *("contentMediaType", "contentSchema", "default", "definitions", "dependentRequired"),
        *("dependentSchemas", "deprecated", "description", "else", "enum", "examples", "exclusiveMaximum"),
        *("exclusiveMinimum", "format", "if", "items", "maxContains", "maxItems", "maxLength"),
        *("maxProperties", "maximum", "minContains", "minItems", "minLength", "minProperties", "minimum"),
        *("multipleOf", "not", "oneOf", "pattern", "patternProperties", "prefixItems", "properties"),
        *("propertyNames", "readOnly", "required", "then", "title", "type", "unevaluatedItems"),
        *("unevaluatedProperties", "uniqueItems", "writeOnly"),
    }
)
#: Of OpenAPI's, near as it is to `examples`.
_KNOWN = _KEYWORDS | {"example"}
_NEAR = 0.75


def doubts(schema: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Yield where a well-formed schema has what is nearly a keyword, and which.

    Whatever else is no keyword is a note, of which JSON Schema allows any (core, section 6.5).
    """
    for name in schema if isinstance(schema, dict) else ():
        if name not in _KNOWN and (near := get_close_matches(name, _KEYWORDS, 1, _NEAR)):
            yield (*path, name), near[0]
    for way, inner in subschemas.inside(schema):
        yield from doubts(inner, (*path, *way))
