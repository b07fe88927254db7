"""Looking at a queue's messages: taken unacknowledged, and all given back."""

import time
from collections.abc import Callable
from typing import Any

from amqp.exceptions import NotFound
from kombu.connection import Connection

from ebats.runner.broker import received
from ebats.runner.broker.channel import working_channel
from ebats.runner.broker.reader import Reader
from ebats.runner.execution.delivery import Delivery

#: Of one consumer: RabbitMQ gives no more to one of a quorum queue; when it is full, another goes on.
_WINDOW = 2000
_SILENCE_S = 0.05
#: A queue that has messages, and sends none for so long, has others who take them.
_PATIENCE_S = 2.0


def peek(
    connection: Connection,
    queue: str,
    look: Callable[[Delivery], bool],
    *,
    on_progress: Callable[[int], None] = lambda _seen: None,
) -> int | None:
    """Show `look` the ready messages of a queue (the broker's name), oldest first; return how many there are.

    None: there is no such queue. It ends when `look` returns False, or has seen all that were there at
    the start. Meanwhile nobody else sees the messages; at the end, and when this process dies, they are
    ready again, on RabbitMQ not always in their old order. It counts towards the queue's delivery limit.

    Raises:
        BROKER_ERRORS: the connection is lost.
    """
    try:
        with working_channel(connection) as channel:
            ready: int = channel.queue_declare(queue, passive=True).message_count
    except NotFound:
        return None
    if ready:
        with working_channel(connection) as channel:
            _Window(connection, channel, queue, look, ready).run(on_progress)
    return ready


class _Window:
    """The messages that one channel has in hand."""

    def __init__(
        self, connection: Connection, channel: Any, queue: str, look: Callable[[Delivery], bool], most: int
    ) -> None:
        self._reader = Reader(connection)
        self._channel = channel
        self._queue = queue
        self._look = look
        self._most = most
        self._seen = 0
        self._tags: list[str] = []
        self._ended = False

    def run(self, on_progress: Callable[[int], None]) -> None:
        """Look at messages until there are none, or nobody wants more."""
        room = 0
        deadline = time.monotonic() + _PATIENCE_S
        while not self._ended:
            if room <= self._seen:
                room += self._consume(room)
            before = self._seen
            self._reader.read(_SILENCE_S)
            on_progress(self._seen)
            if self._seen > before:
                deadline = time.monotonic() + _PATIENCE_S
            elif self._is_empty() or time.monotonic() > deadline:
                break
        for tag in self._tags:
            # What is on its way to a channel that closes, py-amqp complains about.
            self._channel.basic_cancel(tag)

    def _consume(self, had: int) -> int:
        count = min(_WINDOW, self._most - had)
        self._channel.basic_qos(0, count, False)
        self._tags.append(self._channel.basic_consume(self._queue, callback=self._receive))
        return count

    def _receive(self, message: Any) -> None:
        if self._ended:  # the rest of what was on its way
            return
        self._seen += 1
        wants_more = self._look(received.delivery(message, self._queue))
        self._ended = not wants_more or self._seen >= self._most

    def _is_empty(self) -> bool:
        return not self._channel.queue_declare(self._queue, passive=True).message_count
