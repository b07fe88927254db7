"""Moving messages: out of a queue, what follows from each published and confirmed, then acknowledged."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from amqp.exceptions import IrrecoverableChannelError, NotFound
from kombu.connection import Connection

from ebats.pipelines.counting import counted
from ebats.pipelines.problems import EbatsError
from ebats.runner.broker import received
from ebats.runner.broker.bulk import CONFIRM_TIMEOUT_S
from ebats.runner.broker.channel import working_channel
from ebats.runner.broker.confirming import Confirming, Sending
from ebats.runner.broker.connect import BROKER_ERRORS
from ebats.runner.broker.reader import Reader
from ebats.runner.execution.delivery import Delivery
from ebats.runner.execution.settle import Outgoing

#: Messages in hand at once; others who take from the queue don't see them.
PREFETCH = 500
#: A queue that sends nothing for so long is asked whether it has anything.
_SILENCE_S = 0.05
#: A queue that has messages, and sends none for so long, has others who take them.
_PATIENCE_S = 2.0
_PAUSE_S = 0.5

#: What follows from a message: what is published for it (nothing: it is dropped); None: it stays.
Follow = Callable[[Delivery], Sequence[Outgoing] | None]


@dataclass(slots=True)
class Moved:
    """What became of a queue's messages."""

    #: Gone from the queue: what followed from them is confirmed.
    taken: int = 0
    #: Messages that were published for these, and confirmed.
    published: int = 0
    #: Still in the queue, because that was asked for.
    left: int = 0


class MoveFailed(EbatsError):
    """Raised when messages couldn't be moved; they are still in their queue."""

    def __init__(self, text: str, moved: Moved) -> None:
        super().__init__(text)
        #: What was moved all the same.
        self.moved = moved


def move(
    connection: Connection,
    queue: str,
    follow: Follow,
    *,
    most: int | None = None,
    at_once: int = PREFETCH,
    stop: Callable[[], bool] = lambda: False,
    on_progress: Callable[[Moved], None] = lambda _moved: None,
) -> Moved:
    """Take messages out of a queue (the broker's name), publish what follows from each, acknowledge it.

    Goes on until the queue is empty, `most` messages were looked at, or `stop` is true. Never has more than
    `most` in hand, nor more than `PREFETCH`. A queue that isn't there has no messages.

    A message is acknowledged when all that follows from it is confirmed. Whoever kills this process in
    between loses nothing; what was published and not acknowledged follows again. That is at most
    `at_once` messages: 1 costs a round trip for each.

    A message that stays is given back at the end, and below RabbitMQ 4.3 that counts towards the queue's
    delivery limit. Where the limit is small, hand it back: publish it to its own queue, with `most` as
    many as there are, for it will come again.

    Raises:
        MoveFailed: the broker refuses, or no queue takes what follows from some. The others are moved.
        BROKER_ERRORS: the connection is lost; `on_progress` has told how far it came.
    """
    moved = Moved()
    try:
        with working_channel(connection) as channel:
            channel.queue_declare(queue, passive=True)
    except NotFound:
        return moved
    try:
        with working_channel(connection) as channel:
            mover = _Mover(connection, channel, queue, follow, moved)
            looked_at = 0
            while not stop() and (most is None or looked_at < most):
                came = mover.receive(PREFETCH if most is None else min(PREFETCH, most - looked_at))
                if not came:
                    break
                mover.pass_on(came, at_once, stop, on_progress)
                looked_at += len(came)
    except IrrecoverableChannelError as error:
        raise MoveFailed(f"the broker refuses: {error.reply_text}", moved) from error
    if mover.problems:
        number = counted(len(mover.problems), "message")
        raise MoveFailed(f"{number} of {queue} stay there: {mover.problems[0]}", moved)
    return moved


class _Mover:
    """One channel for all: what it acknowledges, the broker has read before what it publishes next."""

    def __init__(
        self, connection: Connection, channel: Any, queue: str, follow: Follow, moved: Moved
    ) -> None:
        self._reader = Reader(connection)
        self._channel = channel
        self._confirming = Confirming(channel)
        self._queue = queue
        self._follow = follow
        self._moved = moved
        self._came: list[Delivery] = []
        #: Tags that are out, oldest first, and those of them that are done with.
        self._out: dict[int, None] = {}
        self._settled: set[int] = set()
        self._at_once = PREFETCH
        #: Why messages stay that shouldn't.
        self.problems: list[str] = []

    def receive(self, most: int) -> list[Delivery]:
        """Take up to so many messages; none: the queue is empty."""
        self._came = []
        self._channel.basic_qos(0, most, False)
        tag = self._channel.basic_consume(self._queue, callback=self._receive)
        deadline = time.monotonic() + _PATIENCE_S
        while len(self._came) < most:
            before = len(self._came)
            self._reader.read(_SILENCE_S)
            if len(self._came) > before:
                deadline = time.monotonic() + _PATIENCE_S
            elif self._is_empty() or time.monotonic() > deadline:
                break
        self._channel.basic_cancel(tag)
        return self._came

    def pass_on(
        self,
        deliveries: Sequence[Delivery],
        at_once: int,
        stop: Callable[[], bool],
        on_progress: Callable[[Moved], None],
    ) -> None:
        """Publish what follows from messages, at most `at_once` unconfirmed, and acknowledge them."""
        self._at_once = at_once
        for delivery in deliveries:
            if stop():
                break
            self._pass_on(delivery)
            if len(self._confirming.unconfirmed) >= at_once:
                self._wait(at_once // 2)
                self._acknowledge()
            on_progress(self._moved)
        self._wait(0)
        self._acknowledge()
        on_progress(self._moved)

    def _receive(self, message: Any) -> None:
        delivery = received.delivery(message, self._queue)
        self._came.append(delivery)
        self._out[delivery.tag] = None

    def _is_empty(self) -> bool:
        return not self._channel.queue_declare(self._queue, passive=True).message_count

    def _pass_on(self, delivery: Delivery) -> None:
        outgoings = self._follow(delivery)
        if outgoings is None:
            self._moved.left += 1
            return
        open_ = [len(outgoings)]

        def confirmed() -> None:
            self._moved.published += 1
            open_[0] -= 1
            if not open_[0]:
                self._done(delivery)

        if not outgoings:
            self._done(delivery)
        for outgoing in outgoings:
            self._publish(Sending(outgoing, confirmed, partial(self._unroutable, outgoing)))

    def _publish(self, sending: Sending) -> None:
        try:
            self._confirming.publish(sending)
        except BROKER_ERRORS:
            raise
        except Exception as error:  # the others go on
            self.problems.append(f"one can't be sent: {type(error).__name__}: {error}")

    def _unroutable(self, outgoing: Outgoing) -> None:
        where = f"the exchange {outgoing.exchange}" if outgoing.exchange else "the default exchange"
        self.problems.append(f"no queue takes the key {outgoing.key!r} from {where}")

    def _done(self, delivery: Delivery) -> None:
        self._settled.add(delivery.tag)
        self._moved.taken += 1
        if self._at_once == 1:
            # In the confirm's callback: the embedded broker writes it down before anything else is published.
            self._acknowledge()

    def _acknowledge(self) -> None:
        """Acknowledge what is done with: at once up to the first that isn't.

        Of many single ones RabbitMQ hands the quorum queue 32 at a time, and forgets what is left of them
        when the channel closes.
        """
        first: list[int] = []
        for tag in self._out:
            if tag not in self._settled:
                break
            first.append(tag)
        if first:
            self._channel.basic_ack(first[-1], multiple=True)
        for tag in self._settled.difference(first):
            self._channel.basic_ack(tag)
        for tag in self._settled:
            del self._out[tag]
        self._settled.clear()

    def _wait(self, most: int) -> None:
        """Wait until at most so many are unconfirmed."""
        deadline = time.monotonic() + CONFIRM_TIMEOUT_S
        while len(self._confirming.unconfirmed) > most or self._confirming.refused:
            if time.monotonic() > deadline:
                raise ConnectionError(f"the broker has confirmed nothing for {CONFIRM_TIMEOUT_S:.0f} s")
            self._send_again()
            before = len(self._confirming.unconfirmed)
            self._reader.read(1.0)
            if len(self._confirming.unconfirmed) < before:
                deadline = time.monotonic() + CONFIRM_TIMEOUT_S

    def _send_again(self) -> None:
        refused, self._confirming.refused = self._confirming.refused, []
        if refused:
            time.sleep(_PAUSE_S)
        for sending in refused:
            self._publish(sending)
