"""A delivery straight from its frames: py-amqp takes two objects, four dicts and forty calls for each.

What is out of the ordinary is left to py-amqp, which then reads the same bytes its own way: a body of
several frames, text that isn't UTF-8, header values of rare types, whatever has not come as a whole.
"""

import struct
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from ebats.runner.execution.delivery import Delivery, Headers

Receive = Callable[[Delivery], None]

#: AMQP 0-9-1, section 4.2.3: type, channel and size before each frame's payload, and an octet behind it.
_FRAME = struct.Struct(">BHI")
_FRAME_END = 0xCE
_METHOD, _HEADER, _BODY = 1, 2, 3
#: Class and method of basic.deliver.
_DELIVER = b"\x00\x3c\x00\x3c"
#: A content header, behind its class and weight: the body's size, and which properties follow.
_CONTENT = struct.Struct(">QH")
_LONG, _LONGLONG, _DOUBLE = struct.Struct(">I"), struct.Struct(">q"), struct.Struct(">d")
_UNSIGNED = struct.Struct(">Q")
_INT = struct.Struct(">i")
#: Type `l`, 64 bits, signed; `L` is how py-amqp writes it.
_LONGLONGS = b"lL"

#: The properties in their order, each with its kind as py-amqp writes it (AMQP 0-9-1, section 1.8).
_PROPERTIES = (
    ("content_type", "s"),
    ("content_encoding", "s"),
    ("application_headers", "F"),
    ("delivery_mode", "o"),
    ("priority", "o"),
    ("correlation_id", "s"),
    ("reply_to", "s"),
    ("expiration", "s"),
    ("message_id", "s"),
    ("timestamp", "L"),
    ("type", "s"),
    ("user_id", "s"),
    ("app_id", "s"),
    ("cluster_id", "s"),
)
#: The two lowest bits belong to no property: the lowest says that more flags follow.
_NO_PROPERTY = 0x0003


class _Unusual(Exception):
    """Raised for what py-amqp has to read."""


class Deliveries:
    """Reads whole deliveries for the consumers of one connection."""

    def __init__(self) -> None:
        self._consumers: dict[bytes, tuple[str, int, Receive]] = {}

    def add(self, tag: str, queue: str, generation: int, receive: Receive) -> None:
        """Give what comes for a consumer to `receive`: from `queue`, on the connection `generation`."""
        self._consumers[tag.encode()] = queue, generation, receive

    def remove(self, tag: str) -> None:
        """Leave what comes for a consumer to py-amqp."""
        self._consumers.pop(tag.encode(), None)

    def read(self, data: bytes, at: int) -> tuple[Receive, Delivery, int] | None:
        """Read the delivery that begins with the payload of a method frame.

        Returns who gets it, the delivery, and where the next frame begins; None: it is for py-amqp.
        """
        if data[at : at + 4] != _DELIVER:
            return None
        try:
            return self._read(data, at + 4)
        except (_Unusual, ValueError, IndexError, struct.error):
            return None

    def _read(self, data: bytes, at: int) -> tuple[Receive, Delivery, int]:
        end = at + 1 + data[at]
        consumer = self._consumers.get(data[at + 1 : end])
        if consumer is None:
            raise _Unusual
        queue, generation, receive = consumer
        (tag,) = _UNSIGNED.unpack_from(data, end)
        redelivered = data[end + 8] == 1
        at = end + 9
        end = at + 1 + data[at]
        exchange = _name(data[at + 1 : end])
        at, end = end, end + 1 + data[end]
        key = _name(data[at + 1 : end])
        properties, size, at = _header(data, end)
        body, at = _body(data, at, size) if size else (b"", at)
        headers: Headers = properties.get("application_headers") or {}
        delivery = Delivery(
            tag, generation, queue, exchange, key, redelivered, body, headers, properties, time.time()
        )
        return receive, delivery, at


def _payload(data: bytes, at: int, kind: int) -> tuple[int, int]:
    """Return where the payload of the frame begins and ends that follows a frame which ends at `at`."""
    if data[at] != _FRAME_END:
        raise _Unusual
    found, _channel, size = _FRAME.unpack_from(data, at + 1)
    begin = at + 1 + _FRAME.size
    if found != kind or len(data) <= begin + size:
        raise _Unusual
    return begin, begin + size


def _header(data: bytes, at: int) -> tuple[dict[str, Any], int, int]:
    """Return the properties, the body's size, and where the frame ends."""
    begin, end = _payload(data, at, _HEADER)
    size, flags = _CONTENT.unpack_from(data, begin + 4)
    properties: dict[str, Any] = {}
    at = begin + 4 + _CONTENT.size
    for name, kind in _layout(flags):
        if kind == "s":
            at, begin = at + 1 + data[at], at + 1
            properties[name] = data[begin:at].decode()
        elif kind == "F":
            (length,) = _LONG.unpack_from(data, at)
            begin, at = at + 4, at + 4 + length
            properties[name] = _table(data, begin, at)
        elif kind == "o":
            properties[name] = data[at]
            at += 1
        else:
            (properties[name],) = _UNSIGNED.unpack_from(data, at)
            at += 8
    if at != end or (not size and data[end] != _FRAME_END):
        raise _Unusual
    return properties, size, end + (0 if size else 1)


def _body(data: bytes, at: int, size: int) -> tuple[bytes, int]:
    """Return the body, and where what follows begins."""
    begin, end = _payload(data, at, _BODY)
    if end - begin != size or data[end] != _FRAME_END:
        raise _Unusual
    return data[begin:end], end + 1


def _table(data: bytes, at: int, end: int) -> Headers:
    """Return a table (AMQP 0-9-1, section 4.2.5.5, with the types as RabbitMQ has them)."""
    table: Headers = {}
    while at < end:
        begin = at + 1
        at = begin + data[at]
        name = _name(data[begin:at])
        kind = data[at]
        at += 1
        if kind == 83:  # S: long string
            (length,) = _LONG.unpack_from(data, at)
            begin, at = at + 4, at + 4 + length
            table[name] = data[begin:at].decode()
        elif kind == 100:  # d: double
            (table[name],) = _DOUBLE.unpack_from(data, at)
            at += 8
        elif kind in _LONGLONGS:
            (table[name],) = _LONGLONG.unpack_from(data, at)
            at += 8
        elif kind == 73:  # I: 32 bits, signed
            (table[name],) = _INT.unpack_from(data, at)
            at += 4
        elif kind == 116:  # t: boolean
            table[name] = data[at] != 0
            at += 1
        else:
            raise _Unusual
    if at != end:
        raise _Unusual
    return table


@lru_cache(maxsize=1024)
def _name(raw: bytes) -> str:
    """Return a name that comes again and again: of an exchange, a key, a header."""
    return raw.decode()


@lru_cache(maxsize=256)
def _layout(flags: int) -> tuple[tuple[str, str], ...]:
    """Return which properties a content header has, by its flags."""
    if flags & _NO_PROPERTY:
        raise _Unusual
    return tuple(what for bit, what in enumerate(_PROPERTIES) if flags & (0x8000 >> bit))
