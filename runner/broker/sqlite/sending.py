"""The half of a channel that publishes: at once, or kept back for one confirm."""

# ruff: noqa: ARG002 - the arguments are those of py-amqp, needed or not

import queue
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from amqp.basic_message import Message as Outgoing
from amqp.exceptions import ChannelError

from ebats.runner.broker.sqlite import errors, message
from ebats.runner.broker.sqlite.batch import Batch
from ebats.runner.broker.sqlite.declaring import DeclaringChannel
from ebats.runner.broker.sqlite.publishing import Publish

if TYPE_CHECKING:
    from ebats.runner.broker.sqlite.connection import Connection

#: Confirmed publishes wait for drain_events, but for no more than this.
BUFFERED_MESSAGES = 1000
BUFFERED_BYTES = 4 * 1024 * 1024


class SendingChannel(DeclaringChannel):
    """A channel that can also publish."""

    prepare_message = staticmethod(message.prepare)

    def __init__(self, connection: "Connection", channel_id: int) -> None:
        super().__init__(connection, channel_id)
        self.events: dict[str, set[Callable[..., Any]]] = defaultdict(set)
        self.returned_messages: queue.Queue[Any] = queue.Queue()
        self._forget_publishes()

    def _forget_publishes(self) -> None:
        self._confirming = False
        self._is_holding = False
        self._published = 0
        self.buffer: list[Publish] = []
        self._buffered_bytes = 0

    def confirm_select(self, nowait: bool = False) -> None:
        """From now on publishes wait for `connection.drain_events`, which stores all at once and confirms."""
        self._open()
        self._confirming = True

    def basic_publish(
        self,
        msg: Outgoing,
        exchange: str = "",
        routing_key: str = "",
        mandatory: bool = False,
        immediate: bool = False,
        timeout: float | None = None,
        confirm_timeout: float | None = None,
    ) -> None:
        """Publish: stored when this returns, unless confirms are on."""
        publish = self.pack(msg, exchange, routing_key, mandatory)
        connection = self._open()
        if not self._confirming:
            self.publish_now([publish])
            return
        self.buffer.append(publish)
        self._buffered_bytes += len(publish.body) + len(publish.meta)
        is_full = len(self.buffer) >= BUFFERED_MESSAGES or self._buffered_bytes >= BUFFERED_BYTES
        if is_full and not self._is_holding:
            connection.flush(self)
        else:
            connection.nudge()

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Keep what is published inside, however much it is, for one transaction."""
        self._is_holding = True
        try:
            yield
        finally:
            self._is_holding = False

    def pack(self, msg: Outgoing, exchange: str, routing_key: str, mandatory: bool) -> Publish:
        """Make a message ready to be stored; a bad expiration is an error of the channel."""
        try:
            meta, body, expiration = message.pack(msg)
        except ChannelError:
            self.revive()
            raise
        return Publish(exchange, routing_key, meta, body, expiration, mandatory, msg)

    def publish_now(self, batch: list[Publish]) -> None:
        """Store a batch in one transaction, without confirms."""
        error = self._open().store_batch(self, batch).error
        if error is not None:
            self.revive()
            raise error

    def flush_buffer(self) -> None:
        """Store what waits for a confirm; the events come with the next drain_events."""
        connection = self._open()
        batch, self.buffer, self._buffered_bytes = self.buffer, [], 0
        published = connection.store_batch(self, batch)
        self._published += published.count
        if published.count:
            connection.calls.append(partial(self._confirm, self._published, published.count > 1))
        if error := published.error or published.afterwards:
            connection.calls.append(partial(self._fail, error))

    def _confirm(self, tag: int, multiple: bool) -> None:
        for callback in list(self.events["basic_ack"]):
            callback(tag, multiple)

    def _fail(self, error: Exception) -> None:
        self.revive()
        raise error

    def give_back(self, publish: Publish) -> None:
        """Fire basic.return for a mandatory message that no queue took."""
        error = errors.no_route()
        handlers = self.events.get("basic_return")
        if not handlers:
            raise error
        for callback in list(handlers):
            callback(error, publish.exchange, publish.key, message.returned(publish.message))

    def create_publish_batch(self, max_size: int) -> Batch:
        """For kombu's `producer.batch()`: one transaction for up to `max_size` messages."""
        return Batch(self, max_size)
