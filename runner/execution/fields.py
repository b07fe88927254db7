"""What headers and texts of others hold, to which anybody may have written anything."""

import math
from collections.abc import Callable
from typing import Any, TypeVar

Number = TypeVar("Number", int, float)

#: What a name may have on a broker; anything longer is none.
_NAME_BYTES = 255


def as_name(value: object, default: str | None = None) -> str | None:
    """Return a header that is a name; anybody may publish, so anything may stand there."""
    try:
        return value if isinstance(value, str) and len(value.encode()) <= _NAME_BYTES else default
    except UnicodeEncodeError:  # half a surrogate pair
        return default


def as_number(value: object, kind: Callable[[Any], Number]) -> Number | None:
    """Return a header that is a number, or None; anything may stand there."""
    if value is None:
        return None
    try:
        number = kind(value)
        return number if math.isfinite(number) else None
    except (TypeError, ValueError, OverflowError):
        return None


def is_utf8(text: str) -> bool:
    """Return whether a text can be written as UTF-8: half of a pair of surrogates can't."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
