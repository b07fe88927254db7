"""What a gateway's answer means: the ids of what it took, another attempt, or an error. Pure."""

import json
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from ebats.pipelines.counting import counted
from ebats.runner.client.errors import BadItem, GatewayError, GatewayRefused, GatewayUnavailable
from ebats.runner.client.request import Request

#: Asked again: the request came too slowly, too many requests, the broker is away or full, a gateway that
#: restarts behind its proxy.
_PASSING = (408, 429, 500, 502, 503, 504)
#: So many bad items stand in an error's text; all are in its `items`.
_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The end of one attempt that the gateway, or who answers in its place, has answered."""

    status: int
    body: bytes
    retry_after_s: float | None = None

    @property
    def is_passing(self) -> bool:
        """Whether another attempt may have another answer."""
        return self.status in _PASSING


def retry_after_s(text: str | None, now: float) -> float | None:
    """Return the seconds of a Retry-After header, a number or a date (RFC 9110, section 10.2.3).

    `now` is the Unix time; None: there is no such header, or it says nothing.
    """
    if text is None:
        return None
    if text.strip().isascii() and text.strip().isdigit():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, OverflowError):
        return None


def ids_of(answer: Answer, request: Request) -> list[str]:
    """Return the ids of what was published.

    Raises:
        GatewayError: it wasn't, or not all of it.
    """
    said = _json(answer.body)
    if not 200 <= answer.status < 300:
        raise _error(answer, said, request)
    ids = said.get("ids")
    if not isinstance(ids, list) or len(ids) != len(request.ids):
        text = (
            f"answered {answer.status} without the ids of what it took: is this the URL of an ebats gateway?"
        )
        raise _about(GatewayError(text), answer, said, request)
    if not (bad := _items(said)):
        return ids
    error = _about(GatewayRefused(f"refuses {_reasons(bad)}"), answer, said, request)
    error.confirmed = tuple(id_ for id_ in ids if id_ is not None)
    error.ids = tuple(mine for mine, id_ in zip(request.ids, ids, strict=True) if id_ is None)
    raise error


def _error(answer: Answer, said: dict[str, Any], request: Request) -> GatewayError:
    bad = _items(said)
    text = f"answered {answer.status}: {_message(said, answer.body)}"
    if bad:
        text = f"{text}: {_reasons(bad)}"
    kind = GatewayUnavailable if answer.is_passing else GatewayRefused
    return _about(kind(text), answer, said, request)


def _about(error: GatewayError, answer: Answer, said: dict[str, Any], request: Request) -> GatewayError:
    code = _details(said).get("code")
    error.status = answer.status
    error.code = code if isinstance(code, str) else ""
    error.items = _items(said)
    error.retry_after_s = answer.retry_after_s
    error.confirmed = tuple(_confirmed(said))
    error.ids = tuple(id_ for id_ in request.ids if id_ not in error.confirmed)
    return error


def _json(body: bytes) -> dict[str, Any]:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _details(said: dict[str, Any]) -> dict[str, Any]:
    details = said.get("error")
    return details if isinstance(details, dict) else {}


def _confirmed(said: dict[str, Any]) -> list[str]:
    """Return the ids of those that are on the broker all the same."""
    found = _details(said).get("confirmed")
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []


def _message(said: dict[str, Any], body: bytes) -> str:
    message = _details(said).get("message")
    if isinstance(message, str):
        return message
    # A proxy's page, or another server's: its beginning says which.
    return repr(body[:100].decode(errors="replace")) if body.strip() else "nothing"


def _items(said: dict[str, Any]) -> tuple[BadItem, ...]:
    found = said.get("items") or _details(said).get("items")
    if not isinstance(found, list):
        return ()
    return tuple(
        BadItem(each["index"], str(each.get("reason", "")))
        for each in found
        if isinstance(each, dict) and isinstance(each.get("index"), int)
    )


def _reasons(bad: tuple[BadItem, ...]) -> str:
    shown = "; ".join(f"[{each.index}] {each.reason}" for each in bad[:_SHOWN])
    more = f"; and {len(bad) - _SHOWN} more" if len(bad) > _SHOWN else ""
    return f"{counted(len(bad), 'message')}: {shown}{more}"
