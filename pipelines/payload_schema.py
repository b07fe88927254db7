"""An event's schema, from a file or written in place: read, checked, and kept as text."""

import json
import math
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ebats.pipelines import rules
from ebats.pipelines.model import PayloadSchema
from ebats.pipelines.schema_doubts import doubts
from ebats.pipelines.secrets import one_line, shown
from ebats.pipelines.values import Values
from ebats.pipelines.violations import pointer, short

if TYPE_CHECKING:
    from ebats.pipelines.schema_faults import Fault

_MOST_BYTES = 1_048_576
#: Both libraries of JSON Schema go through a schema by recursion.
_DEEPEST = 64
#: More than anybody mends at once.
_MOST_DOUBTS = 20


class _Unreadable(Exception):
    """Raised for a file that holds no JSON; the text says why, and where, `hint` what to do."""

    def __init__(self, text: str, hint: str = "") -> None:
        super().__init__(text)
        self.hint = hint


def resolve_schema(values: Values, event: str) -> PayloadSchema | None:
    """Return an event's schema, or None where it has none, or one that is no good.

    What is wrong goes to `values.problems`.
    """
    path = ("events", event, "schema")
    written = values.get(*path)
    if written is None or values.has_error(*path):
        return None
    format_ = values.get("events", event, "format") or "json"
    if format_ != "json":
        text = f"a payload of format `{shown(format_)}` has nothing that a schema could be about"
        values.problem_at_key(rules.NOT_FOR_FORMAT, path, text, "take `schema` or `format` out")
        return None
    if isinstance(written, dict):
        return _in_place(values, event, written)
    try:
        schema = _read(values.source.folder(path) / written)
    except _Unreadable as error:
        values.problem(
            rules.BAD_SCHEMA, path, f"the schema {shown(written)} can't be used: {error}", error.hint
        )
        return None
    found = _faults(schema)
    for fault in found:
        values.problem(rules.BAD_SCHEMA, path, _about(shown(written), fault), fault.hint)
    for place, near in () if found else islice(doubts(schema), _MOST_DOUBTS):
        text = (
            f"in {shown(written)} `{short(pointer(place))}` is no keyword of JSON Schema and checks nothing"
        )
        values.problem(rules.DOUBTFUL_SCHEMA, path, text, f"did you mean `{near}`?")
    return None if found else PayloadSchema(text=_text(schema), where=short(written))


def _in_place(values: Values, event: str, schema: dict[str, Any]) -> PayloadSchema | None:
    path = ("events", event, "schema")
    if not _is_json(schema):
        values.problem(
            rules.BAD_SCHEMA, path, "the schema holds a number that JSON doesn't have", "write another"
        )
        return None
    found = _faults(schema)
    for fault in found:
        values.problem(rules.BAD_SCHEMA, (*path, *fault.path), _about("the schema", fault), fault.hint)
    for place, near in () if found else islice(doubts(schema), _MOST_DOUBTS):
        text = f"in the schema `{short(pointer(place))}` is no keyword of JSON Schema and checks nothing"
        values.problem_at_key(rules.DOUBTFUL_SCHEMA, (*path, *place), text, f"did you mean `{near}`?")
    return None if found else PayloadSchema(text=_text(schema), where=f"events.{event}.schema")


def _faults(schema: Any) -> "list[Fault]":
    from ebats.pipelines.schema_faults import faults  # by jsonschema, which files without schemas don't need

    return faults(schema)


def _about(schema: str, fault: "Fault") -> str:
    """Return what is wrong, with its place inside the schema."""
    return (
        f"in {schema} `{short(pointer(fault.path))}` {fault.text}" if fault.path else f"{schema} {fault.text}"
    )


def _read(file: Path) -> Any:
    try:
        with file.open("rb") as opened:
            content = opened.read(_MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no path"
        raise _Unreadable(str(why), "name a JSON file, by its way from the folder of this one") from None
    if len(content) > _MOST_BYTES:
        raise _Unreadable("it is larger than 1 MiB")
    try:
        schema = json.loads(content.decode("utf-8-sig"), object_pairs_hook=_object, parse_constant=_constant)
    except json.JSONDecodeError as error:
        raise _Unreadable(f"line {error.lineno}, column {error.colno}: {error.msg}") from None
    except (ValueError, RecursionError) as error:
        is_text = not isinstance(error, UnicodeDecodeError | RecursionError)
        raise _Unreadable(one_line(str(error)) if is_text else _odd(error)) from None
    if not _is_json(schema):
        raise _Unreadable(f"it is nested more than {_DEEPEST} deep, or holds what can't be sent as JSON")
    return schema


def _odd(error: Exception) -> str:
    return "it is nested too deeply" if isinstance(error, RecursionError) else "it isn't UTF-8"


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key `{shown(twice)}` stands twice in one object")
    return found


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _is_json(value: Any, depth: int = 0) -> bool:
    """Return whether JSON can hold a value, and the libraries can go through it."""
    if depth > _DEEPEST:
        return False
    if isinstance(value, dict | list):
        inner = (*value, *value.values()) if isinstance(value, dict) else value
        return all(_is_json(item, depth + 1) for item in inner)
    if isinstance(value, str):
        return value.isascii() or value == value.encode(errors="replace").decode()
    return not isinstance(value, float) or math.isfinite(value)


def _text(schema: Any) -> str:
    return json.dumps(schema, ensure_ascii=False, separators=(",", ":"))
