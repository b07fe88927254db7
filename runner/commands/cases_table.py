"""What was expected and what came, side by side, in columns that stand below each other."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ebats.pipelines.cases import Anything, Containing
from ebats.pipelines.comparison import FIELDS, Difference, Kind, Row, shown
from ebats.runner.commands.problems import width

#: An expectation says nothing of it; a row has no such side.
_ANY, _NOTHING = "*", ""
_TITLES = {"at_ms": "time"}
#: These are told always; the others, where an expectation of the list names them.
_ALWAYS: Mapping[Kind, tuple[str, ...]] = {
    "runs": ("at_ms", "task", "attempt", "outcome"),
    "published": ("at_ms", "event"),
    "dead": ("at_ms", "task", "reason", "attempts"),
}
_ORDER = ("at_ms", "kind", "event", "task", "queue", "attempt", "outcome", "reason", "attempts", "payload")
#: Of a payload; where it differs is told below the table.
_LONGEST = 40
_RED, _RESET = "\x1b[31m", "\x1b[0m"

Cells = list[str]


def table(difference: Difference, *, colour: bool = False) -> list[str]:
    """Return the lines of a difference: `!` differs, `-` didn't come, `+` isn't expected."""
    columns = _columns(difference)
    left, right = _side("expected", difference.rows, columns), _side("actual", difference.rows, columns)
    left_widths, right_widths = _widths(left), _widths(right)
    gap = " " * 4
    heading = _line(["expected"], [sum(left_widths) + 2 * (len(left_widths) - 1)])
    lines = [f"   {heading}{gap}came"]
    for number, (one, other) in enumerate(zip(left, right, strict=True)):
        row = difference.rows[number - 1] if number else None
        mark = _mark(row)
        differs = [row is not None and name in row.differs for name in columns]
        text = (
            f" {mark} {_line(one, left_widths)}{gap}{_line(other, right_widths, differs if colour else ())}"
        )
        lines.append(text.rstrip())
        if any(differs):
            indent = " " * (3 + len(heading) + len(gap))
            lines.append(f"{indent}{_line(_carets(other, differs), right_widths)}".rstrip())
    return lines


def _columns(difference: Difference) -> list[str]:
    named = {
        name
        for row in difference.rows
        if row.expected
        for name in FIELDS[difference.kind]
        if not isinstance(getattr(row.expected, name), Anything)
    }
    wanted = {*_ALWAYS[difference.kind], *named}
    # Its name says what it is, unless something was expected to be of another kind.
    if all("kind" not in row.differs for row in difference.rows):
        wanted -= {"kind"}
    return [name for name in _ORDER if name in wanted]


def _side(side: str, rows: Sequence[Row], columns: list[str]) -> list[Cells]:
    titles = [_TITLES.get(name, name) for name in columns]
    return [titles, *(_cells(getattr(row, side), columns) for row in rows)]


def _cells(one: object, columns: list[str]) -> Cells:
    return [_cell(name, getattr(one, name)) if one else _NOTHING for name in columns]


def _cell(name: str, value: Any) -> str:
    if isinstance(value, Anything):
        return _ANY
    if isinstance(value, Containing):
        return f"{shown(value.payload, _LONGEST)} and more"
    return _SHOWN.get(name, _plain)(value)


def _plain(value: object) -> str:
    return "none" if value is None else shown(str(value), 60)[1:-1]


def moment(ms: int) -> str:
    """Return a time on a case's clock: `8h1s`, `1m30s`, `0s`."""
    parts = []
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        number, ms = divmod(ms, size)
        if number:
            parts.append(f"{number}{unit}")
    return "".join(parts) or "0s"


_SHOWN: Mapping[str, Callable[[Any], str]] = {
    "at_ms": moment,
    "payload": lambda value: shown(value, _LONGEST),
}


def _mark(row: Row | None) -> str:
    if row is None or row.is_good:
        return " "
    if row.expected is None:
        return "+"
    return "-" if row.actual is None else "!"


def _widths(side: list[Cells]) -> list[int]:
    return [max(map(width, column)) for column in zip(*side, strict=True)]


def _line(cells: Cells, widths: Iterable[int], red: Sequence[bool] = ()) -> str:
    parts = []
    for position, (cell, wide) in enumerate(zip(cells, widths, strict=True)):
        is_red = position < len(red) and red[position]
        filled = " " * (wide - width(cell))
        parts.append(f"{_RED}{cell}{_RESET}{filled}" if is_red else cell + filled)
    return "  ".join(parts)


def _carets(cells: Cells, differs: list[bool]) -> Cells:
    return [
        "^" * max(1, width(cell)) if is_other else "" for cell, is_other in zip(cells, differs, strict=True)
    ]
