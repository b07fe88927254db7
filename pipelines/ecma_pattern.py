"""Regular expressions as JSON Schema means them, those of ECMA-262, written as Python writes them.

What the two read differently is translated or refused, so that each library of JSON Schema gives the
same verdict: `$` is the very end here, and `\\d`, `\\w` and `\\s` are ECMA-262's, of its chapter
"Runtime Semantics: CompileToCharSet".
"""

import re
import warnings

_SPACE = "\\t-\\r \\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000\\ufeff"
_NO_SPACE = (
    "\\0-\\x08\\x0e-\\x1f!-\\u009f\\u00a1-\\u167f\\u1681-\\u1fff\\u200b-\\u2027\\u202a-\\u202e"
    "\\u2030-\\u205e\\u2060-\\u2fff\\u3001-\\ufefe\\uff00-\\U0010ffff"
)
#: What stands inside brackets for each class.
_CLASSES = {
    "d": "0-9",
    "D": "\\0-/:-\\U0010ffff",
    "w": "A-Za-z0-9_",
    "W": "\\0-/:-@\\[-\\^`{-\\U0010ffff",
    "s": _SPACE,
    "S": _NO_SPACE,
}
#: Escapes by a letter or a digit that mean the same in both.
_SAME = frozenset("bBfnrtvxu0123456789")
_QUANTIFIER = re.compile(r"[*+?]|\{[0-9]+(?:,[0-9]*)?\}")
#: What may follow `(?`.
_GROUP = re.compile(r"[:=!]|<[=!]|<(?=[A-Za-z_])")


def to_python(pattern: str) -> str:
    """Return a pattern for Python's `re.search` that matches what ECMA-262 says.

    Raises:
        ValueError: it is no pattern, or one that Python has nothing for; the text says why.
    """
    translated = "".join(_Translator(pattern).parts())
    try:
        with warnings.catch_warnings():
            # A part whose meaning Python may change.
            warnings.simplefilter("error", FutureWarning)
            re.compile(translated)
    except (re.error, FutureWarning, OverflowError, RecursionError) as error:
        raise ValueError(str(error)) from None
    return translated


class _Translator:
    """Reads a pattern from left to right."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0

    def parts(self) -> list[str]:
        """Return the translation of each part."""
        found: list[str] = []
        was_quantifier = False
        while self._at < len(self._pattern):
            quantifier = _QUANTIFIER.match(self._pattern, self._at)
            if quantifier and was_quantifier and quantifier[0] != "?":
                raise ValueError(f"`{quantifier[0]}` follows another quantifier")
            found.append(self._take(quantifier) if quantifier else self._part())
            was_quantifier = quantifier is not None
        return found

    def _part(self) -> str:
        char = self._pattern[self._at]
        if char == "\\":
            return self._escape(in_class=False)
        if char == "[":
            return self._class()
        if char == "(":
            return self._group()
        if char == "{":
            raise ValueError("a `{` that begins no quantifier: write `\\{`")
        self._at += 1
        return "\\Z" if char == "$" else char

    def _escape(self, *, in_class: bool) -> str:
        char = self._pattern[self._at + 1 : self._at + 2]
        self._at += 2
        if char in _CLASSES and char:
            return _CLASSES[char] if in_class else f"[{_CLASSES[char]}]"
        if not char or (char.isalnum() and char not in _SAME):
            raise ValueError(f"the escape `\\{char}` isn't one that is understood here")
        return f"\\{char}"

    def _class(self) -> str:
        start = "[^" if self._pattern.startswith("[^", self._at) else "["
        self._at += len(start)
        if self._pattern.startswith("]", self._at):
            raise ValueError("a class of characters is empty")
        parts = [start]
        while self._at < len(self._pattern):
            char = self._pattern[self._at]
            if char == "\\":
                parts.append(self._escape(in_class=True))
                continue
            self._at += 1
            if char == "]":
                return "".join([*parts, char])
            # Python may make these operators one day.
            parts.append(f"\\{char}" if char in "[&~|" else char)
        raise ValueError("a class of characters has no `]`")

    def _group(self) -> str:
        if not self._pattern.startswith("(?", self._at):
            self._at += 1
            return "("
        kind = _GROUP.match(self._pattern, self._at + 2)
        if not kind:
            raise ValueError(f"`{self._pattern[self._at : self._at + 3]}` isn't of ECMA-262")
        self._at += 2 + len(kind[0])
        return "(?P<" if kind[0] == "<" else f"(?{kind[0]}"

    def _take(self, found: re.Match[str]) -> str:
        self._at = found.end()
        return found[0]
