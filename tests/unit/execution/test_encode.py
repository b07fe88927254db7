"""A result as JSON: what isn't is said with its place, and nothing that a task may return makes it crash."""

import enum
import json
import sys
from collections import OrderedDict, namedtuple
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebats.runner.execution.encode import MOST_BYTES, BadResult, encode, is_json, join, text

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**300), 10**300)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
)


@given(JSON)
def test_what_is_json_is_read_as_it_was(value: object) -> None:
    encoded = encode(value)
    assert json.loads(encoded) == value
    assert is_json(encoded)


def test_what_python_takes_for_json_is_taken() -> None:
    class Colour(enum.IntEnum):
        RED = 1

    class Name(str):
        __slots__ = ()

    pair = namedtuple("pair", "a b")(1, (2, 3))
    value = OrderedDict(colour=Colour.RED, name=Name("x"), pair=pair)
    assert json.loads(encode(value)) == {"colour": 1, "name": "x", "pair": [1, [2, 3]]}
    assert json.loads(encode({1: "a", None: "b", False: "c"})) == {"1": "a", "null": "b", "false": "c"}


class Odd:
    """Nothing that JSON has a place for."""


class Wicked(dict[str, Any]):
    """A dict whose every look raises."""

    def items(self) -> Any:
        raise SystemExit(3)


class Textless(Exception):
    def __str__(self) -> str:
        raise RuntimeError


class Mute(dict[str, Any]):
    def items(self) -> Any:
        raise Textless


ITSELF: list[Any] = [1]
ITSELF.append({"again": ITSELF})


def deep(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "where"),
    [
        ({1, 2}, "the whole: a set"),
        ({"items": [{1}, 2]}, ".items.0: a set"),
        ({"a": {"b": (1, Decimal(1))}}, ".a.b.1: a Decimal"),
        ([datetime(2026, 1, 1)], ".0: a datetime"),
        ([b"bytes"], ".0: a bytes"),
        ([Odd()], ".0: an Odd"),
        (Ellipsis, "the whole: an ellipsis"),
        ({"a": float("nan")}, ".a: nan"),
        ({"a": -float("inf")}, ".a: -inf"),
        ({"a": "\ud83d"}, ".a: a text with half a surrogate pair"),
        ({"\ud83d": 1}, "the whole: a key that is a text with half a surrogate pair"),
        ({(1, 2): 3}, "the whole: a key that is a tuple"),
        ({"n": 10**5000}, ".n: a number of thousands of digits"),
        (ITSELF, "it holds itself"),
        (Wicked(a=1), "SystemExit"),
        ([Mute(a=1)], "RuntimeError"),
        (deep(100_000), "nested too deeply"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_what_is_not_json_is_said_with_its_place(value: object, where: str) -> None:
    with pytest.raises(BadResult) as caught:
        encode(value)
    assert where in str(caught.value)
    assert len(str(caught.value)) < 1000


def test_a_wide_result_that_is_wrong_at_its_end_is_looked_through_quickly() -> None:
    with pytest.raises(BadResult, match=r"\.300000: a set"):
        encode([*range(300_000), {1}])
    shared: Any = []
    for _ in range(60):
        shared = [shared, shared]
    # Two to the sixtieth parts: nobody looks at them all.
    with pytest.raises(BadResult):
        encode([{1}, shared])


def test_what_no_message_holds_is_too_large() -> None:
    assert len(encode("x" * (MOST_BYTES - 2))) == MOST_BYTES
    with pytest.raises(BadResult, match=r"the result has 16,000,001 bytes, .* holds 16,000,000: keep it"):
        encode("x" * (MOST_BYTES - 1))
    half = encode("x" * (MOST_BYTES // 2))
    with pytest.raises(BadResult, match="the result with its payload has"):
        join({"payload": half, "result": half})


def test_what_cannot_be_read_again_is_not_sent() -> None:
    limit = sys.getrecursionlimit()
    with pytest.raises(BadResult, match="nested too deeply"):
        join({"result": b"[" * (limit - 60) + b"]" * (limit - 60)})


@given(st.text() | st.integers() | st.none())
def test_texts_and_numbers_are_json_whatever_they_hold(value: str | int | None) -> None:
    try:
        encoded = text(value)
    except OverflowError:
        assert isinstance(value, int)
        return
    assert is_json(encoded)
    assert type(msgspec.json.decode(encoded)) is type(value)
