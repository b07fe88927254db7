"""What a case expects against what came of it: which pairs, what differs in each, what has no counterpart."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal
from unicodedata import normalize

from ebats.pipelines.cases import (
    Anything,
    Containing,
    Death,
    Expectation,
    ExpectedDeath,
    ExpectedMessage,
    ExpectedRun,
    PublishedMessage,
    Rehearsed,
    Run,
)
from ebats.pipelines.pairing import PERFECT, pairs
from ebats.pipelines.problems import Place

Kind = Literal["runs", "published", "dead"]
Expected = ExpectedRun | ExpectedMessage | ExpectedDeath
Actual = Run | PublishedMessage | Death

#: What of each kind is compared, in the order in which it is told.
FIELDS: dict[Kind, tuple[str, ...]] = {
    "runs": ("task", "event", "at_ms", "attempt", "outcome", "queue", "payload"),
    "published": ("kind", "event", "at_ms", "payload"),
    "dead": ("task", "event", "at_ms", "reason", "attempts", "payload"),
}
#: What has to fit before two are held against each other.
_IDENTITY: dict[Kind, tuple[str, ...]] = {
    "runs": ("task",),
    "published": ("kind", "event"),
    "dead": ("task",),
}
#: Of what comes at one moment, beyond which the order has to be the expected one.
_MOST_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One expectation and what it was held against; None: there is no counterpart."""

    expected: Expected | None
    actual: Actual | None
    #: The fields that differ.
    differs: tuple[str, ...] = ()

    @property
    def is_good(self) -> bool:
        """Return whether what was expected came."""
        return self.expected is not None and self.actual is not None and not self.differs


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A list of a case that isn't what came: all rows, the good ones too."""

    kind: Kind
    #: Of the list in the file.
    place: Place
    rows: tuple[Row, ...]


def compare(expect: Expectation, came: Rehearsed, place: Place) -> tuple[Difference, ...]:
    """Return where what came isn't what is expected; nothing: the case is good.

    `place` is the case's, for a list that has none of its own.
    """
    lists: tuple[tuple[Kind, Sequence[Expected] | None, Sequence[Actual]], ...] = (
        ("runs", expect.runs, came.runs),
        ("published", expect.published, came.published),
        ("dead", expect.dead, came.dead),
    )
    compared = (
        Difference(kind=kind, place=expect.places.get(kind, place), rows=_rows(kind, expected, actual))
        for kind, expected, actual in lists
        if expected is not None
    )
    return tuple(each for each in compared if not all(row.is_good for row in each.rows))


def _rows(kind: Kind, expected: Sequence[Expected], actual: Sequence[Actual]) -> tuple[Row, ...]:
    """Return the rows in order of time. What came at one moment is put in the order that is expected."""
    ordered = _ordered(kind, expected, actual)
    found = pairs(len(expected), len(ordered), lambda i, j: _score(kind, expected[i], ordered[j]))
    return tuple(
        _row(kind, None if i is None else expected[i], None if j is None else ordered[j]) for i, j in found
    )


def _row(kind: Kind, expected: Expected | None, actual: Actual | None) -> Row:
    differs = differences(kind, expected, actual) if expected and actual else ()
    return Row(expected=expected, actual=actual, differs=differs)


def _ordered(kind: Kind, expected: Sequence[Expected], actual: Sequence[Actual]) -> list[Actual]:
    ordered: list[Actual] = []
    for _, group in groupby(actual, key=lambda each: each.at_ms):
        moment = list(group)
        if 1 < len(moment) <= _MOST_AT_ONCE:
            _sort(kind, expected, moment, len(ordered))
        ordered += moment
    return ordered


def _sort(kind: Kind, expected: Sequence[Expected], moment: list[Actual], start: int) -> None:
    """Put what came at one moment in the order of the expectations that come next."""
    window = expected[start : start + len(moment)]
    if len(window) == len(moment) and not any(
        differences(kind, *pair) for pair in zip(window, moment, strict=True)
    ):
        return
    chosen = _matching([[not differences(kind, each, came) for came in moment] for each in window])
    if len(chosen) < len(moment):
        # Something doesn't come: then what comes may be expected a little later.
        window = expected[start : start + 2 * len(moment) + 4]
        chosen = _matching([[not differences(kind, each, came) for came in moment] for each in window])
    # What fits nothing goes where something of its name is expected, or else to what is left.
    for i, each in enumerate(window):
        rest = [j for j in range(len(moment)) if j not in chosen.values()]
        if i not in chosen and rest:
            chosen[i] = max(rest, key=lambda j: (_score(kind, each, moment[j]), -j))
    order = [chosen[i] for i in sorted(chosen)]
    order += [j for j in range(len(moment)) if j not in order]
    moment[:] = [moment[j] for j in order]


def _matching(fits: list[list[bool]]) -> dict[int, int]:
    """Return which column is each row's, for as many rows as possible (Kuhn's algorithm)."""
    owner: dict[int, int] = {}
    for start in range(len(fits)):
        _claim(start, fits, owner)
    return {row: column for column, row in owner.items()}


def _claim(start: int, fits: list[list[bool]], owner: dict[int, int]) -> None:
    """Give a row a column, for which others may have to change theirs: breadth first, so of any depth."""
    came_from: dict[int, int] = {}
    rows = [start]
    for row in rows:
        for column, is_fit in enumerate(fits[row]):
            if not is_fit or column in came_from:
                continue
            came_from[column] = row
            if column in owner:
                rows.append(owner[column])
                continue
            _hand_on(column, came_from, owner)
            return


def _hand_on(column: int | None, came_from: dict[int, int], owner: dict[int, int]) -> None:
    held = {row: column for column, row in owner.items()}
    while column is not None:
        row = came_from[column]
        owner[column], column = row, held.get(row)


def _score(kind: Kind, expected: Expected, actual: Actual) -> int:
    """Return how well an expectation fits; 0: it is about something else."""
    found = differences(kind, expected, actual)
    if set(found) & set(_IDENTITY[kind]):
        return 0
    return 10 - len(found) if found else PERFECT


def differences(kind: Kind, expected: Expected, actual: Actual) -> tuple[str, ...]:
    """Return the names of the fields in which what came isn't what is expected."""
    return tuple(name for name in FIELDS[kind] if not is_like(getattr(expected, name), getattr(actual, name)))


def is_like(expected: Any, actual: Any) -> bool:
    """Return whether a value is what is expected: anything, a payload with at least this, or this itself."""
    if isinstance(expected, Anything):
        return True
    return next(unlike(expected, actual), None) is None


def unlike(expected: Any, actual: Any, path: str = "payload") -> Iterator[str]:
    """Yield, for people, each place in which a value isn't what is expected.

    Values are compared as JSON: 1 is 1.0, and true isn't 1. Bytes are compared as the text that they are.
    """
    if isinstance(expected, Containing):
        yield from _unlike(expected.payload, actual, path, is_part=True)
    else:
        yield from _unlike(expected, actual, path, is_part=False)


def _unlike(expected: Any, actual: Any, path: str, *, is_part: bool) -> Iterator[str]:
    actual = as_text(actual)
    if isinstance(expected, dict) and isinstance(actual, dict):
        for key, value in expected.items():
            if key in actual:
                yield from _unlike(value, actual[key], f"{path}.{key}", is_part=is_part)
            else:
                yield f"`{path}.{key}` isn't there"
        if not is_part:
            yield from (f"`{path}.{key}` isn't expected" for key in actual if key not in expected)
    elif isinstance(expected, list) and isinstance(actual, list):
        for index, (one, other) in enumerate(zip(expected, actual, strict=False)):
            yield from _unlike(one, other, f"{path}.{index}", is_part=is_part)
        if len(expected) != len(actual):
            yield f"`{path}` has a length of {len(actual)}, not of {len(expected)}"
    elif not _is_same(expected, actual):
        one, other = _apart(actual, expected)
        yield f"`{path}` is {one}, not {other}"


def _apart(one: Any, other: Any) -> tuple[str, str]:
    """Return two values as JSON, so that a reader sees what is different."""
    texts = shown(one), shown(other)
    is_clear = normalize("NFC", texts[0]) != normalize("NFC", texts[1])
    if is_clear or not (isinstance(one, str) and isinstance(other, str)):
        return texts
    # Alike at their beginnings, or to the eye: characters of Unicode as their numbers.
    letters = enumerate(zip(one, other, strict=False))
    alike = next((index for index, pair in letters if len({*pair}) > 1), min(len(one), len(other)))
    start = max(0, alike - 20)
    cut = [("..." if start else "") + ascii(each[start : start + 60])[1:-1] for each in (one, other)]
    return f'"{cut[0]}"', f'"{cut[1]}"'


def _is_same(expected: Any, actual: Any) -> bool:
    if isinstance(expected, bool) or isinstance(actual, bool):
        return expected is actual
    if isinstance(expected, int | float) and isinstance(actual, int | float):
        return expected == actual
    return type(expected) is type(actual) and bool(expected == actual)


def as_text(value: Any) -> Any:
    """Return bytes as a text, whatever they are; anything else as it is."""
    return value.decode("utf-8", errors="backslashreplace") if isinstance(value, bytes) else value


def shown(value: Any, longest: int = 60) -> str:
    """Return a value as JSON, in one line, cut where it is long."""
    try:
        text = json.dumps(as_text(value), ensure_ascii=False)
    except (TypeError, ValueError):
        text = repr(value)
    text = text if text.isprintable() else "".join(each if each.isprintable() else " " for each in text)
    return text if len(text) <= longest else text[: longest - 3] + "..."
