"""Which deliveries are out, and which acknowledgements say that they are done with. Pure."""

from collections.abc import Iterator
from typing import Any

from ebats.runner.execution.envelope import Delivery

#: A settled delivery behind a gap is acknowledged singly after so long.
_HELD_S = 0.015
#: Deliveries of lost connections that are remembered for when they come again.
_MOST_REMEMBERED = 10_000


class Tags:
    """The delivery tags of one channel after another; they count up from 1 on each."""

    def __init__(self) -> None:
        #: Of the present connection, in the order of their tags.
        self._out: dict[int, Delivery] = {}
        #: Settled and not acknowledged: tag to when it was settled.
        self._held: dict[int, float] = {}
        #: Of lost connections, by what they can be recognised by.
        self._lost: dict[object, list[Delivery]] = {}

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
        last = 0
        for tag in self._out:
            if tag not in self._held:
                break
            last = tag
        if last:
            for tag in [tag for tag in self._out if tag <= last]:
                del self._out[tag], self._held[tag]
            yield last, True
        for tag in [tag for tag, since in self._held.items() if everything or now - since >= _HELD_S]:
            del self._out[tag], self._held[tag]
            yield tag, False

    def lose_connection(self) -> None:
        """Forget the tags: the broker will give all that is out to somebody again, perhaps to us."""
        for delivery in self._out.values():
            self._lost.setdefault(_identity(delivery), []).append(delivery)
        self._out.clear()
        self._held.clear()
        while len(self._lost) > _MOST_REMEMBERED:
            del self._lost[next(iter(self._lost))]

    def recognise(self, delivery: Delivery) -> Delivery | None:
        """Return the delivery of a lost connection that this one brings again, now under the new tag."""
        known = self._lost.get(key := _identity(delivery))
        if not known:
            return None
        old = known.pop(0)
        if not known:
            del self._lost[key]
        old.tag, old.generation = delivery.tag, delivery.generation
        self._out[old.tag] = old
        return old


def _identity(delivery: Delivery) -> tuple[Any, ...]:
    message_id = delivery.properties.get("message_id")
    return (delivery.queue, delivery.exchange, delivery.key, message_id or delivery.body)
