"""A stream of items on its way to the broker: as much at once as hides the round trip, and no more."""

import threading
from typing import TYPE_CHECKING, Any

from ebats.runner.execution.unpublished import PublishError
from ebats.runner.publishing.flight import Flight, Waits
from ebats.runner.publishing.outlet import WINDOW, Outlet

if TYPE_CHECKING:
    import asyncio

#: What `put` raises: something is wrong with an item, and its producer has to know.
ITEM_ERRORS = (TypeError, ValueError, PublishError)

#: Of bodies on their way: of large ones there are fewer at once.
_BYTES = 32 * 2**20


class Feed:
    """Publishes what one producer yields, for as long as that takes: no time-out gives a message up.

    `put` and `end` return steps, as a flight does: each one waits to be woken by `event`.
    """

    def __init__(self, outlet: Outlet, event: str | None, woken: "threading.Event | asyncio.Event") -> None:
        """Publish by `outlet`: payloads of `event`, or where that is None whole items of `publish_many`."""
        self._outlet = outlet
        self._event = event
        self._woken = woken
        #: None: nothing is on its way.
        self._flight: Flight | None = None
        #: Items so far.
        self.taken = 0

    @property
    def open(self) -> int:
        """How many messages are on their way."""
        return 0 if self._flight is None else len(self._flight)

    def put(self, item: Any) -> Waits:
        """Send an item, and wait until there is room for the next.

        Raises:
            TypeError, ValueError: it can't be published.
            PublishError: the broker refuses it, or one before: all others are confirmed.
        """
        outgoing = self._outlet.prepare(item if self._event is None else (self._event, item))
        flight = self._flight = self._outlet.flight(self._woken) if self._flight is None else self._flight
        for each in outgoing:
            flight.send(each)
        self.taken += 1
        most = max(1, min(WINDOW, _BYTES // max(1, len(outgoing[0].body))))
        if len(flight) >= most or flight.has_failed:
            yield from flight.room(most // 2)
            if flight.has_failed:
                yield from self.end()

    def end(self) -> Waits:
        """Wait until the fate of all is known.

        Raises:
            PublishError: the broker refuses one.
        """
        flight, self._flight = self._flight, None
        if flight is not None:
            yield from flight.end()
