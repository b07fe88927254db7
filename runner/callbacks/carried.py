"""Requests that a message carries (`from: payload`), as existing publishers send them. Pure.

`{"requests": [{"method", "url", "options": {"headers", "query", "json", "body", "form_params", "timeout"}}],
"control": {"retryTimes", "retryCode", "successCode"}}`; all but `requests` and `url` may be left out.
"""

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

import msgspec
from yarl import URL

from ebats.pipelines.pointer import Missing, Steps, find, write
from ebats.pipelines.suggestion import suggest
from ebats.runner.callbacks.request import with_query

#: A message has one place among those that run, however many requests it has.
MOST_REQUESTS = 100
#: A day: a task's own time-out is there too.
_LONGEST_S = 86_400.0
#: More problems than these say no more.
_SHOWN = 20

_REQUEST = ("method", "url", "options")
_OPTIONS = ("headers", "query", "json", "body", "form_params", "timeout")
_CONTROL = ("retryTimes", "retryCode", "successCode")
_BODIES = ("json", "body", "form_params")

#: RFC 9110, section 5.6.2: what a method and the name of a header consist of.
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
#: RFC 9110, section 5.5: nothing that ends a line. What isn't ASCII goes as UTF-8.
_BAD_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")
#: Of the connection and the message's frame, which are not the publisher's: a wrong one is a second request
#: smuggled in behind the first, and another Host another site behind the address that was allowed.
_NOT_THEIRS = frozenset(
    {
        *("host", "content-length", "transfer-encoding", "connection", "keep-alive", "te", "trailer"),
        *("upgrade", "expect", "proxy-authorization", "proxy-connection"),
    }
)

Pairs = tuple[tuple[str, str], ...]


class BadMessage(Exception):
    """Raised for a message whose requests can't be sent: its text says what is wrong, and where."""


class CarriedRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One request of a message, with its query in the URL."""

    method: str
    url: str
    #: A list of values is one, with commas in between: RFC 9110, section 5.3.
    headers: dict[str, str]
    body: bytes | None
    #: Bounds this request alone, within the task's time-out; None: that alone does.
    timeout_s: float | None


class Carried(msgspec.Struct, frozen=True, kw_only=True):
    """What a message says: its requests, and what it wants otherwise than its task says."""

    requests: tuple[CarriedRequest, ...]
    #: `retryTimes` and the first.
    most_attempts: int | None = None
    #: Answers that are tried again even where the task calls them final.
    retry_codes: frozenset[int] = frozenset()
    success_codes: frozenset[int] | None = None


def read(payload: object, steps: Steps = ()) -> Carried:
    """Return the requests that a payload carries, at a JSON pointer into it.

    Raises:
        BadMessage: they can't be sent.
    """
    try:
        found = find(payload, steps)
    except Missing as error:
        raise BadMessage(str(error)) from None
    reader = _Reader()
    carried = reader.message(found, steps)
    if problems := reader.problems:
        more = f"; and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        raise BadMessage("; ".join(problems[:_SHOWN]) + more)
    return carried


class _Reader:
    """Reads a message, and writes down what is wrong with it instead of stopping at the first problem."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def message(self, found: object, at: Steps) -> Carried:
        if not isinstance(found, dict):
            self._bad(at, f"has to be a map with `requests`, and is {_kind(found)}")
            return Carried(requests=())
        requests = found.get("requests")
        here = (*at, "requests")
        if not isinstance(requests, list) or not requests:
            is_what = "missing" if requests is None else "empty" if requests == [] else _kind(requests)
            self._bad(here, f"has to be a list of requests, and is {is_what}")
            requests = []
        elif len(requests) > MOST_REQUESTS:
            self._bad(here, f"has {len(requests)} requests: {MOST_REQUESTS} is the most of a message")
            requests = []
        control = self._control(self._map(found, "control", at, _CONTROL), (*at, "control"))
        sent = tuple(self._request(one, (*here, str(number))) for number, one in enumerate(requests))
        return Carried(requests=tuple(one for one in sent if one), **control)

    def _request(self, found: object, at: Steps) -> CarriedRequest | None:
        if not isinstance(found, dict):
            self._bad(at, _wanted("a map", found))
            return None
        self._known(found, _REQUEST, at)
        options = self._map(found, "options", at, _OPTIONS)
        here = (*at, "options")
        content_type, body = self._body(options, here)
        headers = self._headers(options, here)
        if content_type and all(name.lower() != "content-type" for name in headers):
            headers["Content-Type"] = content_type
        return CarriedRequest(
            method=self._method(found.get("method"), (*at, "method")),
            url=with_query(
                self._url(found, at), urlencode(self._pairs(options, "query", here), errors="replace")
            ),
            headers=headers,
            body=body,
            timeout_s=self._timeout(options.get("timeout"), (*here, "timeout")),
        )

    def _method(self, found: object, at: Steps) -> str:
        if found is None:
            return "GET"
        if not isinstance(found, str) or not _TOKEN.fullmatch(found) or found.upper() == "CONNECT":
            self._bad(at, f"has to be a method such as POST, and is {_shown(found)}")
            return "GET"
        return found.upper()

    def _url(self, found: Mapping[str, Any], at: Steps) -> str:
        url, at = found.get("url"), (*at, "url")
        if not isinstance(url, str):
            self._bad(at, "has to be a text, and is missing" if url is None else _wanted("a text", url))
            return ""
        try:
            parsed = URL(url)
            if parsed.scheme not in ("http", "https") or not parsed.raw_host:
                raise ValueError("it begins with http:// or https:// and a host")
        except ValueError as error:
            self._bad(at, f"is no URL: {error}")
        return url

    def _headers(self, options: Mapping[str, Any], at: Steps) -> dict[str, str]:
        found: dict[str, str] = {}
        for name, value in self._pairs(options, "headers", at):
            found[name] = f"{found[name]}, {value}" if name in found else value
        for name, value in found.items():
            here = (*at, "headers", name)
            if not _TOKEN.fullmatch(name):
                self._bad(here, "is no name of a header")
            elif name.lower() in _NOT_THEIRS:
                self._bad(here, "can't be set by a message")
            if _BAD_VALUE.search(value):
                self._bad(here, "may hold no line end and no other control character")
        return found

    def _pairs(self, options: Mapping[str, Any], name: str, at: Steps) -> Pairs:
        """Return names and values; a list of values is as many pairs."""
        found, here = self._map(options, name, at), (*at, name)
        pairs: list[tuple[str, str]] = []
        for key, value in found.items():
            for one in value if isinstance(value, list) else [value]:
                if isinstance(one, bool):
                    pairs.append((key, str(one).lower()))
                elif isinstance(one, str | int | float):
                    pairs.append((key, str(one)))
                else:
                    self._bad((*here, key), _wanted("a text or a number, or a list of those", one))
        return tuple(pairs)

    def _body(self, options: Mapping[str, Any], at: Steps) -> tuple[str | None, bytes | None]:
        """Return the content type and the body; publishers may send all kinds, those not meant empty."""
        given = [name for name in _BODIES if options.get(name) is not None]
        full = [name for name in given if options[name] not in ("", {}, [])]
        if len(full) > 1:
            self._bad(at, f"has more than one body: {', '.join(full)}")
            return None, None
        chosen = full or (given if len(given) == 1 else [])
        if chosen == ["json"]:
            return "application/json", msgspec.json.encode(options["json"])
        if chosen == ["form_params"]:
            pairs = self._pairs(options, "form_params", at)
            return "application/x-www-form-urlencoded", urlencode(pairs, errors="replace").encode()
        if chosen == ["body"]:
            text = options["body"]
            if isinstance(text, str):
                return None, text.encode(errors="replace")
            self._bad((*at, "body"), _wanted("a text", text))
        return None, None

    def _timeout(self, found: object, at: Steps) -> float | None:
        if found is None:
            return None
        if not isinstance(found, int | float) or isinstance(found, bool) or not 0 <= found < math.inf:
            self._bad(at, f"has to be a number of seconds, and is {_shown(found)}")
            return None
        # As their libraries have it, 0 is no limit: the task's own remains. An int may fit no float.
        return float(min(found, _LONGEST_S)) or None

    def _control(self, found: Mapping[str, Any], at: Steps) -> dict[str, Any]:
        control: dict[str, Any] = {}
        times = found.get("retryTimes")
        if times is not None:
            if isinstance(times, int) and not isinstance(times, bool) and times >= 0:
                control["most_attempts"] = times + 1
            else:
                self._bad((*at, "retryTimes"), f"has to be a whole number from 0, and is {_shown(times)}")
        for key, name in (("retryCode", "retry_codes"), ("successCode", "success_codes")):
            if (codes := found.get(key)) is not None:
                control[name] = frozenset(self._codes(codes, (*at, key)))
        return control

    def _codes(self, found: object, at: Steps) -> Iterator[int]:
        if not isinstance(found, list):
            self._bad(at, _wanted("a list of status codes", found))
            return
        for code in found:
            if isinstance(code, int) and not isinstance(code, bool) and 100 <= code <= 599:
                yield code
            else:
                self._bad(at, f"has to hold status codes such as 502, and holds {_shown(code)}")

    def _map(
        self, found: Mapping[str, Any], name: str, at: Steps, known: tuple[str, ...] = ()
    ) -> Mapping[str, Any]:
        """Return a map inside another; an empty list is one too, for PHP writes empty maps so."""
        value = found.get(name)
        if value is None or value == []:
            return {}
        if not isinstance(value, dict):
            self._bad((*at, name), _wanted("a map", value))
            return {}
        if known:
            self._known(value, known, (*at, name))
        return value

    def _known(self, found: Mapping[str, Any], known: tuple[str, ...], at: Steps) -> None:
        for key in found:
            if key not in known:
                self._bad((*at, key), f"isn't known: {suggest(key, known)}")

    def _bad(self, at: Steps, what: str) -> None:
        self.problems.append(f"{write(at) or 'the payload'} {what}")


def _wanted(what: str, found: object) -> str:
    return f"has to be {what}, and is {_kind(found)}"


def _kind(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true or false"
    kinds = {str: "a text", int: "a number", float: "a number", list: "a list", dict: "a map"}
    return next((kind for of, kind in kinds.items() if isinstance(value, of)), type(value).__name__)


def _shown(value: object) -> str:
    return repr(value)[:60] if isinstance(value, str | int | float) else _kind(value)
