"""JSON pointers, RFC 6901: `/callback/requests/0`."""

from collections.abc import Iterable

Steps = tuple[str, ...]


class Missing(LookupError):
    """Raised when a value has nothing at a pointer."""


def parse(text: str) -> Steps:
    """Return the steps of a pointer; none of the empty one, which is the whole value.

    Raises:
        ValueError: it is none; the text says what one looks like.
    """
    if text and not text.startswith("/"):
        raise ValueError(f"{text!r} is no JSON pointer: write /callback or /items/0/name")
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in text.split("/")[1:])


def write(steps: Iterable[str | int]) -> str:
    """Return the pointer of these steps."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


def find(value: object, steps: Steps) -> object:
    """Return what stands there: a step is a key of a map, or a position in a list, from 0.

    Raises:
        Missing: nothing does.
    """
    for step in steps:
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isascii() and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            raise Missing(f"the payload has no {write(steps)}")
    return value
