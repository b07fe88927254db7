"""The topology that was last applied to a pipeline: a message in its queue `NAME.topology`."""

from collections.abc import Iterable
from typing import Any

from kombu.connection import Connection

from ebats.pipelines.model import Pipeline
from ebats.pipelines.stored_topology import from_json
from ebats.pipelines.topology import Topology
from ebats.runner.broker.confirmed import publish_confirmed
from ebats.runner.broker.mismatch import TopologyMismatch
from ebats.runner.execution.settle import Outgoing


class Stored:
    """The messages of `NAME.topology`, held unacknowledged by one channel.

    There is none before the first start, and two after a crash in the middle of a change.
    """

    def __init__(self, connection: Connection, channel: Any, pipeline: Pipeline) -> None:
        """Take all messages that are there."""
        self._connection = connection
        self._channel = channel
        self._queue = pipeline.on_broker("topology")
        self._messages: list[Any] = []
        while (message := channel.basic_get(self._queue)) is not None:
            self._messages.append(message)

    def topologies(self) -> list[Topology]:
        """Return what the messages say.

        Raises:
            TopologyMismatch: one isn't ours, or of a version of ebats that isn't known here.
        """
        return [self._read(message) for message in self._messages]

    def add(self, text: str) -> None:
        """Store another topology, beside those that are held."""
        self._publish([text.encode()])

    def give_back(self) -> None:
        """Put the messages back so that the next one who looks finds them.

        They are published again: a rejected one would be away for a moment, when somebody may look.
        """
        self._publish(_body(message) for message in self._messages)
        self.forget()

    def forget(self) -> None:
        """Acknowledge the messages: they are gone."""
        for message in self._messages:
            self._channel.basic_ack(message.delivery_info["delivery_tag"])
        self._messages = []

    def _read(self, message: Any) -> Topology:
        try:
            return from_json(_body(message))
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            text = f"the message in the queue {self._queue} can't be read: {error}"
            hint = "run the version of ebats that wrote it, or purge the queue and unbind by hand"
            raise TopologyMismatch(f"{text}; {hint}") from error

    def _publish(self, bodies: Iterable[bytes]) -> None:
        properties = {"content_type": "application/json", "delivery_mode": 2}
        messages = [Outgoing("", self._queue, body, {}, properties) for body in bodies]
        publish_confirmed(self._connection, self._channel, messages)


def _body(message: Any) -> bytes:
    return bytes(message.body or b"")  # py-amqp makes an empty one a str
