"""A request of an HTTP callback, before it is sent."""

import re
from dataclasses import dataclass, field
from functools import lru_cache

from yarl import URL


@dataclass(slots=True, kw_only=True)
class Request:
    """A request as `prepare` gets it: whatever is changed in here is sent."""

    method: str
    url: str
    #: One value each; what isn't ASCII goes as UTF-8.
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    #: The message's id, the same over all attempts.
    id: str
    #: Which of the message's requests it is, and which attempt, from 1.
    number: int = 1
    attempt: int = 1
    #: Its host stands in the file: it isn't looked at by the guard.
    trusted: bool = False
    #: Bounds this request alone, within the task's time-out; None: that alone does.
    timeout_s: float | None = None

    def has(self, header: str) -> bool:
        """Return whether there is a header of this name, in whichever case."""
        lower = header.lower()
        return any(name.lower() == lower for name in self.headers)


# Its users know it as `ebats.Request`: so it is called in messages.
Request.__module__ = "ebats"


class BadRequest(Exception):
    """Raised for a request that can't be built: its text says why."""


#: What a URL may hold as it is, https://www.rfc-editor.org/rfc/rfc3986#section-2
_PLAIN = re.compile(r"[!#-;=?-Z\[\]_a-z~]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


#: More than any server takes; those that were read last are remembered, whoever chose them.
MOST_CHARACTERS = 16_384
_REMEMBERED = 256


def with_query(url: str, query: str) -> str:
    """Return a URL with an encoded query added to the one that it has, in front of its fragment."""
    if not query:
        return url
    rest, mark, fragment = url.partition("#")
    joint = "" if rest.endswith(("?", "&")) else "&" if "?" in rest else "?"
    return f"{rest}{joint}{query}{mark}{fragment}"


def as_url(text: str) -> URL:
    """Return a URL as it stands, so that a signature over it stays true; what can't be sent is encoded.

    Raises:
        BadRequest: it is none, or too long.
    """
    if len(text) > MOST_CHARACTERS:
        raise BadRequest(f"a URL of {len(text)} characters isn't asked: {MOST_CHARACTERS} are the most")
    return _as_url(text)


@lru_cache(maxsize=_REMEMBERED)
def _as_url(text: str) -> URL:
    try:
        if _CONTROL.search(text):
            raise ValueError("it holds control characters")
        url = URL(text, encoded=_PLAIN.fullmatch(text) is not None)
        if url.scheme not in ("http", "https") or not url.raw_host or url.port is None:
            raise ValueError("it doesn't begin with http:// or https:// and a host")
    except ValueError as error:
        # As in `shown`: a query and a password stay out of texts, also where they can't be told for sure.
        start = text.partition("?")[0].rpartition("@")[2]
        raise BadRequest(f"{start[:200]!r} is no URL to ask: {error}") from None
    return url


@lru_cache(maxsize=_REMEMBERED)
def shown(url: URL) -> str:
    """Return a URL for records: without userinfo, query and fragment, which may hold secrets."""
    port = "" if url.is_default_port() else f":{url.port}"
    host = f"[{url.raw_host}]" if ":" in (url.raw_host or "") else url.raw_host
    return f"{url.scheme}://{host}{port}{url.raw_path}"


@lru_cache(maxsize=_REMEMBERED)
def host_of(url: URL) -> str:
    """Return host and port, by which the requests to a host are counted."""
    return f"{(url.raw_host or '').lower().rstrip('.')}:{url.port}"
