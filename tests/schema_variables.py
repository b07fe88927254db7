"""What an editor needs beside ebats: a `${VARIABLE}` is good wherever one value stands.

ebats fills variables in before it looks at a file, an editor doesn't. So the schema says of each value that
isn't any text anyway: it, or a text with a variable. ebats leaves the second out when it checks.
"""

from typing import Any

#: How a schema says that a variable may stand there.
VARIABLE = {"$ref": "#/$defs/variable"}
_SCALARS = {"string", "integer", "number", "boolean"}
#: What narrows a value down; the rest of a schema is for people.
_KEYWORDS = (
    *("type", "enum", "pattern", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
    *("minLength", "maxLength", "multipleOf", "allOf", "not"),
    *("errorMessage", "enumDescriptions"),
)
_PLACES = ("properties", "$defs")


def with_variables(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema in which a variable may stand for each single value, as it may in one that is so."""
    return {key: _below(key, value) for key, value in schema.items()}


def _below(key: str, value: Any) -> Any:
    if key in _PLACES:
        return {name: inner if name == "variable" else _opened(inner) for name, inner in value.items()}
    if key in ("items", "additionalProperties") and isinstance(value, dict):
        return _opened(value)
    if key == "anyOf" and value[-1:] != [VARIABLE]:
        return _choices(value)
    return value


def _choices(branches: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the branches of a choice, and a variable where none of them takes one."""
    inner = [with_variables(branch) for branch in branches]
    is_open = any("$ref" in branch or _takes_any_text(branch) for branch in branches)
    return inner if is_open or not any(_is_narrow(branch) for branch in branches) else [*inner, VARIABLE]


def _opened(schema: Any) -> Any:
    if not isinstance(schema, dict):
        return schema
    schema = with_variables(schema)
    if not _is_narrow(schema):
        return schema
    narrow = {key: schema[key] for key in _KEYWORDS if key in schema}
    opened: dict[str, Any] = {}
    for key, value in schema.items():
        if key not in narrow:
            opened[key] = value
        elif "anyOf" not in opened:
            opened["anyOf"] = [narrow, VARIABLE]
    return opened


def _is_narrow(schema: dict[str, Any]) -> bool:
    types = _types(schema)
    is_single = bool(types) and types <= _SCALARS
    return "enum" in schema or (is_single and not _takes_any_text(schema))


def _takes_any_text(schema: dict[str, Any]) -> bool:
    bounds = {"pattern", "maxLength", "not", "enum", "allOf"} & schema.keys()
    return "string" in _types(schema) and not bounds


def _types(schema: dict[str, Any]) -> set[str]:
    types = schema.get("type", [])
    return {types} if isinstance(types, str) else set(types)
