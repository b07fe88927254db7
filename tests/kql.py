"""The Kibana Query Language, as far as the project uses it, as the query that Kibana would send.

Written after `@kbn/es-query`: its grammar, and the functions `is`, `range` and `exists`. Nested fields and
scripted ones are left out; what isn't understood is refused.
"""

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<quoted>"(?:\\.|[^"\\])*")
      | (?P<operator><=|>=|<|>|:)
      | (?P<bracket>[()])
      | (?P<word>(?:\\.|[^\s\\():<>"{}])+)
    )""",
    re.VERBOSE,
)
_RANGES = {"<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}
_KEYWORDS = {"and", "or", "not"}


class BadQuery(Exception):
    """Raised for what is no query in this language."""


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


def to_query(text: str) -> dict[str, Any]:
    """Return the query; an empty text finds everything."""
    return _Parser(_tokens(text)).whole() if text.strip() else {"match_all": {}}


def fields(text: str) -> set[str]:
    """Return the fields that a query names."""
    tokens = _tokens(text)
    return {one.text for one, other in pairwise(tokens) if one.kind == "word" and other.kind == "operator"}


def _tokens(text: str) -> list[_Token]:
    tokens, at = [], 0
    text = text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if not match or match.lastgroup is None:
            raise BadQuery(f"{text!r}, at {at}")
        tokens.append(_Token(match.lastgroup, match[match.lastgroup]))
        at = match.end()
    return tokens


class _Parser:
    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens

    def whole(self) -> dict[str, Any]:
        query = self._any_of()
        if self._tokens:
            raise BadQuery(f"at {self._tokens[0].text}")
        return query

    def _any_of(self) -> dict[str, Any]:
        found = [self._all_of()]
        while self._takes("or"):
            found.append(self._all_of())
        return found[0] if len(found) == 1 else _should(found)

    def _all_of(self) -> dict[str, Any]:
        found = [self._negated()]
        while self._takes("and"):
            found.append(self._negated())
        return found[0] if len(found) == 1 else {"bool": {"filter": found}}

    def _negated(self) -> dict[str, Any]:
        if self._takes("not"):
            return {"bool": {"must_not": self._negated()}}
        if self._takes("("):
            query = self._any_of()
            self._needs(")")
            return query
        return self._expression()

    def _expression(self) -> dict[str, Any]:
        field = self._next()
        if field.kind == "word" and self._tokens and self._tokens[0].kind == "operator":
            operator = self._next().text
            if operator == ":":
                return self._values(field.text)
            return {"range": {field.text: {_RANGES[operator]: _plain(self._next())}}}
        kind = "phrase" if field.kind == "quoted" else "best_fields"
        return {"multi_match": {"type": kind, "query": _plain(field), "lenient": True}}

    def _values(self, field: str) -> dict[str, Any]:
        if not self._takes("("):
            return _is(field, self._next())
        found = [_is(field, self._next())]
        while self._takes("or"):
            found.append(_is(field, self._next()))
        self._needs(")")
        return _should(found)

    def _takes(self, text: str) -> bool:
        is_next = bool(self._tokens) and self._tokens[0].kind != "quoted" and self._tokens[0].text == text
        if is_next:
            del self._tokens[0]
        return is_next

    def _needs(self, text: str) -> None:
        if not self._takes(text):
            raise BadQuery(f"no {text}")

    def _next(self) -> _Token:
        if not self._tokens or self._tokens[0].text in _KEYWORDS:
            raise BadQuery("something is missing")
        return self._tokens.pop(0)


def _should(queries: list[dict[str, Any]]) -> dict[str, Any]:
    return {"bool": {"should": queries, "minimum_should_match": 1}}


def _is(field: str, value: _Token) -> dict[str, Any]:
    if value.kind not in {"word", "quoted"}:
        raise BadQuery(f"{field}: {value.text}")
    if value.kind == "word" and value.text == "*":
        return {"exists": {"field": field}}
    if value.kind == "word" and "*" in value.text:
        escaped = re.sub(r'([+\-=&|><!(){}\[\]^"~?:\\/])', r"\\\1", _plain(value))
        return {"query_string": {"fields": [field], "query": escaped}}
    if "*" in field:
        kind = "phrase" if value.kind == "quoted" else "best_fields"
        return {"multi_match": {"type": kind, "fields": [field], "query": _plain(value), "lenient": True}}
    return {"match_phrase" if value.kind == "quoted" else "match": {field: _plain(value)}}


def _plain(token: _Token) -> str:
    text = token.text[1:-1] if token.kind == "quoted" else token.text
    return re.sub(r"\\(.)", r"\1", text)
