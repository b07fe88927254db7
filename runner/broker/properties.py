"""Lets py-amqp read properties and routing keys that aren't UTF-8, such as a message id of plain bytes.

Anybody may publish one. py-amqp raises in the middle of reading, for every message on the connection;
here each byte is the character of that number, so that two ids stay two.
"""

from types import FunctionType
from typing import Any

from amqp import abstract_channel, serialization

#: Of a property, in bytes (AMQP 0-9-1, section 4.2.5.3): it has to go out again.
_LONGEST = 255
_BASIC = 60


def accept_all() -> None:
    """Make py-amqp accept them, in this process."""
    read = serialization.decode_properties_basic
    # The same code with another way to read a text; in tables, py-amqp itself hands over bytes.
    own = {**vars(serialization), "pstr_t": _text}
    serialization.PROPERTY_CLASSES[_BASIC] = FunctionType(read.__code__, own, read.__name__)
    # Where it reads the arguments of methods: of a delivery, its exchange and its key among them.
    abstract_channel.loads = _loads


def _loads(kinds: str, data: bytes, offset: int) -> tuple[list[Any], int]:
    try:
        values: tuple[list[Any], int] = serialization.loads(kinds, data, offset)
        return values
    except UnicodeDecodeError:
        if "bb" in kinds:  # bits that share a byte: no method with a publisher's text has them
            raise
        return _loads_leniently(kinds, data, offset)


def _loads_leniently(kinds: str, data: bytes, offset: int) -> tuple[list[Any], int]:
    found = []
    for kind in kinds:
        if kind == "s":
            end = offset + 1 + data[offset]
            value: Any = _text(bytes(data[offset + 1 : end]))
            offset = end
        else:
            (value,), offset = serialization.loads(kind, data, offset)
        found.append(value)
    return found, offset


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return raw.decode("latin-1").encode()[:_LONGEST].decode(errors="ignore")
