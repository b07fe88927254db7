"""What a request is answered: JSON, always; errors have a code for programs and a text for people."""

from collections.abc import Mapping
from typing import Any

import msgspec
from aiohttp.web_response import Response

from ebats.runner.gateway.items import BadItem
from ebats.runner.gateway.refusal import Refusal

#: Of all answers: nothing here is a page, and nothing is to be kept.
_HEADERS = {"Server": "ebats", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}

#: When to try again while the broker takes nothing, in seconds.
RETRY_AFTER_S = 2
#: Looking for names like a wrong one takes time: not for each of ten thousand.
_HINTS = 20

_encode = msgspec.json.Encoder().encode


def answer(status: int, value: object, headers: Mapping[str, str] | None = None) -> Response:
    """Return an answer with a value that JSON can hold."""
    given = _HEADERS if headers is None else {**_HEADERS, **headers}
    return Response(status=status, body=_encode(value), headers=given, content_type="application/json")


def refused(refusal: Refusal) -> Response:
    """Return the answer to a request that isn't taken."""
    response = answer(refusal.status, refusal.document(), refusal.headers)
    if refusal.close:
        response.force_close()
    return response


def unserved(message: str, code: str = "unavailable", **more: Any) -> Refusal:
    """Return what says: not now, try again soon."""
    return Refusal(503, code, message, {"Retry-After": str(RETRY_AFTER_S)}, **more)


def listed(bad: Mapping[int, BadItem]) -> list[dict[str, Any]]:
    """Return bad items as an answer lists them: by their index in the request, from 0."""
    items = []
    for number, (index, error) in enumerate(bad.items()):
        hint = error.hint() if number < _HINTS else ""
        items.append({"index": index, "reason": f"{error}; {hint}" if hint else str(error)})
    return items


def bad_items(bad: Mapping[int, BadItem], count: int) -> Refusal:
    """Return what is said of a request of `count` items of which some are bad: nothing was published."""
    which = "the item is" if count == 1 else f"{len(bad)} of {count} items are"
    text = f"{which} not what can be published; nothing was"
    if any(error.reason == "forbidden" for error in bad.values()):
        return Refusal(403, "forbidden", f"{which} more than you may publish; nothing was", items=listed(bad))
    return Refusal(422, "invalid", text, items=listed(bad))
