"""What a program publishes, as the body of one request to a gateway. Pure."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ebats.pipelines.ladder import format_duration
from ebats.runner.execution.ids import new_id
from ebats.runner.publishing import messages

#: What may be said of a message by name, as with `ebats.Publisher`.
OPTIONS = ("id", "delay", "queue", "headers", "key")

#: An item of `publish_batch`: (event, payload), and what else `publish` takes by name.
Item = tuple[str, Any] | tuple[str, Any, Mapping[str, Any]]

_PATH = "/v1/messages"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A POST to a gateway: the same in each attempt."""

    path: str
    body: bytes
    #: Of its messages, in their order.
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One message in a request."""

    id: str
    body: bytes


def event(name: str, payload: Any, **options: Any) -> Part:
    """Return a message for an event.

    Raises:
        TypeError, ValueError: an argument can't be published.
    """
    return _part({"event": _name(name)}, payload, options)


def task(name: str, payload: Any, **options: Any) -> Part:
    """Return a message for one task; raises as `event`."""
    if "key" in options:
        raise TypeError("a key goes with an event: a task has none")
    return _part({"task": _name(name)}, payload, options)


def queue(name: str, payload: Any, **options: Any) -> Part:
    """Return a message straight to a queue; raises as `event`."""
    return _part({"queue": _name(name)}, payload, options)


def item(given: Item) -> Part:
    """Return an item of a batch; raises as `event`."""
    if not isinstance(given, tuple | list) or not 2 <= len(given) <= 3:
        raise TypeError(f"an item is (event, payload) or (event, payload, options), unlike {given!r:.60}")
    name, payload, *more = given
    if more and not isinstance(more[0], Mapping):
        raise TypeError(
            f"the options of an item are a mapping, such as {{'id': ...}}, unlike {more[0]!r:.60}"
        )
    return event(name, payload, **(more[0] if more else {}))


def request(parts: Sequence[Part], *, partial: bool = False) -> Request:
    """Return the request that carries messages; `partial`: the good ones though others are bad."""
    return Request(
        path=f"{_PATH}?partial=true" if partial else _PATH,
        body=b"[" + b",".join(part.body for part in parts) + b"]",
        ids=tuple(part.id for part in parts),
    )


def _part(where: Mapping[str, str], payload: Any, options: Mapping[str, Any]) -> Part:
    if unknown := [name for name in options if name not in OPTIONS]:
        raise TypeError(f"there is no option {unknown[0]!r}; there are {', '.join(OPTIONS)}")
    # First: its errors say where in the payload something is wrong.
    body = messages.encode(payload, "json")
    id_ = new_id() if options.get("id") is None else messages.check_id(options["id"])
    rest = {**where, **dict(_given(options)), "id": id_}
    head = messages.encode(rest, "json")
    return Part(id=id_, body=head[:-1] + b',"payload":' + body + b"}")


def _given(options: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    if (delay := options.get("delay")) is not None:
        # In whole milliseconds, rounded up: never early.
        yield "delay", format_duration(math.ceil(messages.seconds(delay) * 1000))
    if (chosen := options.get("queue")) is not None:
        yield "queue", _name(chosen)
    if (key := options.get("key")) is not None:
        yield "route", _name(key, "a key")
    if (headers := options.get("headers")) is not None:
        messages.check_headers(headers)
        try:
            messages.encode(dict(headers), "json")
        except (TypeError, ValueError) as error:  # what AMQP has, and JSON hasn't: a datetime, bytes
            raise type(error)(str(error).replace("the payload", "headers")) from None
        yield "headers", dict(headers)


def _name(name: str, what: str = "a name") -> str:
    if not isinstance(name, str) or not name:
        raise TypeError(f"{what} has to be a str that isn't empty, unlike {name!r:.60}")
    return name
