"""Lets py-amqp read properties that aren't UTF-8, such as a message id of plain bytes.

Anybody may publish one. py-amqp raises in the middle of reading, for every message on the connection;
here each byte is the character of that number, so that two ids stay two.
"""

from types import FunctionType

from amqp import serialization

#: Of a property, in bytes (AMQP 0-9-1, section 4.2.5.3): it has to go out again.
_LONGEST = 255
_BASIC = 60


def accept_all() -> None:
    """Make py-amqp accept them, in this process."""
    read = serialization.decode_properties_basic
    # The same code with another way to read a text; in tables, py-amqp itself hands over bytes.
    own = {**vars(serialization), "pstr_t": _text}
    serialization.PROPERTY_CLASSES[_BASIC] = FunctionType(read.__code__, own, read.__name__)


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return raw.decode("latin-1").encode()[:_LONGEST].decode(errors="ignore")
