"""Variables from a file of `NAME=VALUE` lines, by docker compose's rules, and the `.env` beside a file."""

import re
from collections import ChainMap
from collections.abc import Mapping
from pathlib import Path

from ebats.pipelines import disk, rules
from ebats.pipelines.problems import Place, Problem
from ebats.pipelines.variables import VariableError, substitute

NAME = ".env"
_MOST_BYTES = 1_048_576

_BLANK = re.compile(r"(?:\s|#[^\n]*(?:\n|\Z))*")
_KEY = re.compile(
    r"(?:export[ \t]+)?(?P<name>[A-Za-z_][\w.\-\[\]]*)[ \t]*(?:(?P<equals>[=:])[ \t]*|(?=\r?\n|\Z))"
)
_PLAIN = re.compile(r"[^\n]*")
_DOUBLE = re.compile(r'"(?P<inside>(?:[^"\\]|\\.)*)"', re.DOTALL)
_SINGLE = re.compile(r"'(?P<inside>(?:[^'\\]|\\.)*)'", re.DOTALL)
#: Behind a closing quote.
_REST = re.compile(r"[ \t\r]*(?:#[^\n]*)?(?=\n|\Z)")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    '"': '"',
    "\\": "\\",
    "$": "$$",
}


class Complete(dict[str, str]):
    """Variables that no `.env` adds to: a file of them was named on the command line instead."""


class BadLine(ValueError):
    """Raised for a line that is no variable; its text says why and what to do, never what stands there."""

    def __init__(self, line: int, text: str, hint: str) -> None:
        super().__init__(text)
        #: From 1.
        self.line = line
        self.hint = hint


def parse(text: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a text, by https://docs.docker.com/compose/environment-variables/env-file.

    `$NAME` in a value, unless it is in single quotes, is a variable of `environ`, or else one further up;
    one that is neither is refused here, where compose makes it nothing. A name alone is one of `environ`.

    Raises:
        BadLine: a line is no variable.
    """
    found: dict[str, str] = {}
    known = ChainMap(dict(environ), found)
    line, counted, position = 1, 0, _end(_BLANK, text, 0)
    while position < len(text):
        line, counted = line + text.count("\n", counted, position), position
        key = _KEY.match(text, position)
        if not key or not (key["equals"] or key["name"] in environ):
            raise BadLine(line, "this is no variable", "write NAME=VALUE")
        position = key.end()
        if key["equals"]:
            found[key["name"]], position = _value(text, position, line, known)
        position = _end(_BLANK, text, position)
    return found


def _end(pattern: re.Pattern[str], text: str, position: int) -> int:
    match = pattern.match(text, position)
    return match.end() if match else position


def _value(text: str, position: int, line: int, known: Mapping[str, str]) -> tuple[str, int]:
    """Return a variable's value, and where it ends."""
    quote = text[position : position + 1]
    if quote not in ("'", '"') or not quote:
        end = _end(_PLAIN, text, position)
        plain = re.split(r"(?:^|\s)#", text[position:end], maxsplit=1)[0].rstrip()
        return _filled(plain, line, known), end
    quoted = (_DOUBLE if quote == '"' else _SINGLE).match(text, position)
    if not quoted:
        raise BadLine(line, f"this value has no closing {quote}", "close it, or take the quote out")
    rest = _REST.match(text, quoted.end())
    if not rest:
        raise BadLine(line, "something stands behind the closing quote", 'write \\" for a quote inside')
    inside = quoted["inside"]
    if quote == "'":
        return inside.replace("\\'", "'"), rest.end()
    escaped = _ESCAPE.sub(lambda found: _ESCAPES.get(found[1], found[0]), inside)
    return _filled(escaped, line, known), rest.end()


def _filled(text: str, line: int, known: Mapping[str, str]) -> str:
    try:
        return substitute(text, known)
    except VariableError as error:
        hint = f"{error.hint}; in single quotes a `$` is nothing special"
        raise BadLine(line, str(error), hint) from None


def beside(folder: Path, environ: Mapping[str, str]) -> tuple[Mapping[str, str], list[Problem]]:
    """Return the variables with those of the `.env` in a folder, which `environ` beats; and what is wrong.

    A folder that is called so is none of ours.
    """
    file = folder / NAME
    if isinstance(environ, Complete) or not disk.is_file(file):
        return environ, []
    try:
        return {**parse(_read(file), environ), **environ}, []
    except BadLine as error:
        return environ, [problem(str(file), error)]


def problem(file: str, error: BadLine) -> Problem:
    """Return what is wrong with a line of a file."""
    place = Place(file=file, line=error.line, column=1)
    return Problem(place=place, rule=rules.BAD_ENV_FILE, text=str(error), hint=error.hint)


def _read(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            content = opened.read(_MOST_BYTES + 1)
    except OSError as error:
        raise BadLine(1, f"this file can't be read: {error.strerror}", "let this user read it") from None
    if len(content) > _MOST_BYTES:
        raise BadLine(1, "this file is larger than 1 MiB", "take out what isn't used")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadLine(1, "this file isn't UTF-8", "save it in that encoding") from None
