"""Problems as people read them: place, sentence, the line of the file with a caret below."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TextIO

from ebats.pipelines import rules
from ebats.pipelines.counting import counted
from ebats.pipelines.problems import Place, Problem
from ebats.pipelines.secrets import hide_line, one_line
from ebats.pipelines.source import MOST_BYTES

_COLOURS = {"error": "\x1b[1;31m", "warning": "\x1b[1;33m"}
_RESET = "\x1b[0m"
#: Of a long line only so many characters around the place are shown.
_WIDEST = 120
#: As YAML counts lines.
_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")


def wants_colour(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Return whether to colour what goes to a stream: on a terminal, unless NO_COLOR (no-color.org)."""
    return stream.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"


def render(
    problems: Iterable[Problem], *, colour: bool = False, texts: Mapping[str, str] | None = None
) -> str:
    """Return problems as text, each with the line of its file where that can still be read.

    `texts` are those of files that aren't on the disk, by their names.
    """
    files = {name: lines_of(text) for name, text in (texts or {}).items()}
    return "".join(_one(problem, files, colour) for problem in problems)


def lines_of(text: str) -> list[str]:
    """Return the lines of a file, as the places of problems count them."""
    return _LINE_BREAK.split(text)


def count(problems: Iterable[Problem]) -> str:
    """Return how many there are, such as `2 errors, 1 warning`; an empty text when there is none."""
    severities = [problem.severity for problem in problems]
    counts = ((severities.count("error"), "error"), (severities.count("warning"), "warning"))
    return ", ".join(counted(number, noun) for number, noun in counts if number)


def _one(problem: Problem, files: dict[str, list[str]], colour: bool) -> str:
    start, end = (_COLOURS[problem.severity], _RESET) if colour else ("", "")
    hint = f"; {problem.hint}" if problem.hint else ""
    first = f"{problem.place}: {start}{problem.severity}[{problem.rule}]{end}: {problem.text}{hint}\n"
    # Of variables each line may hold a password, in a file of any name.
    lines = [] if problem.rule is rules.BAD_ENV_FILE else read_lines(problem.place.file, files)
    return first + _excerpt(problem.place, lines, start, end)


def read_lines(file: str, files: dict[str, list[str]]) -> list[str]:
    """Return the lines of a file, kept in `files`; none where it can't be read, or nobody should see them."""
    # Of variables each line may hold a password.
    if Path(file).name == ".env":
        return []
    if file not in files:
        try:
            with Path(file).open(encoding="utf-8-sig", errors="replace", newline="") as opened:
                files[file] = lines_of(opened.read(MOST_BYTES))
        except OSError:
            files[file] = []
    return files[file]


def _excerpt(place: Place, lines: list[str], start: str, end: str) -> str:
    if place.line > len(lines) or not lines[place.line - 1].strip():
        return ""
    line = one_line(hide_line(lines, place.line - 1).rstrip())
    column = min(place.column - 1, len(line))
    cut = max(0, column - _WIDEST // 2) if len(line) > _WIDEST else 0
    shown = line[cut : cut + _WIDEST]
    return f"    {shown}\n    {' ' * width(shown[: column - cut])}{start}^{end}\n"


def width(text: str) -> int:
    """Return how many columns of a terminal a text takes: Chinese characters take two, loose accents none."""
    return sum(map(_width_of, text))


def _width_of(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
