"""kombu's publish batches: messages kept back and stored in one transaction."""

from typing import TYPE_CHECKING, Any

from amqp.basic_message import Message as Outgoing

from ebats.runner.broker.sqlite.publishing import Publish

if TYPE_CHECKING:
    from ebats.runner.broker.sqlite.sending import SendingChannel


class Batch:
    """What `Channel.create_publish_batch` gives; see kombu's Producer.batch."""

    def __init__(self, channel: "SendingChannel", max_size: int) -> None:
        self.channel = channel
        self._max_size = max_size
        self._waiting: list[Publish] = []

    def publish(
        self, message: Outgoing, exchange: str = "", routing_key: str = "", mandatory: bool = False, **_: Any
    ) -> None:
        """Keep one message; store all when there are `max_size`."""
        self._waiting.append(self.channel.pack(message, exchange, routing_key, mandatory))
        if len(self._waiting) >= self._max_size:
            self.flush()

    def flush(self) -> None:
        """Store what is kept, in one transaction."""
        waiting, self._waiting = self._waiting, []
        if waiting:
            self.channel.publish_now(waiting)

    def discard(self) -> None:
        """Forget what is kept."""
        self._waiting.clear()

    close = discard
