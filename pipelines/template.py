"""Templates: `order {{ order.id }}`, filled in from a payload."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

#: Stands for the value of a field that a payload doesn't have.
MISSING = object()

_FIELD = re.compile(r"\{\{\s*([A-Za-z_0-9-]+(?:\.[A-Za-z_0-9-]+)*)\s*\}\}")


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed template: texts, and between them the fields as steps into the payload."""

    texts: tuple[str, ...]
    fields: tuple[tuple[str, ...], ...]

    def render(self, payload: object) -> str | None:
        """Return the template with its fields filled in; None: the payload lacks one of them.

        A step names a key of a mapping, or a position in a list, from 0. Texts
        stand as they are, `true`, `false` and numbers as in JSON; nothing, a list
        or a mapping can't be written into a text and counts as missing.
        """
        parts = [self.texts[0]]
        for steps, text in zip(self.fields, self.texts[1:], strict=True):
            value = written(find(payload, steps))
            if value is None:
                return None
            parts += value, text
        return "".join(parts)

    def fill(self, payload: object, encode: Callable[[str], str] = str) -> str:
        """Return what `render` does, each value encoded.

        Raises:
            Unfilled: the payload lacks a field, or it can't be written into a text.
        """
        parts = [self.texts[0]]
        for steps, text in zip(self.fields, self.texts[1:], strict=True):
            parts += encode(writable(payload, steps)), text
        return "".join(parts)


class Unfilled(Exception):
    """Raised when a payload can't fill a template; its text names the field."""


def parse(text: str) -> Template:
    """Return a template.

    Raises:
        ValueError: the text isn't one; its text says what one looks like.
    """
    texts: list[str] = []
    fields: list[tuple[str, ...]] = []
    position = 0
    for found in _FIELD.finditer(text):
        texts.append(text[position : found.start()])
        fields.append(tuple(found[1].split(".")))
        position = found.end()
    texts.append(text[position:])
    if any("{{" in part or "}}" in part for part in texts):
        raise ValueError("a field of the payload is written {{ order.id }} or {{ items.0.name }}")
    return Template(tuple(texts), tuple(fields))


def find(value: object, steps: tuple[str, ...]) -> object:
    """Return the value of a field; `MISSING`: there is none."""
    for step in steps:
        if isinstance(value, Mapping):
            value = value.get(step, MISSING)
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return MISSING
    return value


def named(steps: tuple[str, ...]) -> str:
    """Return a field as it is written in a template."""
    return "{{ " + ".".join(steps) + " }}"


def writable(payload: object, steps: tuple[str, ...]) -> str:
    """Return the value of a field as a text.

    Raises:
        Unfilled: there is none, or it is nothing, a list or a mapping.
    """
    value = find(payload, steps)
    text = written(value)
    if text is not None:
        return text
    if value is MISSING:
        raise Unfilled(f"the payload has no {named(steps)}")
    kind = "null" if value is None else "a list" if isinstance(value, list) else "a mapping"
    raise Unfilled(f"{named(steps)} is {kind}, and can't be written into a text")


def written(value: object) -> str | None:
    """Return a value as it stands inside a text; None: it can't."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int | float) else None
