"""A message as the broker hands it over."""

from collections.abc import Callable
from typing import Any

import msgspec

Headers = dict[str, Any]

#: Cut short so often, a message is a suspect.
MANY = 2


class Delivery(msgspec.Struct):
    """A message as the broker hands it over; its tag changes when a lost connection brings it again."""

    tag: int
    #: Which connection the tag belongs to: tags begin anew on each.
    generation: int
    #: The broker's name of the queue.
    queue: str
    exchange: str
    key: str
    redelivered: bool
    body: bytes
    headers: Headers
    properties: dict[str, Any]
    #: Unix time in seconds.
    received: float
    #: How many runs it has, and how many of them aren't settled.
    runs: int = 1
    pending: int = 1
    #: All runs are settled; only the acknowledgement is missing.
    finished: bool = False
    #: Its run goes on without it: what is called when that is settled, instead of an acknowledgement.
    on_settled: Callable[[], None] | None = None

    def is_suspect(self) -> bool:
        """Return whether the message has been cut short so often that it might be the reason.

        Quorum queues count (https://www.rabbitmq.com/docs/quorum-queues#poison-message-handling), and
        twice is too often; a classic queue only says that the message was delivered before.
        """
        count = self.headers.get("x-delivery-count")
        return count >= MANY if isinstance(count, int) else self.redelivered

    def times_returned(self) -> int:
        """Return how often the broker has taken the message back, where it counts."""
        count = self.headers.get("x-delivery-count")
        return count if isinstance(count, int) else 0
