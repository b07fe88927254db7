"""JSON as strangers send it, read strictly: what readers take differently is refused, with its place.

Pure. Python's own reader takes NaN, keys that come twice and half surrogate pairs, and numbers that its
writer can't write; whoever reads the body after the gateway would meet them.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, NoReturn

from ebats.runner.execution.fields import is_utf8

#: A refused text is searched for the place up to here: a second's work, for searching is slower than reading.
_FURTHEST = 2**20

_BRACKETS = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
#: An escape of half a pair, perhaps with its other half.
_HALF = re.compile(r"\\u[dD][89a-fA-F]")
_BLANK = " \t\r\n"
_TOKENS = re.compile(r'[{}\[\],:]|"(?:[^"\\]++|\\.)*+"|[^\s{}\[\],:"]++')
_CONSTANTS = ("NaN", "Infinity", "-Infinity")
_EXPONENT = re.compile("[eE]")
#: Without an exponent, that every float holds.
_LONGEST_NUMBER = 300
_LONGEST_KEY = 60


class BadJson(ValueError):
    """Raised when a body isn't strict JSON; its text says what is wrong and where."""

    def __init__(self, problem: str, offset: int, line: int, column: int) -> None:
        """Take the place in bytes from the start, and as line and character of it, both from 1."""
        super().__init__(f"{problem} (byte {offset}, line {line}, column {column})")
        self.problem = problem
        self.offset = offset
        self.line = line
        self.column = column


class _Refused(Exception):
    """Raised inside the reader, which doesn't say where it is."""


def value(body: bytes, depth: int) -> Any:
    """Return what a JSON text (RFC 8259) says.

    Args:
        body: UTF-8, without a byte order mark.
        depth: How many arrays and objects may stand inside each other.

    Raises:
        BadJson: it isn't JSON; or is nested more deeply, or has a key twice in an object, NaN, infinity, a
            number that is too large for Python, or half a surrogate pair.
    """
    return _value(_text(body), depth)


def lines(body: bytes, depth: int) -> list[Any]:
    r"""Return what NDJSON says: one JSON text a line, ended by \n or \r\n; blank lines are nothing.

    Raises:
        BadJson: see `value`; the place is the one in the whole body.
    """
    found = []
    start = 0
    text = _text(body)
    for line in text.split("\n"):
        if line.strip(_BLANK):
            try:
                found.append(_value(line, depth))
            except BadJson as error:
                raise _bad(error.problem, text, start + error.column - 1) from None
        start += len(line) + 1
    return found


def _text(body: bytes) -> str:
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        before = body[: error.start].decode()
        raise _bad(f"this isn't UTF-8: {error.reason}", before, len(before)) from None
    if text.startswith("\ufeff"):
        raise _bad("a byte order mark has no place in JSON", text, 0)
    return text


def _value(text: str, depth: int) -> Any:
    if _is_deeper(text, depth):
        _refuse(text, depth, f"it is nested more than {depth} deep")
    try:
        found = _decode(text)
    except json.JSONDecodeError as error:
        raise _bad(_said(error, text), text, error.pos) from None
    except _Refused as error:
        _refuse(text, depth, str(error))
    except ValueError:
        _refuse(text, depth, _TOO_LARGE)
    except RecursionError:
        raise _bad("it is nested too deeply", text, 0) from None
    if _HALF.search(text) and not is_utf8(json.dumps(found, ensure_ascii=False)):
        _refuse(text, depth, _HALF_PAIR)
    return found


_TOO_LARGE = "this number is too large"
_HALF_PAIR = "this text has half a surrogate pair"


def _said(error: json.JSONDecodeError, text: str) -> str:
    if error.pos >= len(text.rstrip(_BLANK)):
        return "there is nothing" if not text.strip(_BLANK) else "it ends too early"
    return f"this isn't JSON: {error.msg[:1].lower()}{error.msg[1:].removesuffix(' at')}"


# What the reader calls.


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = Counter(key for key, _ in pairs)
        raise _Refused(_twice(keys.most_common(1)[0][0]))
    return found


def _float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise _Refused(_TOO_LARGE)
    return number


def _constant(text: str) -> NoReturn:
    raise _Refused(_no_json(text))


_decode = json.JSONDecoder(object_pairs_hook=_object, parse_float=_float, parse_constant=_constant).decode


def _twice(key: str) -> str:
    shown = key if len(key) <= _LONGEST_KEY else f"{key[:_LONGEST_KEY]}..."
    return f"the key {json.dumps(shown)} comes twice"


def _no_json(constant: str) -> str:
    return f"{constant} is no JSON"


# How deep it is, before anything reads it.


def _is_deeper(text: str, depth: int) -> bool:
    """Return whether a text is nested more deeply. One that isn't JSON may be said to be not deep."""
    if text.count("[") + text.count("{") <= depth:
        return False
    # Texts are cut out, then only brackets are left; each round takes the innermost pairs away.
    unescaped = text.encode().replace(b"\\\\", b"").replace(b'\\"', b"")
    left = b"".join(unescaped.split(b'"')[::2]).translate(_BRACKETS, _NO_BRACKETS)
    for _ in range(depth):
        fewer = left.replace(b"[]", b"")
        if len(fewer) == len(left):
            break
        left = fewer
    return b"[]" in left or left.count(b"[") > depth


# Where it is wrong: slower, and only for what is refused.


def _refuse(text: str, depth: int, problem: str) -> NoReturn:
    """Raise what is wrong with a text that Python can read, at its place."""
    for at, found in _wrong(text[:_FURTHEST], depth):
        raise _bad(found, text, at)
    raise _bad(f"behind this place: {problem}", text, min(len(text), _FURTHEST))


def _wrong(text: str, depth: int) -> Iterator[tuple[int, str]]:
    """Yield place and problem of what is wrong, as far as the text is JSON."""
    #: The keys of each object around; None for an array.
    around: list[set[str] | None] = []
    before = None
    for token in _TOKENS.finditer(text):
        if (first := token[0][0]) in "{[":
            around.append(set() if first == "{" else None)
            if len(around) > depth:
                yield token.start(), f"it is nested more than {depth} deep"
        elif first in "}]":
            del around[-1:]
        elif first == ":" and before and around and (keys := around[-1]) is not None:
            if (key := _read(before[0])) in keys:
                yield before.start(), _twice(str(key))
            keys.add(str(key))
        elif problem := _wrong_scalar(token[0]):
            yield token.start(), problem
        before = token


def _wrong_scalar(token: str) -> str | None:
    if token in _CONSTANTS:
        return _no_json(token)
    if token.startswith('"'):
        return _HALF_PAIR if _HALF.search(token) and not is_utf8(str(_read(token))) else None
    is_large = token[0] in "-0123456789" and (len(token) > _LONGEST_NUMBER or _EXPONENT.search(token))
    return _TOO_LARGE if is_large and _read(token) in (None, math.inf, -math.inf) else None


def _read(token: str) -> object:
    try:
        return json.loads(token)
    except ValueError:
        return None


def _bad(problem: str, text: str, at: int) -> BadJson:
    """Return an error at a character of a text."""
    before = text[:at]
    line = before.count("\n") + 1
    return BadJson(problem, len(before.encode()), line, at - (before.rfind("\n") + 1) + 1)
