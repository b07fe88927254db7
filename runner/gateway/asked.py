"""What a request asks for, beside its body: path, query and headers. Pure."""

import ipaddress
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ebats.pipelines.producer import HttpProducer
from ebats.pipelines.suggestion import suggest
from ebats.runner.gateway.items import BadItem, check_id, seconds
from ebats.runner.gateway.refusal import Refusal

JSON, NDJSON = "application/json", "application/x-ndjson"

_TRUE, _FALSE = ("true", "1", ""), ("false", "0")
#: Room for the index of an item behind it: an id has 255 bytes at most.
_LONGEST_KEY = 240
#: Of one message that is its payload alone, as query parameters.
_OPTIONS = ("id", "delay", "queue", "route")

Kind = Literal["event", "task"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request for publishing."""

    #: Of one message, the names and options that its path and query give; None: the body has items.
    one: Mapping[str, Any] | None
    #: Take the good items though others are bad.
    partial: bool = False


class Hosts:
    """Which values of the header Host are this gateway's.

    A page of somebody else's site may make a browser ask here under a name of its own (DNS rebinding);
    it can't do so under an address.
    """

    def __init__(self, producer: HttpProducer) -> None:
        """Take what the gateway listens on, this machine's own names, and those of the file."""
        self._names = {"localhost", producer.host.lower(), *(host.lower() for host in producer.hosts)}
        #: Those that were right before, as they were written.
        self._known: set[str] = set()

    def check(self, host: str | None) -> None:
        """Check a header; None: there is none, which no browser leaves out.

        Raises:
            Refusal: 421 (RFC 9110, section 15.5.20).
        """
        if host is None or host in self._known:
            return
        name = _host_of(host)
        if name not in self._names and not _is_address(name):
            text = f"this gateway isn't {host!r:.80}: list that name in `hosts`"
            raise Refusal(421, "misdirected", text)
        if len(self._known) < 100:
            self._known.add(host)


def one(kind: Kind, name: str, query: Mapping[str, str], known: Collection[str]) -> Asked:
    """Return what a request with one payload asks for: an event or a task, one of `known`.

    Raises:
        Refusal: there is none of that name, or the query means nothing.
    """
    if name not in known:
        hint = suggest(name[:64], known)
        text = f"there is no {kind} {name!r:.80}" + (f"; {hint}" if hint else "")
        raise Refusal(404, f"unknown_{kind}", text)
    _check_names(query, _OPTIONS if kind == "event" else _OPTIONS[:-1])
    parts: dict[str, Any] = {kind: name, "queue": query.get("queue"), "route": query.get("route")}
    try:
        parts |= {"id": check_id(query.get("id")), "delay_s": seconds(query.get("delay"))}
    except BadItem as error:
        raise Refusal(400, "bad_query", str(error)) from None
    return Asked(one=parts)


def several(query: Mapping[str, str]) -> Asked:
    """Return what a request with items asks for.

    Raises:
        Refusal: the query means nothing.
    """
    _check_names(query, ("partial",))
    partial = query.get("partial", "false").lower()
    if partial not in (*_TRUE, *_FALSE):
        raise Refusal(400, "bad_query", f"`partial` is true or false, unlike {partial!r:.60}")
    return Asked(one=None, partial=partial in _TRUE)


def media_type(headers: Mapping[str, str], allowed: Collection[str]) -> str:
    """Return what a body is.

    Raises:
        Refusal: 415, it is something else, or packed. What a browser sends for any page isn't taken.
    """
    given = headers.get("Content-Type", "")
    kind, _, rest = given.partition(";")
    kind = kind.strip().lower()
    charset = rest.strip().lower().removeprefix("charset=").strip('" ')
    if kind not in allowed or charset not in ("", "utf-8", "utf8"):
        text = f"the body has to be {' or '.join(allowed)}, in UTF-8, and its Content-Type is {given!r:.80}"
        raise Refusal(415, "unsupported_media_type", text, {"Accept-Post": ", ".join(allowed)})
    if (coding := headers.get("Content-Encoding", "identity").strip().lower()) != "identity":
        raise Refusal(415, "unsupported_encoding", f"the body has to be plain, and it is {coding!r:.60}")
    return kind


def key(headers: Mapping[str, str], signed: str | None = None) -> str | None:
    """Return the key that a request's ids are made of, if it has one.

    `signed` is the id of a signed request: that counts, for whoever sends the request again may have changed
    the header. A header is a text, or a string in quotes
    (https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-idempotency-key-header, section 2.1).

    Raises:
        Refusal: it can't be one.
    """
    name = "webhook-id" if signed else "Idempotency-Key"
    given = signed or headers.get(name)
    if given is None:
        return None
    found = given[1:-1] if not signed and len(given) > 1 and given[0] == given[-1] == '"' else given
    if not 0 < len(found) <= _LONGEST_KEY or not found.isascii() or not found.isprintable():
        text = f"{name} has 1 to {_LONGEST_KEY} characters of ASCII, unlike {given!r:.60}"
        raise Refusal(400, "bad_key", text)
    return found


def _check_names(query: Mapping[str, str], known: Collection[str]) -> None:
    for name in query:
        if name not in known:
            raise Refusal(400, "bad_query", f"there is no `{name:.60}` here; {suggest(name[:64], known)}")
    # Its items have what comes twice twice; its keys have it once.
    if len(query) > len(set(query)):
        raise Refusal(400, "bad_query", "a parameter comes twice")


def _host_of(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
