"""Templates: `order {{ order.id }}`, filled in from a payload."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

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
            value = _written(_find(payload, steps))
            if value is None:
                return None
            parts += value, text
        return "".join(parts)


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


def _find(value: object, steps: tuple[str, ...]) -> object:
    for step in steps:
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


def _written(value: object) -> str | None:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int | float) else None
