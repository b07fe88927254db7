"""What a program publishes, as messages: payloads to bodies, headers and delays checked. Pure."""

import json
import math
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from ebats.pipelines.addresses import Address
from ebats.pipelines.ladder import LONGEST_WAIT_S, format_duration, parse_duration
from ebats.pipelines.model import Format
from ebats.runner.execution.fields import is_utf8
from ebats.runner.execution.fitting import HEADERS_BYTES, size_of
from ebats.runner.execution.settle import Outgoing

#: Durations as they are given in Python: "37s", a timedelta, or seconds.
Duration = str | float | timedelta

CONTENT_TYPES: dict[Format, str] = {
    "json": "application/json",
    "text": "text/plain",
    "bytes": "application/octet-stream",
}

#: Of an id, and of a header's name (AMQP 0-9-1, section 4.2.5.3).
_LONGEST_NAME = 255
#: Ours, the broker's, and two that make RabbitMQ route copies elsewhere.
_TAKEN_PREFIXES = ("ebats-", "x-")
_TAKEN_NAMES = ("CC", "BCC")
#: A table's integers have 64 bits.
_INTEGERS = range(-(2**63), 2**63)

_encode_json = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def message(
    address: Address, body: bytes, format_: Format, id_: str, now: float, headers: Mapping[str, Any]
) -> Outgoing:
    """Return a message to an address, with the publisher's headers; `now` is the Unix time in seconds."""
    properties = {
        "message_id": id_,
        "content_type": CONTENT_TYPES[format_],
        "delivery_mode": 2,
        # Whole seconds, for others; the runner reads the header.
        "timestamp": int(now),
    }
    ours = {"ebats-published": now, **address.headers}
    return Outgoing(address.exchange, address.key, body, {**headers, **ours}, properties)


def encode(payload: object, format_: Format) -> bytes:
    """Return a payload as the body that its event's format says.

    Raises:
        TypeError, ValueError: it can't be one; the text says where in the payload.
    """
    if format_ == "bytes":
        if not isinstance(payload, bytes | bytearray | memoryview):
            raise TypeError(f"the payload has to be bytes, as the event's format says, {_is(payload)}")
        return bytes(payload)
    if format_ == "text":
        if not isinstance(payload, str):
            raise TypeError(f"the payload has to be a str, as the event's format says, {_is(payload)}")
        return _utf8(payload, payload)
    try:
        text = _encode_json(payload)
    except (TypeError, ValueError, RecursionError) as error:
        raise _unfit(payload, error) from None
    return _utf8(text, payload)


def check_headers(headers: Mapping[str, Any]) -> None:
    """Check headers that a program gives to a message.

    Raises:
        TypeError, ValueError: a name or a value can't be a header, or all of them are too large.
    """
    if not isinstance(headers, Mapping):
        raise TypeError(f"headers are a dict of names and values, {_is(headers)}")
    for name, value in headers.items():
        if not isinstance(name, str):
            raise TypeError(f"the name of a header has to be a str, {_is(name)}")
        if not 0 < len(name.encode(errors="replace")) <= _LONGEST_NAME:
            raise ValueError(f"the name of a header has 1 to {_LONGEST_NAME} bytes, unlike {name[:60]!r}")
        if name.lower().startswith(_TAKEN_PREFIXES) or name in _TAKEN_NAMES:
            raise ValueError(f"the header {name!r} is not for publishers: choose another name")
        try:
            _check_value(name, value)
        except RecursionError:
            raise ValueError(f"the header {name!r} contains itself, or is nested too deeply") from None
    if (size := size_of(dict(headers))) > HEADERS_BYTES:
        limit = f"{HEADERS_BYTES // 1024} KiB are allowed"
        raise ValueError(f"the headers have {size} bytes, and {limit}: put what is large into the payload")


def check_id(id_: str) -> str:
    """Return a message id.

    Raises:
        TypeError, ValueError: it can't be one.
    """
    if not isinstance(id_, str):
        raise TypeError(f"a message id has to be a str, {_is(id_)}")
    if not 0 < len(_utf8(id_, id_)) <= _LONGEST_NAME:
        raise ValueError(f"a message id has 1 to {_LONGEST_NAME} bytes")
    return id_


def seconds(duration: Duration, what: str = "a delay", longest_s: float = LONGEST_WAIT_S) -> float:
    """Return a duration in seconds.

    Raises:
        TypeError, ValueError: it is none.
    """
    if isinstance(duration, str):
        given = parse_duration(duration) / 1000
    elif isinstance(duration, timedelta):
        given = duration.total_seconds()
    elif isinstance(duration, int | float) and not isinstance(duration, bool):
        given = float(duration)
    else:
        raise TypeError(f"{what} is a text such as '37s', a timedelta or seconds, {_is(duration)}")
    if math.isnan(given) or not 0 <= given <= longest_s:
        longest = format_duration(int(longest_s * 1000))
        raise ValueError(f"{what} is between 0 and {longest}, and {duration!r} isn't")
    return given


def _check_value(name: str, value: object) -> None:
    if isinstance(value, str):
        _utf8(value, value, f"the header {name!r}")
    elif isinstance(value, int) and not isinstance(value, bool):
        if value not in _INTEGERS:
            raise ValueError(f"the header {name!r} is a number of more than 64 bits")
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"a name in the header {name!r} has to be a str, {_is(key)}")
            _check_value(name, item)
    elif isinstance(value, list | tuple):
        for item in value:
            _check_value(name, item)
    elif value is not None and not isinstance(value, bool | float | bytes | datetime | Decimal):
        raise TypeError(f"the header {name!r} can't be sent, {_is(value)}")


def _utf8(text: str, payload: object, what: str = "") -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        # Half of a pair of surrogates: a file name that is no UTF-8, for instance.
        where = what or next((path for path, text in _texts(payload) if not is_utf8(text)), "the payload")
        raise ValueError(f"{where} is a text that can't be written as UTF-8") from None


def _texts(value: object, path: str = "the payload") -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    for key, item in _items(value):
        if isinstance(key, str):
            yield f"a key of {path}", key
        yield from _texts(item, f"{path}[{key!r}]")


def _unfit(payload: object, error: Exception) -> Exception:
    """Return what is wrong with a payload that JSON can't hold, and where."""
    if isinstance(error, RecursionError) or "Circular" in str(error):
        return ValueError("the payload contains itself, or is nested too deeply")
    for path, value in _leaves(payload):
        if isinstance(value, float) and not math.isfinite(value):
            return ValueError(f"{path} is {value}, which JSON doesn't have")
        if isinstance(value, Mapping) and not isinstance(value, dict):
            return TypeError(f"{path} is no dict but {_kind(value)}: convert it")
        if not isinstance(value, str | int | float | None | dict | list | tuple):
            return TypeError(f"{path} is {_kind(value)}, which JSON doesn't have: convert it")
    for path, value in _leaves(payload):
        if isinstance(value, dict) and (odd := [key for key in value if not _is_key(key)]):
            return TypeError(f"{path} has the key {odd[0]!r}, and keys of JSON are texts")
    return type(error)(f"the payload is no JSON: {error}")


def _leaves(value: object, path: str = "the payload") -> Iterator[tuple[str, object]]:
    yield path, value
    for key, item in _items(value):
        yield from _leaves(item, f"{path}[{key!r}]")


def _items(value: object) -> Iterator[tuple[object, object]]:
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list | tuple):
        yield from enumerate(value)


def _is_key(key: object) -> bool:
    return key is None or isinstance(key, str | int | float)


def _is(value: object) -> str:
    return f"and this is {_kind(value)}"


def _kind(value: object) -> str:
    name = type(value).__name__
    return "None" if value is None else f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"
