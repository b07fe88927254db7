"""Properties and headers as bytes: msgpack, with the two AMQP types that it lacks."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

TIMESTAMP = 1
DECIMAL = 2
_PLAIN = frozenset((str, int, float, bool, type(None)))


def timestamp(moment: datetime) -> msgspec.msgpack.Ext:
    """AMQP timestamps are whole seconds, and py-amqp reads them back without a time zone."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return msgspec.msgpack.Ext(TIMESTAMP, int(moment.timestamp()).to_bytes(8, "big", signed=True))


def _read(code: int, data: memoryview) -> Any:
    if code == TIMESTAMP:
        return datetime.fromtimestamp(int.from_bytes(data, "big", signed=True), UTC).replace(tzinfo=None)
    return Decimal(bytes(data).decode())


encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(ext_hook=_read).decode
#: For what is only passed on: timestamps and decimals stay as they are stored.
decode_raw = msgspec.msgpack.Decoder().decode


def table(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Prepare an AMQP table for `encode`: costs nothing unless it holds more than plain values."""
    if all(type(value) in _PLAIN for value in values.values()):
        return values
    return {key: _value(value) for key, value in values.items()}


def _value(value: Any) -> Any:
    if isinstance(value, datetime):
        return timestamp(value)
    if isinstance(value, Decimal):
        return msgspec.msgpack.Ext(DECIMAL, str(value).encode())
    if isinstance(value, bytes):
        return _text(value)
    if isinstance(value, Mapping):
        return {str(key): _value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_value(item) for item in value]
    return value


def _text(value: bytes) -> str | bytes:
    # AMQP has one type for both; py-amqp reads it as text where it can.
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value
