"""A channel, with the methods and events of py-amqp's, served by the database."""

# ruff: noqa: ARG002 - the arguments are those of py-amqp, needed or not

import itertools
import uuid
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from amqp.exceptions import ConsumerCancelled

from ebats.runner.broker.sqlite import declare, errors, leases, owners
from ebats.runner.broker.sqlite.consumers import Consumer
from ebats.runner.broker.sqlite.leases import Lease
from ebats.runner.broker.sqlite.message import Delivery
from ebats.runner.broker.sqlite.sending import SendingChannel

if TYPE_CHECKING:
    from ebats.runner.broker.sqlite.connection import Connection

Table = Mapping[str, Any] | None


class Channel(SendingChannel):
    """See py-amqp's Channel for what each method means; only what differs is said here.

    An error of a channel revives it, as there: what it had unacknowledged goes back, its consumers are gone,
    and tags start at 1 again.
    """

    Message = Delivery

    def __init__(self, connection: "Connection", channel_id: int) -> None:
        super().__init__(connection, channel_id)
        self.auto_decode = True
        self.is_open = True
        self.is_closing = False
        self.callbacks: dict[str, Callable[[Delivery], Any]] = {}
        self.cancel_callbacks: dict[str, Callable[[str], Any]] = {}
        self.no_ack_consumers: set[str] = set()  # type: ignore[assignment]
        self._consumers: dict[str, Consumer] = {}
        self._forget_deliveries()

    def _forget_deliveries(self) -> None:
        self._tags = itertools.count(1)
        self._unacked: dict[int, tuple[Lease, Consumer | None]] = {}
        self._prefetch = 0

    def basic_qos(
        self, prefetch_size: int, prefetch_count: int, a_global: bool = False, **kwargs: Any
    ) -> None:
        """Limit each consumer that starts later on this channel (rabbitmq.com/docs/consumer-prefetch).

        With `a_global` those that run already, too; the limit stays one for each consumer.
        """
        self._open()
        self._prefetch = prefetch_count
        if a_global:
            for consumer in self._consumers.values():
                consumer.prefetch = prefetch_count

    def basic_consume(
        self,
        queue: str = "",
        consumer_tag: str = "",
        no_local: bool = False,
        no_ack: bool = False,
        exclusive: bool = False,
        nowait: bool = False,
        callback: Callable[[Delivery], Any] | None = None,
        arguments: Table = None,
        on_cancel: Callable[[str], Any] | None = None,
    ) -> str:
        """Start a consumer and give its tag; `callback` is called with each Delivery by drain_events.

        Raises NotFound, ResourceLocked, AccessRefused (exclusive use), NotAllowed (the tag is taken).
        """
        connection = self._open()
        owner = connection.own()
        name, tag = queue or self._last_queue, consumer_tag or f"amq.ctag-{uuid.uuid4().hex}"

        def work(db: Any, state: Any) -> Any:
            if tag in self._consumers:
                raise errors.not_allowed(f"attempt to reuse consumer tag '{tag}'", errors.BASIC_CONSUME)
            found = declare.find_queue(state, name, owner, errors.BASIC_CONSUME)
            known = (owner, self.channel_id, tag)
            connection.store.know(declare.add_consumer(db, state, found, known, exclusive=exclusive))
            return found

        found = self._run(work, durable=False)
        self.callbacks[tag] = callback or (lambda _: None)
        if on_cancel:
            self.cancel_callbacks[tag] = on_cancel
        if no_ack:
            self.no_ack_consumers.add(tag)
        consumer = Consumer(self, tag, found.id, found.quorum, no_ack, self._prefetch)
        self._consumers[tag] = consumer
        connection.start(consumer)
        return tag

    def basic_cancel(self, consumer_tag: str, nowait: bool = False) -> str:
        """End a consumer; what it has is still to be acknowledged, what it hasn't seen goes back."""
        connection = self._open()
        consumer = self.forget(consumer_tag)
        if consumer is not None:
            connection.stop(consumer)
            self._run(
                lambda db, state: declare.remove_consumer(
                    db, state, connection.owner, self.channel_id, consumer_tag
                ),
                durable=False,
            )
        return consumer_tag

    def forget(self, tag: str) -> Consumer | None:
        """Drop what is known of a consumer here."""
        self.callbacks.pop(tag, None)
        self.no_ack_consumers.discard(tag)
        return self._consumers.pop(tag, None)

    def on_cancelled(self, consumer: Consumer) -> None:
        """The consumer's queue was deleted: tell its owner, as basic.cancel does."""
        if self.forget(consumer.tag) is None:
            return
        callback = self.cancel_callbacks.pop(consumer.tag, None)
        if callback is None:
            raise ConsumerCancelled(consumer.tag, (60, 30))
        callback(consumer.tag)

    def deliver(self, consumer: Consumer, row: tuple[Any, ...]) -> None:
        """Hand a claimed message to its consumer."""
        number, deliveries, exchange, key, meta, body = row
        tag = next(self._tags)
        if not consumer.no_ack:
            self._unacked[tag] = (Lease(consumer.queue, number, deliveries), consumer)
        info = {
            "consumer_tag": consumer.tag,
            "delivery_tag": tag,
            "redelivered": deliveries > 0,
            "exchange": exchange,
            "routing_key": key,
        }
        delivery = Delivery(self, tag, info, meta, body, deliveries if consumer.quorum else 0)
        if self.auto_decode:
            delivery.decode_body()
        self.callbacks[consumer.tag](delivery)

    def message_to_python(self, raw: Delivery) -> Delivery:
        """kombu's hook: undo its compression. Whoever reads messages without kombu's Consumer never pays."""
        raw.decompress()
        return raw

    def basic_get(self, queue: str = "", no_ack: bool = False) -> Delivery | None:
        """Take one message, or None if there is none ready."""
        connection = self._open()
        owner = connection.own()

        def work(db: Any, state: Any) -> Any:
            owners.check_living(db, connection.store, owner)
            found = declare.find_queue(state, queue or self._last_queue, owner, errors.BASIC_GET)
            rows = leases.claim(db, found.id, owner, 1)
            if rows and no_ack:
                leases.delete(db, owner, [Lease(found.id, rows[0][0], 0)])
            return found, rows, declare.counts(db, found.id)[0]

        connection.settle_now()
        found, rows, ready = self._run(work, durable=False)
        if not rows:
            return None
        number, deliveries, exchange, key, meta, body = rows[0]
        tag = next(self._tags)
        if not no_ack:
            self._unacked[tag] = (Lease(found.id, number, deliveries), None)
        info = {
            "delivery_tag": tag,
            "redelivered": deliveries > 0,
            "exchange": exchange,
            "routing_key": key,
            "message_count": ready,
        }
        delivery = Delivery(self, tag, info, meta, body, deliveries if found.quorum else 0)
        if self.auto_decode:
            delivery.decode_body()
        return self.message_to_python(delivery)

    # -- settling

    def basic_ack(self, delivery_tag: int, multiple: bool = False) -> None:
        """Acknowledge a delivery, or all up to it; raises PreconditionFailed for an unknown tag."""
        connection = self._open()
        with connection.lock:
            connection.settlements.acked += self._take(delivery_tag, multiple, errors.BASIC_ACK)
        connection.settled()

    def basic_reject(self, delivery_tag: int, requeue: bool) -> None:
        """Refuse a delivery: back to its queue, or to where the queue's dead letters go."""
        self.basic_nack(delivery_tag, False, requeue)

    def basic_nack(self, delivery_tag: int, multiple: bool = False, requeue: bool = True) -> None:
        """Refuse a delivery, or all up to it; see basic_reject."""
        connection = self._open()
        with connection.lock:
            taken = self._take(delivery_tag, multiple, errors.BASIC_REJECT)
            if requeue:
                connection.settlements.returned += taken
            else:
                connection.settlements.rejected += taken
        connection.settled()

    def basic_recover(self, requeue: bool = False) -> None:
        """Give back all that is unacknowledged on this channel; it counts."""
        self._return_unacked()
        self._open().settled()

    basic_recover_async = basic_recover

    def _take(self, tag: int, multiple: bool, method: errors.Method) -> list[Lease]:
        if multiple:
            # They are in the order of their tags.
            tags = [*itertools.takewhile(lambda found: tag == 0 or found <= tag, self._unacked)]
            if tag not in self._unacked and tag != 0:
                tags = []
        else:
            tags = [tag] if tag in self._unacked else []
        if not tags and tag != 0:
            self.revive()
            raise errors.precondition(f"unknown delivery tag {tag}", method)
        return [self._release(found) for found in tags]

    def _release(self, tag: int) -> Lease:
        lease, consumer = self._unacked.pop(tag)
        if consumer is not None:
            consumer.unacked -= 1
        return lease

    def _return_unacked(self) -> None:
        connection = self._open()
        with connection.lock:
            connection.settlements.returned += [self._release(tag) for tag in list(self._unacked)]

    # -- the end

    def revive(self) -> None:
        """Start anew after an error: without consumers, unacknowledged messages, unconfirmed publishes."""
        self._leave()
        self._forget_deliveries()
        self._forget_publishes()

    def _leave(self) -> None:
        connection = self.connection
        if connection is None:
            return
        self._return_unacked()
        for tag in list(self._consumers):
            self.basic_cancel(tag)
        connection.settle_now()

    def close(self, *args: Any, **kwargs: Any) -> None:
        """Store what waits for a confirm, give back what is unacknowledged."""
        connection = self.connection
        if connection is None:
            return
        try:
            if self.buffer:
                self.flush_buffer()
            self._leave()
        finally:
            connection.channels.pop(self.channel_id, None)
            self.detach()

    def detach(self) -> None:
        """Forget the connection: every further call says that it is closed."""
        self.connection = None
        self.is_open = False
        self.callbacks.clear()
        self.cancel_callbacks.clear()
        self.events.clear()
        self.no_ack_consumers.clear()
        self._consumers.clear()
        self._unacked.clear()
        self.buffer.clear()

    def leased(self) -> list[Lease]:
        """Everything delivered on this channel and not settled."""
        return [lease for lease, _ in self._unacked.values()]
