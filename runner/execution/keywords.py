"""Keywords of JSON Schema that jsonschema reads otherwise than they are meant, or takes too long for."""

import math
from collections.abc import Callable, Iterable
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonschema import ValidationError

#: (pattern, text) -> whether the one is found in the other.
Search = Callable[[str, str], bool]
_Errors = Iterable["ValidationError"]


def keywords(search: Search) -> dict[str, Callable[..., _Errors]]:
    """Return what checks them, for jsonschema; patterns are looked for by `search`."""
    return {
        "multipleOf": _multiple_of,
        "pattern": partial(_pattern, search),
        "uniqueItems": _unique_items,
    }


def _multiple_of(_validator: object, divisor: Any, instance: Any, _schema: object) -> _Errors:
    """Check `multipleOf` as it is written: 19.99 is a multiple of 0.01, though not as binary fractions."""
    if isinstance(instance, bool) or not isinstance(instance, int | float):
        return
    is_finite = isinstance(instance, int) or math.isfinite(instance)
    if not is_finite or (Fraction(repr(instance)) / Fraction(repr(divisor))).denominator != 1:
        yield _error("is no multiple")


def _pattern(search: Search, _validator: object, pattern: str, instance: Any, _schema: object) -> _Errors:
    if isinstance(instance, str) and not search(pattern, instance):
        yield _error("doesn't match")


def _unique_items(_validator: object, wanted: bool, instance: Any, _schema: object) -> _Errors:
    """Check `uniqueItems` at once: jsonschema compares each item of a mixed list with each other."""
    if wanted and isinstance(instance, list) and len({_known_by(item) for item in instance}) < len(instance):
        yield _error("has an item twice")


def _known_by(item: Any) -> Any:
    """Return what equals that of another item where JSON Schema takes the two for the same."""
    if isinstance(item, dict):
        return "{", frozenset((name, _known_by(inner)) for name, inner in item.items())
    if isinstance(item, list):
        return "[", tuple(map(_known_by, item))
    # 1 and 1.0 are the same, 1 and true are not.
    return ("true or false", item) if isinstance(item, bool) else item


def _error(text: str) -> "ValidationError":
    from jsonschema import ValidationError  # not before somebody needs it

    return ValidationError(text)
