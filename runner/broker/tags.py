"""Which deliveries are out, and which acknowledgements say that they are done with. Pure."""

from collections.abc import Iterator
from typing import Any

from msgspec import structs

from ebats.runner.execution.delivery import Delivery

#: A settled delivery behind a gap is acknowledged singly after so long.
_HELD_S = 0.009
#: Deliveries of lost connections that are remembered for when they come again.
_MOST_REMEMBERED = 10_000
_MOST_DETACHED = 1_000
#: What the broker changes in a message when it delivers it again.
_COUNTERS = frozenset({"x-delivery-count", "x-acquired-count"})


class Tags:
    """The delivery tags of one channel after another; they count up from 1 on each."""

    def __init__(self) -> None:
        #: Of the present connection, in the order of their tags.
        self._out: dict[int, Delivery] = {}
        #: Settled and not acknowledged: tag to when it was settled.
        self._held: dict[int, float] = {}
        #: Of the last acknowledgements, which a connection that breaks may have taken with it.
        self._acknowledged: list[Delivery] = []
        #: Of lost connections, oldest first, by what they can be recognised by.
        self._lost: dict[object, list[Delivery]] = {}
        self._remembered = 0
        #: Waiting for their copies, by message id, task and attempt.
        self._detached: dict[tuple[str, str, int], Delivery] = {}

    def __len__(self) -> int:
        return len(self._out)

    def held(self) -> int:
        """Return how many settled deliveries wait for their acknowledgement."""
        return len(self._held)

    def came(self, delivery: Delivery) -> None:
        """Note a delivery that has come."""
        self._out[delivery.tag] = delivery

    def settle(self, delivery: Delivery, now: float) -> None:
        """Note that a delivery is done with. One of a lost connection waits until it comes again."""
        delivery.finished = True
        if self._out.get(delivery.tag) is delivery:
            self._held[delivery.tag] = now

    def acknowledgements(self, now: float, *, everything: bool = False) -> Iterator[tuple[int, bool]]:
        """Yield what to acknowledge, as (tag, multiple): up to the first gap at once, beyond it singly.

        Beyond the gap only what has waited for a while, for most gaps close by themselves.
        """
        self._acknowledged = []
        first: list[int] = []
        for tag in self._out:
            if tag not in self._held:
                break
            first.append(tag)
        if first:
            self._acknowledge(first)
            yield first[-1], True
        for tag in [tag for tag, since in self._held.items() if everything or now - since >= _HELD_S]:
            self._acknowledge([tag])
            yield tag, False

    def _acknowledge(self, tags: list[int]) -> None:
        for tag in tags:
            self._acknowledged.append(self._out.pop(tag))
            del self._held[tag]

    def lose_connection(self) -> None:
        """Forget the tags: the broker will give all that is out to somebody again, perhaps to us."""
        # Where the broker has got the acknowledgement, it is another message without an id that comes again.
        acknowledged = [delivery for delivery in self._acknowledged if delivery.properties.get("message_id")]
        for delivery in [*acknowledged, *self._out.values()]:
            self._lost.setdefault(_identity(delivery), []).append(delivery)
            self._remembered += 1
        self._acknowledged = []
        self._out.clear()
        self._held.clear()
        while self._remembered > _MOST_REMEMBERED:
            self._forget(next(iter(self._lost)))

    def recognise(self, delivery: Delivery) -> Delivery | None:
        """Return the delivery of a lost connection that this one brings again, now under the new tag."""
        if not self._lost or (key := _identity(delivery)) not in self._lost:
            return None
        old = self._forget(key)
        old.tag, old.generation = delivery.tag, delivery.generation
        self._out[old.tag] = old
        return old

    def detach(self, delivery: Delivery, key: tuple[str, str, int]) -> Delivery:
        """Let a delivery wait for its copy, known by message id, task and attempt.

        Returns what stands for it under its tag, until that is acknowledged.
        """
        ghost = structs.replace(delivery)
        self._out[delivery.tag] = ghost
        if len(self._detached) >= _MOST_DETACHED:
            del self._detached[next(iter(self._detached))]
        self._detached[key] = delivery
        return ghost

    def returning(self, delivery: Delivery) -> Delivery | None:
        """Return the delivery whose copy this one is, now under the new tag."""
        # A copy is published straight to its queue; a later attempt of the same message never is.
        if not self._detached or delivery.exchange:
            return None
        headers = delivery.headers
        key: Any = (
            delivery.properties.get("message_id"),
            headers.get("ebats-task"),
            headers.get("ebats-attempt"),
        )
        old = self._detached.pop(key, None)
        if old is None:
            return None
        # As the copy it is recognised, should this connection be lost as well.
        old.exchange, old.key = delivery.exchange, delivery.key
        old.headers, old.properties = delivery.headers, delivery.properties
        old.tag, old.generation = delivery.tag, delivery.generation
        self._out[old.tag] = old
        return old

    def _forget(self, key: object) -> Delivery:
        known = self._lost[key]
        old = known.pop(0)
        self._remembered -= 1
        if not known:
            del self._lost[key]
        return old


def _identity(delivery: Delivery) -> tuple[Any, ...]:
    """Return what only one message on its way has: a later attempt has the same id and other headers."""
    headers = sorted(
        (str(key), repr(value)) for key, value in delivery.headers.items() if key not in _COUNTERS
    )
    message_id = delivery.properties.get("message_id")
    return (delivery.queue, delivery.exchange, delivery.key, message_id, delivery.body, *headers)
