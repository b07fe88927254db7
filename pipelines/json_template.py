"""JSON with templates in it: a field alone keeps its type, inside a text it is written."""

from collections.abc import Callable
from typing import Any

from ebats.pipelines.template import MISSING, Unfilled, find, named, parse

#: Makes the value from a payload. Raises Unfilled.
Fill = Callable[[object], Any]


def compile_json(value: Any) -> Fill:
    """Return what fills a JSON value from a payload: the templates are the texts in it, never its keys.

    Raises:
        ValueError: one of its texts, or a key, can't be read; the text says why.
    """
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list):
        fills = [compile_json(item) for item in value]
        return lambda payload: [fill(payload) for fill in fills]
    if isinstance(value, dict):
        return _mapping(value)
    return lambda _payload: value


def _text(text: str) -> Fill:
    template = parse(text)
    if not template.fields:
        return lambda _payload: text
    if template.texts == ("", ""):
        steps = template.fields[0]
        return lambda payload: _typed(payload, steps)
    return template.fill


def _mapping(value: dict[str, Any]) -> Fill:
    for key in value:
        if "{{" in key:
            raise ValueError(f"the key {key!r:.60} can't be a template: only values are filled in")
    fills = {key: compile_json(item) for key, item in value.items()}
    return lambda payload: {key: fill(payload) for key, fill in fills.items()}


def _typed(payload: object, steps: tuple[str, ...]) -> object:
    value = find(payload, steps)
    if value is MISSING:
        raise Unfilled(f"the payload has no {named(steps)}")
    return value
