"""Values that stay hidden: those of certain keys, wherever they stand, and what URLs carry along."""

import re
from collections.abc import Iterable

HIDDEN = "***"

#: Headers whose values are credentials: hidden without being asked.
CREDENTIALS = (
    *("authorization", "proxy-authorization", "cookie", "set-cookie"),
    *("x-api-key", "x-auth-token", "x-access-token", "x-csrf-token", "x-amz-security-token"),
)
#: Each of them has one of these in it.
_CREDENTIAL_HINTS = ("authorization", "cookie", "-api-key", "-token")

# https://www.rfc-editor.org/rfc/rfc3986#section-3.2.1
_USERINFO = re.compile(r"(?<=://)[^\s/?#\"'<>\\]*@")
_QUERY_VALUE = re.compile(r"([?&;][^=&;#]*=)[^&;#]*")
_QUERY_WORD = re.compile(r"(?<=[?&;])[^=&;#]+(?=[&;#]|\Z)")

# What may follow a key in a text. A text inside another has its quotes escaped, maybe more than once.
# Where it can't be told where a value ends, more is hidden: a structure to the text's end, a value
# after a colon to the line's.
_AFTER_KEY = r"""
    (?P<close> \\*["'`] )? \]? \s*
    (?:
        (?: => | [:=] | %3D | (?(close) , | (?!) ) ) \s* [a-z]{0,2} (?P<quote> \\*["'`] )
        (?P<quoted> .*? ) (?: (?<!\\)(?P=quote) | \Z )
      | (?: => | [:=] | %3D ) \s*
        (?P<nested> [\[{(] .* )
      | (?: => | [:=] | %3D ) \s* (?(close) | (?!) )
        (?P<number> (?: -?[\d.]+(?:e[+-]?\d+)? | true | false | null | none ) (?= [\s,}\])\\"'] | \Z ) )
      | (?: =(?!>) | %3D ) \s* (?(close) (?!) )
        (?P<word> (?: (?: bearer | basic | digest | token ) \s+ )? (?: (?!%26) [^\s&] )+ )
      | (?: => | [:=] | %3D ) \s*
        (?P<line> [^\r\n]+ )
    )
"""
# What was written out, a line end in `repr` or an ampersand in a URL, ends with a letter or a digit.
_BEFORE_KEY = r"(?: (?<![\w-]) | (?<= \\[nrt] ) | (?<= %[\da-f]{2} ) | (?<= \\u[\da-f]{4} ) )"
_ESCAPED_IN_JSON = re.compile(r"[\"\\\x00-\x1f\x7f]|[^\x00-\x7f]+")


class Mask:
    """Hides the values of some keys, whatever their case, and always those of credentials."""

    def __init__(self, keys: Iterable[str] = ()) -> None:
        """Hide what `keys` name, besides credentials."""
        keys = tuple(keys)
        names = {key.lower() for key in (*CREDENTIALS, *keys)}
        self._names = frozenset(names)
        # What stands in every text that holds such a key, however it is written there.
        self._hints = _without_contained(set(_CREDENTIAL_HINTS).union(*(_hints(key.lower()) for key in keys)))
        longest_first = sorted(names, key=len, reverse=True)
        alternatives = "|".join(_pattern(name) for name in longest_first)
        self._in_text = re.compile(
            f"{_BEFORE_KEY} (?: {alternatives} ) (?![\\w-]) {_AFTER_KEY}",
            re.IGNORECASE | re.VERBOSE | re.DOTALL,
        )

    def hides(self, key: str) -> bool:
        """Return whether the value of a key is hidden."""
        return key.lower() in self._names

    def suspects(self, text: str) -> bool:
        """Return whether a text, or the JSON of a value, may hold something to hide: quick, no false no."""
        lower = text.lower()
        for hint in self._hints:
            if hint in lower:
                return True
        return "://" in text and "@" in text

    def text(self, text: str) -> str:
        """Return a text without the values of `key=value`, `key: value`, `"key": "value"`, and userinfo."""
        if not self.suspects(text):
            return text
        return self._in_text.sub(_replaced, _USERINFO.sub(f"{HIDDEN}@", text))

    def value(self, value: object) -> object:
        """Return a JSON value with what is to be hidden replaced, at any depth.

        Raises:
            RecursionError: it is too deep.
        """
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {
                self.text(key): HIDDEN if self.hides(key) else self.value(item) for key, item in value.items()
            }
        if isinstance(value, list):
            if len(value) == 2 and isinstance(value[0], str) and self.hides(value[0]):
                return [value[0], HIDDEN]
            return [self.value(item) for item in value]
        return value

    def url(self, url: str) -> str:
        """Return a URL without its userinfo, the values of its query, and its fragment."""
        if not any(mark in url for mark in "?#@"):
            return url
        bare, mark, _ = _USERINFO.sub(f"{HIDDEN}@", url).partition("#")
        path, query_mark, query = bare.partition("?")
        query = _QUERY_VALUE.sub(rf"\1{HIDDEN}", _QUERY_WORD.sub(HIDDEN, query_mark + query))
        return self.text(path) + query + (mark and f"#{HIDDEN}")


def _replaced(found: re.Match[str]) -> str:
    # The group of the value is the one that ends last.
    start, end = found.span(found.lastgroup or 0)
    return found.string[found.start() : start] + HIDDEN + found.string[end : found.end()]


def _pattern(name: str) -> str:
    return "".join(_character(character) for character in name)


def _character(character: str) -> str:
    if character.isprintable() and character.isascii():
        # A quote is escaped inside quotes, a backslash everywhere.
        return re.escape(character) if character not in "\"'\\" else rf"\\*{re.escape(character)}"
    # JSON may be written in ASCII alone.
    units = character.encode("utf-16-be")
    escaped = "".join(rf"\\+u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))
    return f"(?:{re.escape(character)}|{escaped})"


def _hints(name: str) -> set[str]:
    """Return what stands, or some of what stands, wherever a name does, also where it is escaped."""
    plain = max(_ESCAPED_IN_JSON.split(name), key=len)
    if plain:
        return {plain}
    foreign = re.sub(r"[\x00-\x7f]", "", name)
    return {foreign[0], foreign[0].encode("utf-16-be")[:2].hex()} if foreign else {""}


def _without_contained(hints: set[str]) -> tuple[str, ...]:
    """Return the hints that don't contain another: that one is found wherever they are."""
    return tuple(sorted(hint for hint in hints if not any(one != hint and one in hint for one in hints)))
