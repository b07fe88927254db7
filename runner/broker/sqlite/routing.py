"""Where a message goes: the exchanges, bindings, queues and consumers, read when others changed them."""

import sqlite3
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from ebats.pipelines.topics import TopicPattern
from ebats.runner.broker.sqlite import codec

#: Routes kept, for pairs of exchange and key; keys may be as many as messages.
ROUTES = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """An exchange and what is bound to it."""

    name: str
    type: str
    durable: bool
    auto_delete: bool
    arguments: Mapping[str, Any]
    bindings: tuple[tuple[str, int], ...]

    @classmethod
    def read(cls, row: tuple[Any, ...], bindings: tuple[tuple[str, int], ...]) -> "Exchange":
        """Take a row of the table `exchange`, and what is bound to it: keys and ids of queues."""
        name, kind, durable, auto_delete, _, arguments = row
        return cls(
            name=name,
            type=kind,
            durable=bool(durable),
            auto_delete=bool(auto_delete),
            arguments=codec.decode(arguments),
            bindings=bindings,
        )

    @property
    def alternate(self) -> str | None:
        """The exchange that takes what this one can't route (rabbitmq.com/docs/ae)."""
        return self.arguments.get("alternate-exchange")

    def targets(self, key: str) -> set[int]:
        """Give the ids of the queues that take `key`."""
        if self.type == "fanout":
            return {queue for _, queue in self.bindings}
        if self.type == "direct":
            return {queue for bound, queue in self.bindings if bound == key}
        return {queue for bound, queue in self.bindings if TopicPattern.parse(bound).matches(key)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """A queue, with its arguments spelt out. Times are milliseconds."""

    id: int
    name: str
    durable: bool
    auto_delete: bool
    #: The owner whose connection alone may use it, or 0.
    exclusive: int
    arguments: Mapping[str, Any]
    quorum: bool
    ttl: int | None
    expires: int | None
    dead_letter_exchange: str | None
    dead_letter_key: str | None
    delivery_limit: int | None
    #: Keep what the dead letter exchange can't place, and try again.
    at_least_once: bool
    #: The most ready messages, and the most bytes of their bodies.
    max_length: int | None
    max_bytes: int | None

    @classmethod
    @lru_cache(maxsize=ROUTES)
    def read(cls, row: tuple[Any, ...]) -> "Queue":
        """Take a row of the table `queue`: of a thousand queues, one is new at each declaration."""
        return cls.declared(
            row[0],
            row[1],
            codec.decode(row[5]),
            durable=bool(row[2]),
            auto_delete=bool(row[3]),
            exclusive=row[4],
        )

    @classmethod
    def declared(
        cls,
        id_: int,
        name: str,
        arguments: Mapping[str, Any],
        *,
        durable: bool = True,
        auto_delete: bool = False,
        exclusive: int = 0,
    ) -> "Queue":
        """Make a queue from what it is declared with."""
        limit = arguments.get("x-delivery-limit")
        return cls(
            id=id_,
            name=name,
            durable=durable,
            auto_delete=auto_delete,
            exclusive=exclusive,
            arguments=arguments,
            quorum=arguments.get("x-queue-type") == "quorum",
            ttl=arguments.get("x-message-ttl"),
            expires=arguments.get("x-expires"),
            dead_letter_exchange=arguments.get("x-dead-letter-exchange"),
            dead_letter_key=arguments.get("x-dead-letter-routing-key"),
            delivery_limit=limit if limit is not None and limit >= 0 else None,
            # RabbitMQ falls back to at-most-once unless the overflow is reject-publish.
            at_least_once=arguments.get("x-dead-letter-strategy") == "at-least-once"
            and arguments.get("x-overflow") == "reject-publish",
            max_length=arguments.get("x-max-length"),
            max_bytes=arguments.get("x-max-length-bytes"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """One state of everything that is declared."""

    version: int
    exchanges: Mapping[str, Exchange]
    queues: Mapping[str, Queue]
    by_id: Mapping[int, Queue]
    #: Queue id to the owners that consume it: whom to wake.
    consumers: Mapping[int, frozenset[int]]
    _routes: dict[tuple[str, str], tuple[Queue, ...]] = field(default_factory=dict)

    @classmethod
    def load(cls, db: sqlite3.Connection, version: int) -> "Topology":
        """Read all of it."""
        queues = [Queue.read(row) for row in db.execute("SELECT * FROM queue")]
        bindings = defaultdict(list)
        for source, key, queue in db.execute("SELECT source, key, queue FROM binding"):
            bindings[source].append((key, queue))
        exchanges = {
            row[0]: Exchange.read(row, tuple(bindings[row[0]]))
            for row in db.execute("SELECT * FROM exchange")
        }
        consumers = defaultdict(set)
        for queue, owner in db.execute("SELECT queue, owner FROM consumer"):
            consumers[queue].add(owner)
        return cls(
            version=version,
            exchanges=exchanges,
            queues={queue.name: queue for queue in queues},
            by_id={queue.id: queue for queue in queues},
            consumers={queue: frozenset(owners) for queue, owners in consumers.items()},
        )

    # What follows when one thing more is declared: with a thousand queues, reading all of them again for each
    # new one took most of the time.

    def with_exchange(self, exchange: Exchange) -> "Topology":
        """Return the state after an exchange was added."""
        return self._next(exchanges={**self.exchanges, exchange.name: exchange})

    def with_queue(self, queue: Queue) -> "Topology":
        """Return the state after a queue was added."""
        return self._next(queues={**self.queues, queue.name: queue}, by_id={**self.by_id, queue.id: queue})

    def with_binding(self, source: str, key: str, queue: int) -> "Topology":
        """Return the state after a queue was bound to an exchange."""
        exchange = self.exchanges[source]
        bound = replace(exchange, bindings=(*exchange.bindings, (key, queue)))
        return self._next(exchanges={**self.exchanges, source: bound})

    def with_consumer(self, queue: int, owner: int) -> "Topology":
        """Return the state after an owner began to consume a queue."""
        owners = self.consumers.get(queue, frozenset()) | {owner}
        return self._next(consumers={**self.consumers, queue: owners})

    def _next(self, **changed: Any) -> "Topology":
        return replace(self, version=self.version + 1, _routes={}, **changed)

    def route(self, exchange: str, key: str) -> tuple[Queue, ...]:
        """Give the queues that a message goes to, by the alternate exchange if by no other way.

        Raises KeyError for an exchange that isn't declared.
        """
        found = self._routes.get((exchange, key))
        if found is None:
            if len(self._routes) >= ROUTES:
                self._routes.clear()
            found = self._routes[exchange, key] = self._route(exchange, key)
        return found

    def _route(self, name: str, key: str) -> tuple[Queue, ...]:
        if name == "":  # the default exchange: every queue is bound by its name
            queue = self.queues.get(key)
            return (queue,) if queue else ()
        exchange = self.exchanges[name]
        tried = {name}
        while not (targets := exchange.targets(key)):
            following = exchange.alternate
            if following is None or following in tried or following not in self.exchanges:
                return ()
            tried.add(following)
            exchange = self.exchanges[following]
        return tuple(self.by_id[queue] for queue in sorted(targets) if queue in self.by_id)
