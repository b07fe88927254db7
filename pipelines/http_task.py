"""HTTP callbacks of a task as frozen values: what is asked, what counts as success, within which limits."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ebats.pipelines.entry_point import EntryPoint
from ebats.pipelines.tls import Tls

_BAD_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")

#: A value of `query` and `form`; texts are templates.
Scalar = str | int | float | bool

#: Ranges of statuses, both ends included.
Statuses = tuple[tuple[int, int], ...]

#: Without `success`, `final` and `breaker.after` of the file.
SUCCESS: Statuses = ((200, 299),)
FINAL: Statuses = ((410, 410),)
BREAKS_AFTER = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyRule:
    """How the body of an answer tells success: one of these."""

    #: The whole body, but for white space around it.
    text: str | None = None
    contains: str | None = None
    #: A regular expression that is found somewhere in it.
    matches: str | None = None
    #: A JSON pointer, and the JSON text of what stands there.
    pointer: str | None = None
    equals: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """When a host that fails on and on is left alone, and for how long its messages wait."""

    #: Failures in a row.
    after: int = BREAKS_AFTER
    max_age_s: float = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpTask:
    """What a task asks of others: a request that is written in the file, or those that messages carry."""

    method: str = "POST"
    #: A template. Empty: see `pointer`.
    url: str = ""
    #: A JSON pointer to the part of the payload that says what to send, empty for all of it; None: the
    #: request is written here.
    pointer: str | None = None
    #: Names to templates, as they are to be sent.
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, Scalar] = field(default_factory=dict)
    #: The body is at most one of these; none: the message's own. `json` is JSON text with templates in it.
    json: str | None = None
    form: Mapping[str, Scalar] | None = None
    body: str | None = None
    prepare: EntryPoint | None = None
    success: Statuses = SUCCESS
    success_body: BodyRule | None = None
    #: Statuses after which no other attempt is made.
    final: Statuses = FINAL
    #: The longest that a Retry-After header may make a wait; 0: it isn't looked at.
    retry_after_s: float = 3600.0
    connect_s: float = 10.0
    #: How long the other side may say nothing; None: as long as the attempt lasts.
    read_s: float | None = None
    #: Requests at once to one host; None: half of the consumer's concurrency.
    max_per_host: int | None = None
    #: Where a host from the payload may be; empty: at any public address.
    allow_hosts: tuple[str, ...] = ()
    #: Of Standard Webhooks, the newest first; empty: nothing is signed.
    secrets: tuple[str, ...] = field(default=(), repr=False)
    tls: Tls | None = None
    breaker: Breaker | None = None


def is_header_value(text: str) -> bool:
    """Return whether a text can be sent as the value of a header; what isn't ASCII goes as UTF-8.

    No control characters but the tab, https://www.rfc-editor.org/rfc/rfc9110#section-5.5: CR, LF and NUL
    would begin something else.
    """
    return not _BAD_VALUE.search(text)


def covers(statuses: Statuses, status: int) -> bool:
    """Return whether a status is in one of the ranges."""
    return any(low <= status <= high for low, high in statuses)
