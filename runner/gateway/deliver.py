"""Messages of requests on their way to the broker, and what became of each when nobody need wait longer."""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import Literal, Protocol

import msgspec

from ebats.runner.broker.confirming import Sending
from ebats.runner.broker.refusals import refusal
from ebats.runner.execution.settle import Outgoing

#: How often it is looked whether the broker still serves those that wait.
_LOOK_S = 0.1
#: A connection that was cut may be back before anybody notices: so long those on their way wait for it.
_AWAY_S = 0.8
#: A broker that confirms nothing at all for so long is away, though the connection stands.
_SILENT_S = 10.0

Fate = Literal["confirmed", "unroutable", "refused", "full", "unknown"]


class Lost(msgspec.Struct):
    """Why a message isn't, or may not be, on the broker."""

    fate: Fate
    text: str


class Publishes(Protocol):
    """Publishes messages on a thread of its own."""

    def put_all(self, sendings: Sequence[Sending]) -> None: ...


class Knows(Protocol):
    """Knows how the broker is; see `broker.publish.Publisher`."""

    losses: int

    @property
    def is_served(self) -> bool: ...


class Unserved(Exception):
    """Raised when the broker takes no messages: nothing was sent."""


class _Delivery:
    """The messages of one request. What the broker says comes on the publisher's thread."""

    def __init__(self, owner: "Deliveries", items: Sequence[Sequence[Outgoing]]) -> None:
        self._owner = owner
        #: By the number of the item.
        self.lost: dict[int, Lost] = {}
        self.future: asyncio.Future[None] = owner.loop.create_future()
        #: Of each message whose fate isn't known the number of its item.
        self._left = dict(enumerate(number for number, messages in enumerate(items) for _ in messages))
        every = [outgoing for messages in items for outgoing in messages]
        for outgoing in every:
            # Where its queue is full its sender hears of it, instead of a publisher that tries for ever.
            outgoing.optional = True
        self.sendings = [
            Sending(
                outgoing,
                partial(self._end, index),
                partial(self._unroutable, index),
                partial(self._refused, index),
            )
            for index, outgoing in enumerate(every)
        ]

    def give_up(self) -> None:
        """Wait no longer: what isn't confirmed may be there, or come there, or not."""
        for sending in self.sendings:
            sending.withdrawn = True
        for number in list(self._left.values()):
            self.lost.setdefault(number, Lost("unknown", "the broker hasn't confirmed it"))

    def _end(self, index: int) -> None:
        self._left.pop(index, None)
        self._owner.ends += 1
        if not self._left:
            self._owner.over(self)

    def _unroutable(self, index: int) -> None:
        number, outgoing = self._left[index], self.sendings[index].outgoing
        if outgoing.refused:
            self.lost.setdefault(number, Lost("full", "its queue is full"))
        else:
            where = f"for the exchange {outgoing.exchange!r} and the route {outgoing.key!r:.80}"
            where = where if outgoing.exchange else "for it: its queue isn't there"
            self.lost.setdefault(number, Lost("unroutable", f"no queue takes it: none is bound {where}"))
        self._end(index)

    def _refused(self, index: int, error: BaseException) -> None:
        number = self._left[index]
        if text := refusal(error):
            self.lost.setdefault(number, Lost("refused", f"the broker refuses it: {text}"))
        else:
            self.lost.setdefault(number, Lost("unknown", "the connection was closed meanwhile"))
        self._end(index)


class Deliveries:
    """All requests' messages that are on their way."""

    def __init__(self, sender: Publishes, publisher: Knows, loop: asyncio.AbstractEventLoop) -> None:
        """Publish by `sender`, in the end by `publisher`; requests wait on `loop`."""
        self.loop = loop
        self._sender = sender
        self._publisher = publisher
        #: How many messages' fates became known: the broker says something.
        self.ends = 0
        self._seen = 0
        #: With how often the connection had been lost before.
        self._open: dict[_Delivery, int] = {}
        self._over: deque[_Delivery] = deque()
        self._is_woken = False
        self._watch: asyncio.TimerHandle | None = None
        #: When it was seen to say something last, monotonic.
        self._heard_at = 0.0
        #: Since when it has taken no messages, monotonic; None: it does.
        self._away_since: float | None = None
        #: It confirmed nothing for too long, and nothing since, on the connection after so many losses.
        self._silent: int | None = None

    @property
    def is_served(self) -> bool:
        """Whether the broker takes messages, as far as is known."""
        return self._publisher.is_served and not self._is_silent

    @property
    def _is_silent(self) -> bool:
        return self._silent == self._publisher.losses

    def __len__(self) -> int:
        """Return how many requests wait."""
        return len(self._open)

    async def deliver(self, items: Sequence[Sequence[Outgoing]]) -> dict[int, Lost]:
        """Publish the messages of items, and return what is not there, by the item's number.

        Returns when the fate of all is known, or the broker has gone.

        Raises:
            Unserved: the broker takes no messages for now; none was sent.
        """
        # While it is silent one request at a time asks whether it still is.
        if not self._publisher.is_served or (self._is_silent and self._open):
            raise Unserved
        delivery = _Delivery(self, items)
        if not delivery.sendings:
            return {}
        if not self._open:
            self._heard_at, self._away_since = time.monotonic(), None
        self._open[delivery] = self._publisher.losses
        if self._watch is None:
            self._watch = self.loop.call_later(_LOOK_S, self._look)
        self._sender.put_all(delivery.sendings)
        try:
            await delivery.future
        finally:
            del self._open[delivery]
        return delivery.lost

    def close(self) -> None:
        """Look no longer."""
        if self._watch:
            self._watch.cancel()

    # On the publisher's thread.

    def over(self, delivery: _Delivery) -> None:
        """Note that the fate of a request's messages is known."""
        self._over.append(delivery)
        # One wake-up for all that are over by then.
        if not self._is_woken:
            self._is_woken = True
            try:
                self.loop.call_soon_threadsafe(self._take)
            except RuntimeError:  # the loop is closed: nobody waits
                return

    # On the loop.

    def _take(self) -> None:
        # First this, then look: what comes in between wakes again.
        self._is_woken, self._silent = False, None
        while self._over:
            delivery = self._over.popleft()
            if not delivery.future.done():
                delivery.future.set_result(None)

    def _look(self) -> None:
        self._watch = self.loop.call_later(_LOOK_S, self._look) if self._open else None
        if not self._open:
            return
        now = time.monotonic()
        if self.ends != self._seen:
            self._seen, self._heard_at, self._silent = self.ends, now, None
        if self._publisher.is_served:
            self._away_since = None
        elif self._away_since is None:
            self._away_since = now
        is_away = self._away_since is not None and now - self._away_since > _AWAY_S
        if now - self._heard_at > (_AWAY_S if self._is_silent else _SILENT_S):
            self._silent, is_away = self._publisher.losses, True
        for delivery, losses in list(self._open.items()):
            # Lost twice with the same messages: the embedded broker's disk is full, for instance.
            if is_away or self._publisher.losses >= losses + 2:
                self._give_up(delivery)

    def _give_up(self, delivery: _Delivery) -> None:
        if not delivery.future.done():
            delivery.give_up()
            delivery.future.set_result(None)
