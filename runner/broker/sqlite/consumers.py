"""What a connection consumes, and how many messages each consumer may have at once."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ebats.runner.broker.sqlite.channel import Channel

#: Claimed at once for a consumer without a prefetch limit.
UNLIMITED_BATCH = 256


@dataclass(slots=True, eq=False)
class Consumer:
    """One basic.consume."""

    channel: "Channel"
    tag: str
    queue: int
    #: Only these count deliveries in a header.
    quorum: bool
    no_ack: bool
    #: 0 is no limit.
    prefetch: int
    unacked: int = 0

    @property
    def room(self) -> int:
        """How many more messages it takes now."""
        if self.no_ack or self.prefetch == 0:
            return UNLIMITED_BATCH
        return self.prefetch - self.unacked

    @property
    def is_starving(self) -> bool:
        """Whether it has too little to wait for a larger batch."""
        return self.room * 2 >= self.prefetch


@dataclass(slots=True)
class Consumers:
    """The consumers of one connection, by queue; `hungry` are the queues that may have something."""

    by_queue: dict[int, list[Consumer]] = field(default_factory=lambda: defaultdict(list))
    hungry: set[int] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self.by_queue)

    def __iter__(self) -> Iterator[Consumer]:
        return (consumer for group in self.by_queue.values() for consumer in group)

    def add(self, consumer: Consumer) -> None:
        """Start to serve a consumer; its queue is looked at next."""
        self.by_queue[consumer.queue].append(consumer)
        self.hungry.add(consumer.queue)

    def remove(self, consumer: Consumer) -> None:
        """Stop to serve a consumer."""
        group = self.by_queue.get(consumer.queue, [])
        if consumer in group:
            group.remove(consumer)
        if not group:
            self.by_queue.pop(consumer.queue, None)
            self.hungry.discard(consumer.queue)

    def wake(self, queues: set[int] | None) -> None:
        """Note that these queues got something; None means all."""
        self.hungry |= self.by_queue.keys() if queues is None else self.by_queue.keys() & queues

    def demand(self) -> list[tuple[int, list[Consumer], int]]:
        """What to ask for: queue, those of its consumers with room, how many messages."""
        asked = []
        for queue in self.hungry:
            takers = [consumer for consumer in self.by_queue[queue] if consumer.room > 0]
            if takers:
                asked.append((queue, takers, sum(taker.room for taker in takers)))
        return asked

    def is_starving(self) -> bool:
        """Whether a hungry queue has a consumer that shouldn't wait."""
        return any(
            consumer.room > 0 and consumer.is_starving
            for queue in self.hungry
            for consumer in self.by_queue[queue]
        )

    def has_room(self) -> bool:
        """Whether anything could be claimed at all."""
        return any(consumer.room > 0 for queue in self.hungry for consumer in self.by_queue[queue])

    def deal(self, queue: int, takers: list[Consumer], count: int) -> list[Consumer]:
        """Say who gets each of `count` messages: one by one in turn, among those with room."""
        if len(takers) == 1:
            return takers * count
        rooms = [taker.room for taker in takers]
        turn: list[Consumer] = []
        while len(turn) < count:
            for at, taker in enumerate(takers):
                if rooms[at] > 0 and len(turn) < count:
                    rooms[at] -= 1
                    turn.append(taker)
        group = self.by_queue[queue]
        group.append(group.pop(0))  # another one starts next time
        return turn
