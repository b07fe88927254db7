"""Tables for people: columns as wide as what is in them."""

import unicodedata
from collections.abc import Iterable, Sequence


def columns(head: Sequence[str], rows: Iterable[Iterable[str]]) -> str:
    """Return rows of cells below their heads, one line each, with two spaces between the columns.

    A Chinese character takes two columns of a terminal. What isn't printable is left out.
    """
    table = [list(head), *([_printable(cell) for cell in row] for row in rows)]
    widths = [max(_width(row[index]) for row in table) for index in range(len(head))]
    return "".join(_line(row, widths) for row in table)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = (cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True))
    return "  ".join(cells).rstrip() + "\n"


def _printable(text: str) -> str:
    return text if text.isprintable() else "".join(char if char.isprintable() else " " for char in text)


def _width(text: str) -> int:
    return len(text) if text.isascii() else sum(2 if _is_wide(char) else 1 for char in text)


def _is_wide(char: str) -> bool:
    return unicodedata.east_asian_width(char) in "WF"
