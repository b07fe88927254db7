"""The half of a channel that declares: exchanges, queues, bindings."""

# ruff: noqa: ARG002 - the arguments are those of py-amqp, needed or not

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import amqp
from amqp.exceptions import ChannelError
from amqp.protocol import queue_declare_ok_t
from kombu.transport.base import StdChannel, to_rabbitmq_queue_arguments

from ebats.runner.broker.sqlite import declare, errors
from ebats.runner.broker.sqlite.declare import Wanted
from ebats.runner.broker.sqlite.routing import Topology

if TYPE_CHECKING:
    from ebats.runner.broker.sqlite.connection import Connection

Table = Mapping[str, Any] | None


class DeclaringChannel(StdChannel):
    """A channel that can declare, bind, purge and delete. See py-amqp for what each method means."""

    def __init__(self, connection: "Connection", channel_id: int) -> None:
        self.connection: Connection | None = connection
        self.channel_id = channel_id
        self._last_queue = ""

    def _run(self, work: Callable[..., Any], *, durable: bool = True) -> Any:
        connection = self._open()
        try:
            return connection.change(work, durable=durable)
        except ChannelError:
            self.revive()
            raise
        except (
            amqp.exceptions.NotAllowed,
            amqp.exceptions.AMQPNotImplementedError,
            amqp.exceptions.InvalidCommand,
        ):
            connection.collect()  # AMQP closes the whole connection for these
            raise

    def _add(self, work: Callable[[Any, Topology], Topology]) -> None:
        """Run what adds to the topology: it gives what follows, which needn't be read again then."""
        store = self._open().store
        self._run(lambda db, state: store.know(work(db, state)))

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
        """Declare an exchange (exchange.declare); raises PreconditionFailed if it is there and differs."""
        want = Wanted(
            name=exchange, type=type, durable=durable, auto_delete=auto_delete, arguments=_clean(arguments)
        )
        if passive:
            self._run(lambda _, state: declare.find_exchange(state, exchange, errors.EXCHANGE_DECLARE))
        else:
            self._add(lambda db, state: declare.exchange(db, state, want))

    def exchange_delete(self, exchange: str, if_unused: bool = False, nowait: bool = False) -> None:
        """Delete an exchange; one that isn't there is no error, as on RabbitMQ."""
        self._run(lambda db, state: declare.delete_exchange(db, state, exchange, if_unused=if_unused))

    def exchange_bind(self, *args: Any, **kwargs: Any) -> None:
        """Not there: an exchange can't be bound to an exchange."""

        def work(*_: Any) -> None:
            raise errors.not_implemented("binding exchanges to exchanges", errors.EXCHANGE_BIND)

        self._run(work)

    exchange_unbind = exchange_bind

    def prepare_queue_arguments(self, arguments: Table, **kwargs: Any) -> Any:
        """Turn kombu's options (seconds) into arguments of RabbitMQ (milliseconds)."""
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
        """Declare a queue, or look at one (`passive`); give its name, ready messages and consumers.

        Raises NotFound, PreconditionFailed if it differs, ResourceLocked if another connection has it alone.
        """
        connection = self._open()
        want = Wanted(
            name=queue,
            durable=durable,
            exclusive=exclusive,
            auto_delete=auto_delete,
            arguments=_clean(arguments),
        )
        owner = connection.own() if exclusive and not passive else connection.owner
        connection.reap_if_held(queue)

        def work(db: Any, state: Any) -> Any:
            name = queue
            if not passive:
                state, name = declare.queue(db, state, want, owner)
                connection.store.know(state)
            found = declare.find_queue(state, name, owner, errors.QUEUE_DECLARE)
            return queue_declare_ok_t(name, *declare.counts(db, found.id))

        result = self._run(work)
        self._last_queue = result.queue
        return result

    def queue_bind(
        self,
        queue: str,
        exchange: str = "",
        routing_key: str = "",
        nowait: bool = False,
        arguments: Table = None,
    ) -> None:
        """Bind a queue to an exchange; raises NotFound for either. Arguments of a binding are ignored."""
        owner = self._open().owner
        name = queue or self._last_queue

        def work(db: Any, state: Any) -> Topology:
            found = declare.find_queue(state, name, owner, errors.QUEUE_BIND)
            return declare.bind(db, state, found, exchange, routing_key)

        self._add(work)

    def queue_unbind(
        self, queue: str, exchange: str, routing_key: str = "", nowait: bool = False, arguments: Table = None
    ) -> None:
        """Remove a binding; what isn't there is no error, as on RabbitMQ."""
        self._run(lambda db, state: declare.unbind(db, state, queue, exchange, routing_key))

    def queue_purge(self, queue: str = "", nowait: bool = False) -> Any:
        """Delete the ready messages of a queue; give how many."""
        return self._on_queue(queue, errors.QUEUE_PURGE, lambda db, _, found: declare.purge(db, found))

    def queue_delete(
        self, queue: str = "", if_unused: bool = False, if_empty: bool = False, nowait: bool = False
    ) -> Any:
        """Delete a queue and all in it; give the number of ready messages."""
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

    def revive(self) -> None:
        """Start anew after an error of the channel."""
        raise NotImplementedError


def _clean(arguments: Table) -> dict[str, Any]:
    return {key: value for key, value in (arguments or {}).items() if value is not None}
