"""A broker in memory, on its caller's clock: it routes, keeps and buries as the embedded one does."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import count

from amqp import Message

from ebats.pipelines import topology as declared
from ebats.runner.broker.sqlite import codec
from ebats.runner.broker.sqlite.burial import bury
from ebats.runner.broker.sqlite.message import HEADERS, pack, read_meta
from ebats.runner.broker.sqlite.routing import Exchange, Queue, Topology
from ebats.runner.execution.clock import Clock
from ebats.runner.execution.delivery import Delivery
from ebats.runner.execution.settle import Outgoing

#: A message is never there at the very moment when it left: what is due at a moment has come after it.
_WAY_S = 1e-6


@dataclass(slots=True, eq=False)
class _Stored:
    exchange: str
    key: str
    meta: bytes
    body: bytes


class MemoryBroker:
    """Holds the messages of one pipeline, on one thread."""

    def __init__(
        self, topology: declared.Topology, clock: Clock, later: Callable[[float, Callable[[], None]], None]
    ) -> None:
        """Declare all of it; `later` calls back after so many seconds."""
        self._topology = _declared(topology)
        self._clock = clock
        self._later = later
        self._numbers = count(1)
        self._takers: dict[str, Callable[[Delivery], None]] = {}
        self._lying: defaultdict[str, dict[int, _Stored]] = defaultdict(dict)

    def has_exchange(self, name: str) -> bool:
        """Return whether there is an exchange of this name; the default one always is."""
        return not name or name in self._topology.exchanges

    def consume(self, queue: str, take: Callable[[Delivery], None]) -> None:
        """Hand what comes into a queue to `take`, which says `settled` when it is done with it."""
        self._takers[queue] = take

    def publish(self, outgoing: Outgoing) -> bool:
        """Put a message into the queues that take it; return whether there is one."""
        message = Message(outgoing.body, application_headers=outgoing.headers, **outgoing.properties)
        meta, body, expiration = pack(message)
        try:
            queues = self._topology.route(outgoing.exchange, outgoing.key)
        except KeyError:
            return False
        for queue in queues:
            self._put(queue, _Stored(outgoing.exchange, outgoing.key, meta, body), expiration)
        return bool(queues)

    def settled(self, delivery: Delivery) -> None:
        """Forget a delivery: its consumer has acknowledged it."""
        self._lying[delivery.queue].pop(delivery.tag, None)

    def acknowledge_first(self, delivery: Delivery, timeout_s: float) -> bool:  # noqa: ARG002 - at once
        """Forget a delivery before it is run; return whether that was done in time."""
        self.settled(delivery)
        return True

    def lying(self) -> dict[str, int]:
        """Return how many messages each queue has that isn't empty, those that are being worked off too."""
        return {queue: len(found) for queue, found in self._lying.items() if found}

    def _put(self, queue: Queue, stored: _Stored, expiration: int | None = None) -> None:
        number = next(self._numbers)
        self._lying[queue.name][number] = stored
        if queue.name in self._takers:
            self._later(0.0, partial(self._deliver, queue, number, stored))
            return
        waits = [ms for ms in (queue.ttl, expiration) if ms is not None]
        if waits:
            self._later(min(waits) / 1000, partial(self._expire, queue, number, stored))

    def _deliver(self, queue: Queue, number: int, stored: _Stored) -> None:
        properties = read_meta(stored.meta, 0)
        headers = properties.get(HEADERS) or {}
        received = self._clock.time() + _WAY_S
        self._takers[queue.name](
            Delivery(
                number,
                0,
                queue.name,
                stored.exchange,
                stored.key,
                False,
                stored.body,
                headers,
                properties,
                received,
            )
        )

    def _expire(self, queue: Queue, number: int, stored: _Stored) -> None:
        meta, now = codec.decode_raw(stored.meta), self._clock.time()
        burial = bury(self._topology, queue, meta, stored.exchange, stored.key, "expired", now)
        if burial and burial.targets is None:
            # Nobody takes it, and what is declared doesn't change: it stays.
            return
        del self._lying[queue.name][number]
        if burial:
            packed = codec.encode(burial.meta)
            for target in burial.targets or ():
                self._put(target, _Stored(burial.exchange, burial.key, packed, stored.body))


def _declared(topology: declared.Topology) -> Topology:
    queues = [
        Queue.declared(number, queue.name, dict(queue.arguments))
        for number, queue in enumerate(topology.queues, 1)
    ]
    numbers = {queue.name: queue.id for queue in queues}
    bindings: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
    for binding in topology.bindings:
        bindings[binding.exchange].append((binding.key, numbers[binding.queue]))
    return Topology(
        version=1,
        exchanges={
            exchange.name: Exchange(
                name=exchange.name,
                type=exchange.type,
                durable=True,
                auto_delete=False,
                arguments=dict(exchange.arguments),
                bindings=tuple(bindings[exchange.name]),
            )
            for exchange in topology.exchanges
        },
        queues={queue.name: queue for queue in queues},
        by_id={queue.id: queue for queue in queues},
        consumers={},
    )
