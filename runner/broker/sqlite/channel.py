"""A channel, with the methods and events of py-amqp's, served by the database."""

import itertools
import queue
import uuid
from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import amqp
from amqp.basic_message import Message as Outgoing
from amqp.exceptions import ChannelError
from amqp.protocol import queue_declare_ok_t
from kombu.transport.base import StdChannel, to_rabbitmq_queue_arguments

from ebats.runner.broker.sqlite import declare, errors, leases, message
from ebats.runner.broker.sqlite.batch import Batch
from ebats.runner.broker.sqlite.consumers import Consumer
from ebats.runner.broker.sqlite.declare import Wanted
from ebats.runner.broker.sqlite.leases import Lease
from ebats.runner.broker.sqlite.message import Message
from ebats.runner.broker.sqlite.publishing import Publish

if TYPE_CHECKING:
    from ebats.runner.broker.sqlite.connection import Connection

#: Confirmed publishes wait for drain_events, but for no more than this.
BUFFERED_MESSAGES = 1000
BUFFERED_BYTES = 4 * 1024 * 1024

Table = Mapping[str, Any] | None


class Channel(StdChannel):  # type: ignore[misc]
    """See py-amqp's Channel for what each method means; only what differs is said here.

    An error of a channel revives it, as there: what it had unacknowledged goes back, its consumers are gone,
    and tags start at 1 again.
    """

    Message = Message
    prepare_message = staticmethod(message.prepare)

    def __init__(self, connection: "Connection", channel_id: int) -> None:
        self.connection: Connection | None = connection
        self.channel_id = channel_id
        self.auto_decode = True
        self.is_open = True
        self.is_closing = False
        self.callbacks: dict[str, Callable[[Message], Any]] = {}
        self.cancel_callbacks: dict[str, Callable[[str], Any]] = {}
        self.no_ack_consumers: set[str] = set()
        self.events: dict[str, set[Callable[..., Any]]] = defaultdict(set)
        self.returned_messages: queue.Queue[Any] = queue.Queue()
        self._consumers: dict[str, Consumer] = {}
        self._last_queue = ""
        self._reset()

    def _reset(self) -> None:
        self._tags = itertools.count(1)
        self._unacked: dict[int, tuple[Lease, Consumer | None]] = {}
        self._prefetch = 0
        self._confirming = False
        self._published = 0
        self.buffer: list[Publish] = []
        self._buffered_bytes = 0

    # -- calls that change what is declared

    def _run(self, work: Callable[..., Any], *, durable: bool = True) -> Any:
        connection = self._open()
        try:
            return connection.change(work, durable=durable)
        except ChannelError:
            self.revive()
            raise
        except (amqp.exceptions.NotAllowed, amqp.exceptions.AMQPNotImplementedError, amqp.exceptions.InvalidCommand):
            connection.collect()  # AMQP closes the whole connection for these
            raise

    def _open(self) -> "Connection":
        if self.connection is None:
            raise errors.closed()
        return self.connection

    def exchange_declare(
        self,
        exchange: str,
        type: str,
        passive: bool = False,
        durable: bool = False,
        auto_delete: bool = True,
        nowait: bool = False,
        arguments: Table = None,
    ) -> None:
        want = Wanted(
            name=exchange, type=type, durable=durable, auto_delete=auto_delete, arguments=_clean(arguments)
        )
        if passive:
            self._run(lambda db, state: declare.find_exchange(state, exchange, errors.EXCHANGE_DECLARE))
        else:
            self._run(lambda db, state: declare.exchange(db, state, want))

    def exchange_delete(self, exchange: str, if_unused: bool = False, nowait: bool = False) -> None:
        self._run(lambda db, state: declare.delete_exchange(db, state, exchange, if_unused=if_unused))

    def exchange_bind(self, *args: Any, **kwargs: Any) -> None:
        """Not there: an exchange can't be bound to an exchange."""

        def work(*_: Any) -> None:
            raise errors.not_implemented("binding exchanges to exchanges", errors.EXCHANGE_BIND)

        self._run(work)

    exchange_unbind = exchange_bind

    def prepare_queue_arguments(self, arguments: Table, **kwargs: Any) -> Any:
        return to_rabbitmq_queue_arguments(arguments or {}, **kwargs)

    def queue_declare(
        self,
        queue: str = "",
        passive: bool = False,
        durable: bool = False,
        exclusive: bool = False,
        auto_delete: bool = True,
        nowait: bool = False,
        arguments: Table = None,
    ) -> Any:
        connection = self._open()
        want = Wanted(
            name=queue, durable=durable, exclusive=exclusive, auto_delete=auto_delete, arguments=_clean(arguments)
        )
        owner = connection.own() if exclusive and not passive else connection.owner
        connection.reap_if_held(queue)

        def work(db: Any, state: Any) -> Any:
            name = queue if passive else declare.queue(db, state, want, owner)
            found = declare.find_queue(connection.store.topology(), name, owner, errors.QUEUE_DECLARE)
            return queue_declare_ok_t(name, *declare.counts(db, found.id))

        result = self._run(work)
        self._last_queue = result.queue
        return result

    def queue_bind(
        self, queue: str, exchange: str = "", routing_key: str = "", nowait: bool = False, arguments: Table = None
    ) -> None:
        self._on_queue(
            queue, errors.QUEUE_BIND, lambda db, state, found: declare.bind(db, state, found, exchange, routing_key)
        )

    def queue_unbind(
        self, queue: str, exchange: str, routing_key: str = "", nowait: bool = False, arguments: Table = None
    ) -> None:
        self._run(lambda db, state: declare.unbind(db, state, queue, exchange, routing_key))

    def queue_purge(self, queue: str = "", nowait: bool = False) -> Any:
        return self._on_queue(queue, errors.QUEUE_PURGE, lambda db, state, found: declare.purge(db, found))

    def queue_delete(
        self, queue: str = "", if_unused: bool = False, if_empty: bool = False, nowait: bool = False
    ) -> Any:
        owner = self._open().owner

        def work(db: Any, state: Any) -> int:
            if queue not in state.queues:
                return 0
            found = declare.find_queue(state, queue, owner, errors.QUEUE_DELETE)
            return declare.delete_queue(db, found, if_unused=if_unused, if_empty=if_empty)

        return self._run(work)

    def _on_queue(self, name: str, method: errors.Method, work: Callable[..., Any]) -> Any:
        owner = self._open().owner
        name = name or self._last_queue
        return self._run(lambda db, state: work(db, state, declare.find_queue(state, name, owner, method)))

    # -- publishing

    def confirm_select(self, nowait: bool = False) -> None:
        """From now on publishes wait for `connection.drain_events`, which stores them all at once and confirms."""
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
        if len(self.buffer) >= BUFFERED_MESSAGES or self._buffered_bytes >= BUFFERED_BYTES:
            connection.flush(self)

    def pack(self, msg: Outgoing, exchange: str, routing_key: str, mandatory: bool) -> Publish:
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
        if published.error is not None:
            connection.calls.append(partial(self._fail, published.error))

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
            callback(error, publish.exchange, publish.key, publish.message)

    def create_publish_batch(self, max_size: int) -> Batch:
        """For kombu's `producer.batch()`: one transaction for up to `max_size` messages."""
        return Batch(self, max_size)

    # -- consuming

    def basic_qos(self, prefetch_size: int, prefetch_count: int, a_global: bool = False, **kwargs: Any) -> None:
        """Limit the consumers that start later on this channel, each by itself (as RabbitMQ does).

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
        callback: Callable[[Message], Any] | None = None,
        arguments: Table = None,
        on_cancel: Callable[[str], Any] | None = None,
    ) -> str:
        connection = self._open()
        owner = connection.own()
        name, tag = queue or self._last_queue, consumer_tag or f"amq.ctag-{uuid.uuid4().hex}"

        def work(db: Any, state: Any) -> Any:
            if tag in self._consumers:
                raise errors.not_allowed(f"attempt to reuse consumer tag '{tag}'", errors.BASIC_CONSUME)
            found = declare.find_queue(state, name, owner, errors.BASIC_CONSUME)
            declare.add_consumer(db, found, owner, self.channel_id, tag, exclusive=exclusive)
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
        connection = self._open()
        consumer = self.forget(consumer_tag)
        if consumer is not None:
            connection.stop(consumer)
            self._run(
                lambda db, state: declare.remove_consumer(db, state, connection.owner, self.channel_id, consumer_tag),
                durable=False,
            )
        return consumer_tag

    def forget(self, tag: str) -> Consumer | None:
        self.callbacks.pop(tag, None)
        self.no_ack_consumers.discard(tag)
        return self._consumers.pop(tag, None)

    def on_cancelled(self, consumer: Consumer) -> None:
        """The consumer's queue was deleted: tell its owner, as basic.cancel does."""
        if self.forget(consumer.tag) is None:
            return
        callback = self.cancel_callbacks.pop(consumer.tag, None)
        if callback is None:
            raise amqp.exceptions.ConsumerCancelled(consumer.tag, (60, 30))
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
        delivery = Message(self, tag, info, meta, body, deliveries if consumer.quorum else 0)
        if self.auto_decode:
            delivery.decode_body()
        self.callbacks[consumer.tag](delivery)

    def message_to_python(self, raw: Message) -> Message:
        """kombu's hook: undo its compression. Whoever reads messages without kombu's Consumer never pays."""
        raw.decompress()
        return raw

    def basic_get(self, queue: str = "", no_ack: bool = False) -> Message | None:
        connection = self._open()
        owner = connection.own()

        def work(db: Any, state: Any) -> Any:
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
        delivery = Message(self, tag, info, meta, body, deliveries if found.quorum else 0)
        if self.auto_decode:
            delivery.decode_body()
        return self.message_to_python(delivery)

    # -- settling

    def basic_ack(self, delivery_tag: int, multiple: bool = False) -> None:
        connection = self._open()
        with connection.lock:
            connection.settlements.acked += self._take(delivery_tag, multiple, errors.BASIC_ACK)
        connection.settled()

    def basic_reject(self, delivery_tag: int, requeue: bool) -> None:
        self.basic_nack(delivery_tag, False, requeue)

    def basic_nack(self, delivery_tag: int, multiple: bool = False, requeue: bool = True) -> None:
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
            tags = [found for found in list(self._unacked) if tag == 0 or found <= tag]
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
        """Start anew after an error of the channel: without consumers, unacknowledged messages and confirms."""
        self._leave()
        self._reset()

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


def _clean(arguments: Table) -> dict[str, Any]:
    return {key: value for key, value in (arguments or {}).items() if value is not None}
