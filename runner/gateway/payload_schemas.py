"""JSON Schemas of events as parts of an OpenAPI document: their references keep their meaning. Pure."""

import json
from typing import Any

#: What holds values, and no schemas: a `$ref` in there is no reference.
_VALUES = ("const", "default", "enum", "example", "examples")
#: What holds schemas by names.
_NAMED = ("$defs", "definitions", "dependentSchemas", "patternProperties", "properties")
#: References to them are by name, and not by a way from the root.
_ANCHORS = ("$anchor", "$dynamicAnchor", "$dynamicRef")


def embedded(text: str, name: str) -> Any:
    """Return a schema as it stands in `components.schemas` under a name.

    There `#` is the whole document: references from the root of the schema are written anew. Where that
    isn't enough the schema gets an `$id`, which makes it a root of its own (JSON Schema 2020-12, section
    9.3); one that has one stays as it is.
    """
    schema = json.loads(text)
    if not isinstance(schema, dict) or "$id" in schema:
        return schema
    if any(f'"{anchor}"' in text for anchor in _ANCHORS):
        return {"$id": f"urn:ebats:{name}", **schema}
    return _moved(schema, f"#/components/schemas/{name}")


def _moved(part: Any, root: str, *, is_named: bool = False) -> Any:
    """Return a part of a schema; `is_named`: its keys are names of schemas, and no keywords."""
    if isinstance(part, list):
        return [_moved(item, root) for item in part]
    if not isinstance(part, dict) or "$id" in part:
        return part
    return {key: _moved_value("" if is_named else key, value, root) for key, value in part.items()}


def _moved_value(key: str, value: Any, root: str) -> Any:
    if key == "$ref" and isinstance(value, str) and (value == "#" or value.startswith("#/")):
        return root + value[1:]
    return value if key in _VALUES else _moved(value, root, is_named=key in _NAMED)
