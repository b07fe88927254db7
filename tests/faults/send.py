"""A publisher that knows nothing of ebats, and notes what it tries and what the broker confirms."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, Protocol

from amqp import Message as AmqpMessage
from amqp.exceptions import AMQPError

from tests.integration.wire import Wire

AWAY = (AMQPError, OSError, EOFError)
BATCH = 100


@dataclass(frozen=True, slots=True)
class Message:
    """A message to send; its name is what the oracle knows it by."""

    name: str
    exchange: str
    key: str
    body: bytes
    headers: Mapping[str, Any] = field(default_factory=dict)
    properties: Mapping[str, Any] = field(default_factory=dict)

    def with_properties(self, **properties: Any) -> "Message":
        """Return the same message with other properties."""
        return replace(self, properties=properties)


class Notes(Protocol):
    """Where it is noted what is sent: an oracle, or the ledger of a soak."""

    def attempting(self, names: Iterable[str]) -> None: ...

    def confirmed(self, names: Iterable[str]) -> None: ...


class Sender:
    """One connection to publish by."""

    def __init__(self, url: str, notes: Notes) -> None:
        """Publish to a broker; it is connected to when there is something to send."""
        self._url = url
        self._notes = notes
        self._wire: Wire | None = None

    def close(self) -> None:
        """Close the connection."""
        wire, self._wire = self._wire, None
        if wire:
            with suppress(*AWAY):
                wire.close()

    def send(self, messages: Iterable[Message]) -> None:
        """Publish, and wait for all confirms.

        Raises:
            AWAY: the broker is; what it has confirmed is noted.
        """
        source = iter(messages)
        while batch := list(islice(source, BATCH)):
            self._send_batch(batch)

    def try_to_send(self, messages: list[Message]) -> bool:
        """Publish, and return whether all were confirmed: the broker may be away."""
        try:
            self.send(messages)
        except AWAY:
            self.close()
            return False
        return True

    def _send_batch(self, batch: list[Message]) -> None:
        self._notes.attempting(message.name for message in batch)
        self._wire = self._wire or Wire(self._url)
        confirmed: set[int] = set()
        with self._wire.connection.channel() as channel:
            channel.confirm_select()
            channel.events["basic_ack"].add(lambda tag, multiple: confirmed.update(_tags(tag, multiple)))
            try:
                for message in batch:
                    _publish(channel, message)
                self._wire.drain_until(lambda: len(confirmed) == len(batch), "confirms", deadline_s=30)
            finally:
                self._notes.confirmed(
                    message.name for tag, message in enumerate(batch, 1) if tag in confirmed
                )


def _tags(tag: int, multiple: bool) -> Iterable[int]:
    return range(1, tag + 1) if multiple else (tag,)


def _publish(channel: Any, message: Message) -> None:
    properties = {"delivery_mode": 2, **message.properties}
    amqp = AmqpMessage(message.body, application_headers=dict(message.headers), **properties)
    channel.basic_publish(amqp, exchange=message.exchange, routing_key=message.key)
