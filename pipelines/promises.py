"""What an event's payload schema promises of a field: that it is always there, may be, or never is."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

#: `promised`: in every payload. `named`: the schema speaks of it. `open`: it doesn't, and doesn't forbid
#: it. `absent`: in none. `unknown`: that would take more than a look.
Promise = Literal["promised", "named", "open", "absent", "unknown"]

#: Of references and the like, one inside the other.
_DEEPEST = 24
_WEAKEST: tuple[Promise, ...] = ("absent", "open", "named", "promised")


@dataclass(frozen=True, slots=True)
class _Shape:
    """What a schema says of one object. Where it can't be told, more is promised than perhaps is."""

    required: frozenset[str] = frozenset()
    #: Name to the schemas that look at its value.
    properties: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    #: The only names that there may be; None: any.
    allowed: frozenset[str] | None = None
    #: A value that it lets through can be an object; a list.
    is_object: bool = True
    is_list: bool = True
    is_known: bool = True
    #: It says something of names that it doesn't list.
    is_open: bool = False


def promise(schema: Any, steps: tuple[str, ...]) -> Promise:
    """Return what a whole JSON Schema without faults says of a field, given as the steps that lead to it."""
    here: tuple[Any, ...] = (schema,)
    found: list[Promise] = []
    for step in steps:
        shape = _shape_of(here, schema)
        said = _said(shape, step)
        if said == "unknown":
            return said
        found.append(said)
        here = shape.properties.get(step, ())
        if not here:
            break
    if len(found) < len(steps) and found[-1] == "promised":
        return "open"  # it is there, and nothing is said of what is in it
    return min(found, key=_WEAKEST.index)


def names(schema: Any, steps: tuple[str, ...]) -> list[str]:
    """Return the fields that a schema speaks of beside the last of these steps."""
    here: tuple[Any, ...] = (schema,)
    for step in steps[:-1]:
        here = _shape_of(here, schema).properties.get(step, ())
    return sorted(_shape_of(here, schema).properties)


def _said(shape: _Shape, step: str) -> Promise:
    if not shape.is_known or (step.isdecimal() and shape.is_list):
        return "unknown"
    if not shape.is_object or (shape.allowed is not None and step not in shape.allowed):
        return "absent"
    if step in shape.required:
        return "promised"
    return "named" if step in shape.properties else "open"


def _shape_of(schemas: Iterable[Any], root: Any) -> _Shape:
    """Return what several schemas say of one value, each perhaps only in some cases."""
    found = _Shape()
    for number, schema in enumerate(schemas):
        one = _shape(schema, root, 0)
        found = one if number == 0 else _either(found, one, frozenset.union)
    return found


def _shape(schema: Any, root: Any, depth: int) -> _Shape:
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return _Shape(is_known=schema is True)
    if "$dynamicRef" in schema or "$anchor" in schema or "$id" in schema:
        return _Shape(is_known=False)
    found = _own(schema)
    for part in schema.get("allOf", ()):
        found = _both(found, _shape(part, root, depth + 1))
    for keyword in ("anyOf", "oneOf"):
        if keyword in schema:
            found = _both(found, _any_of(schema[keyword], root, depth + 1))
    if "$ref" in schema:
        found = _both(found, _referred(schema["$ref"], root, depth + 1))
    if "if" in schema:
        found = _both(found, _any_of([schema.get("then", True), schema.get("else", True)], root, depth + 1))
        # What the condition looks at counts as evaluated where it holds.
        found = replace(found, is_open=True)
    found = _dependent(found, schema, root, depth + 1)
    if schema.get("unevaluatedProperties") is False and not found.is_open:
        found = _both(found, _Shape(allowed=frozenset(found.properties)))
    return found


def _own(schema: Mapping[str, Any]) -> _Shape:
    """Return what the keywords say that look at the object alone."""
    properties = {
        name: (inner,) for name, inner in schema.get("properties", {}).items() if inner is not False
    }
    is_closed = schema.get("additionalProperties") is False and "patternProperties" not in schema
    types = schema.get("type", ("object", "array"))
    types = (types,) if isinstance(types, str) else types
    values = schema["enum"] if "enum" in schema else [schema["const"]] if "const" in schema else None
    required = frozenset(schema.get("required", ()))
    allowed = frozenset(properties) if is_closed else None
    if values and all(isinstance(value, dict) for value in values):
        required |= frozenset.intersection(*(frozenset(value) for value in values))
        allowed = frozenset.union(*(frozenset(value) for value in values))
    opens = ("additionalProperties", "patternProperties", "unevaluatedProperties")
    is_open = any(schema.get(keyword, False) is not False for keyword in opens)
    return _Shape(required, properties, allowed, "object" in types, "array" in types, is_open=is_open)


def _dependent(found: _Shape, schema: Mapping[str, Any], root: Any, depth: int) -> _Shape:
    """Add what follows from fields: where these are promised, that is too."""
    for name, more in schema.get("dependentRequired", {}).items():
        if name in found.required:
            found = _both(found, _Shape(frozenset(more)))
    for name, inner in schema.get("dependentSchemas", {}).items():
        one = _shape(inner, root, depth)
        found = _both(
            found, one if name in found.required else _either(one, _Shape(), frozenset.intersection)
        )
    return found


def _any_of(schemas: list[Any], root: Any, depth: int) -> _Shape:
    found: _Shape | None = None
    for schema in schemas:
        if schema is False:
            continue
        one = _shape(schema, root, depth)
        # A branch for what is no object, such as null, promises what all of them do.
        if one.is_object or one.is_list:
            found = one if found is None else _either(found, one, frozenset.intersection)
    return found or _Shape(is_object=False, is_list=False)


def _referred(target: str, root: Any, depth: int) -> _Shape:
    if target != "#" and not target.startswith("#/"):
        return _Shape(is_known=False)
    found = root
    for step in target.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(found, list):
            found = found[int(name)] if name.isdecimal() and int(name) < len(found) else None
        else:
            found = found.get(name) if isinstance(found, dict) else None
    return _shape(found, root, depth) if isinstance(found, dict | bool) else _Shape(is_known=False)


def _both(one: _Shape, other: _Shape) -> _Shape:
    """Return what holds where both do."""
    kept = [each.allowed for each in (one, other) if each.allowed is not None]
    return _Shape(
        one.required | other.required,
        _together(one, other),
        frozenset.intersection(*kept) if kept else None,
        one.is_object and other.is_object,
        one.is_list and other.is_list,
        one.is_known and other.is_known,
        one.is_open or other.is_open,
    )


def _either(one: _Shape, other: _Shape, merge: Any) -> _Shape:
    """Return what holds where one of them does; `merge` says what of their promises stays."""
    both = one.allowed is not None and other.allowed is not None
    return _Shape(
        merge(one.required, other.required),
        _together(one, other),
        (one.allowed or frozenset()) | (other.allowed or frozenset()) if both else None,
        one.is_object or other.is_object,
        one.is_list or other.is_list,
        one.is_known and other.is_known,
        one.is_open or other.is_open,
    )


def _together(one: _Shape, other: _Shape) -> dict[str, tuple[Any, ...]]:
    shared = one.properties.keys() & other.properties.keys()
    return {**one.properties, **other.properties} | {
        name: (*one.properties[name], *other.properties[name]) for name in shared
    }
