"""Bodies of requests as items: a JSON array, NDJSON, or one payload. Pure."""

import re
from collections.abc import Iterable
from itertools import islice
from typing import Any

import msgspec

from ebats.runner.gateway import strict
from ebats.runner.gateway.items import BadItem, Item, read

#: A request with more items is refused: each is held, and answered, on its own.
MOST_ITEMS = 10_000

#: A line that isn't blank.
_LINE = re.compile(rb"[^ \t\r\n][^\n]*")

_each = msgspec.json.Decoder(list[msgspec.Raw])
_parts = msgspec.json.Decoder(dict[str, msgspec.Raw])


class BadBody(ValueError):
    """Raised for a body that holds no items; its text says why."""


class TooMany(BadBody):
    """Raised for a body with more items than a request may have."""


def array(body: bytes, depth: int) -> list[Item | BadItem]:
    """Return the items of a JSON array, and what is wrong with those that are none.

    Raises:
        BadJson: it isn't JSON.
        BadBody: it isn't an array, or has no items, or too many.
    """
    values = strict.value(body, depth)
    if not isinstance(values, list):
        raise BadBody("the body has to be a JSON array of items, `[{...}]`, or NDJSON with one on each line")
    _check_number(len(values))
    return [_item(value, text) for value, text in zip(values, _each.decode(body), strict=True)]


def lines(body: bytes, depth: int) -> list[Item | BadItem]:
    """Return the items of NDJSON, one a line, and what is wrong with those that are none; see `array`."""
    # Before they are read: 16 MiB of the shortest lines take ten seconds, and a gigabyte.
    _check_number(sum(1 for _ in islice(_LINE.finditer(body), MOST_ITEMS + 1)))
    values = strict.lines(body, depth)
    texts = (line for line in body.split(b"\n") if line.strip())
    return [_item(value, text) for value, text in zip(values, texts, strict=True)]


def single(body: bytes, depth: int, **parts: Any) -> Item:
    """Return the item whose payload the body is; `parts` are the rest of it.

    Raises:
        BadJson: it isn't JSON.
    """
    return Item(payload=strict.value(body, depth), json=body, **parts)


def _item(value: object, text: bytes | msgspec.Raw) -> Item | BadItem:
    try:
        return read(value, _parts.decode(text) if isinstance(value, dict) else {})
    except BadItem as error:
        return error


def _check_number(count: int) -> None:
    if not count:
        raise BadBody("the body has no items")
    if count > MOST_ITEMS:
        raise TooMany(f"the body has more than {MOST_ITEMS:,} items: send several requests")


def ids(key: str | None, count: int) -> Iterable[str | None]:
    """Return the ids that a key makes for so many items: itself for one, with its index for several."""
    if key is None or count == 1:
        return [key] * count
    return (f"{key}-{index}" for index in range(count))
