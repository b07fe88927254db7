"""Messages on their way in and out: a delivery is a kombu message that reads like one of py-amqp."""

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from amqp.basic_message import Message as Outgoing
from kombu import message as kombu_message
from kombu.compression import decompress

from ebats.runner.broker.sqlite import codec, deaths, errors

if TYPE_CHECKING:
    from ebats.runner.broker.sqlite.channel import Channel

HEADERS = "application_headers"
#: Beyond every TTL that RabbitMQ takes.
LONGEST_MS = 4294967295


class Delivery(kombu_message.Message):
    """A delivery. Properties and headers are decoded when they are first read, the body never."""

    __slots__ = ("_count", "_meta", "_read")

    def __init__(
        self,
        channel: "Channel",
        tag: int,
        delivery_info: dict[str, Any],
        meta: bytes,
        body: bytes,
        count: int,
    ) -> None:
        # Not super(): that decompresses, and there may be tens of thousands of messages a second.
        self.channel = channel
        self.delivery_tag = tag
        self.delivery_info = delivery_info
        self.body = body
        self.accept = None
        self._state = "RECEIVED"
        self._decoded_cache = None
        self._meta = meta
        self._count = count
        self._read: dict[str, Any] | None = None

    @property
    def properties(self) -> dict[str, Any]:  # type: ignore[override]
        """The properties under py-amqp's names; headers are `application_headers`."""
        if self._read is None:
            self._read = read_meta(self._meta, self._count)
        return self._read

    @property
    def headers(self) -> dict[str, Any]:  # type: ignore[override]
        """The headers, with `x-death` and `x-delivery-count` where RabbitMQ has them."""
        found: dict[str, Any] = self.properties.get(HEADERS) or {}
        return found

    @property
    def content_type(self) -> str | None:
        """The type that the publisher gave."""
        return self.properties.get("content_type")

    @property
    def content_encoding(self) -> str | None:
        """The encoding that the publisher gave."""
        return self.properties.get("content_encoding")

    def decode_body(self) -> None:
        """Turn the body into text if its encoding is one, as py-amqp does with `auto_decode`."""
        encoding = self.content_encoding
        if encoding is None or isinstance(self.body, str):
            return
        try:
            self.body = self.body.decode(encoding)
        except (UnicodeDecodeError, LookupError):
            return

    def decompress(self) -> None:
        """Undo kombu's compression; what fails is kept in `errors`, where kombu looks for it."""
        name = self.headers.get("compression")
        if not name:
            return
        self.errors = []
        try:
            self.body = decompress(self.body, name)
        except Exception:  # whatever a foreign compression raises
            self.errors.append(sys.exc_info())


def read_meta(meta: bytes, count: int) -> dict[str, Any]:
    """Decode stored properties; `count` is how often the message came back to a quorum queue."""
    properties: dict[str, Any] = codec.decode(meta)
    history = deaths.headers(properties)
    if history or count:
        found = properties[HEADERS] = {**(properties.get(HEADERS) or {}), **history}
        if count:
            found["x-delivery-count"] = count
    return properties


def pack(message: Outgoing) -> tuple[bytes, bytes, int | None]:
    """Give a message's properties and body as stored, and its own time to live (ms).

    Raises PreconditionFailed for an expiration that isn't a whole number of milliseconds.
    """
    properties = {name: value for name, value in message.properties.items() if value is not None}
    headers = properties.get(HEADERS)
    if headers:
        properties[HEADERS] = codec.table(headers)
    body = message.body
    if isinstance(body, str):
        encoding = properties.setdefault("content_encoding", "UTF-8")
        body = body.encode(encoding)
    expiration = properties.get("expiration")
    return codec.encode(properties), body or b"", None if expiration is None else _milliseconds(expiration)


def _milliseconds(expiration: Any) -> int:
    text = str(expiration)
    if not text.isascii() or not text.isdigit():
        raise errors.precondition(f"invalid expiration '{text}': no_integer", errors.BASIC_PUBLISH)
    return min(int(text), LONGEST_MS)


def prepare(
    body: bytes | str,
    priority: int | None = None,
    content_type: str | None = None,
    content_encoding: str | None = None,
    headers: Mapping[str, Any] | None = None,
    properties: Mapping[str, Any] | None = None,
) -> Outgoing:
    """Make a message to publish; the arguments are those of kombu's channels."""
    return Outgoing(
        body,
        priority=priority,
        content_type=content_type,
        content_encoding=content_encoding,
        application_headers=headers,
        **(properties or {}),
    )


def returned(message: Outgoing) -> Outgoing:
    """Give a message as it comes back from a broker: without the properties that it doesn't have."""
    return Outgoing(
        message.body, **{name: value for name, value in message.properties.items() if value is not None}
    )
