"""The consuming connection: deliveries in, acknowledgements out, on a thread of its own."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import closing
from itertools import count
from typing import Any

from ebats.pipelines.model import Broker
from ebats.runner.broker import received
from ebats.runner.broker.appetite import Appetite
from ebats.runner.broker.away import QUEUE_ERRORS, Away
from ebats.runner.broker.connect import BROKER_ERRORS, Say
from ebats.runner.broker.link import Link
from ebats.runner.broker.tags import Tags
from ebats.runner.execution.delivery import Delivery

_PAUSE_S = 0.5
#: An acknowledgement waits at most so long for others to go with it.
_HELD_S = 0.01
_TICK_S = 0.5
#: Brought again so often, a delivery gets a fresh count: the broker gives it up at 20.
_WORN = 8


class DeliveryFailed(Exception):
    """Raised when whoever takes the deliveries fails: an error of ours."""


class _ChannelClosed(Exception):
    """Raised when the broker has closed the channel because of one queue: the others need another."""


class Intake:
    """Takes deliveries from queues, and gives acknowledgements back.

    `on_delivery` is called for each, on this intake's thread. A delivery that a lost connection
    brings again, while its runs are at work or after they have ended here, is not given on a second
    time: it is the old one under a new tag.

    A queue that isn't there, or can't be taken from, is waited for; the others go on.
    """

    def __init__(
        self,
        broker: Broker,
        queues: dict[str, int],
        on_delivery: Callable[[Delivery], None],
        say: Say,
        growth: int = 1,
    ) -> None:
        """Take from `queues`: the broker's names, each with how many messages may be unacknowledged.

        While they are worked off in a moment, `growth` times as many may be.
        """
        self._link = Link(broker, say)
        self._queues = queues
        self._on_delivery = on_delivery
        self._tags = Tags()
        self._settled: deque[Delivery] = deque()
        self._generation = 0
        #: Each consumer has a tag of its own.
        self._numbers = count(1)
        self._channel: Any = None
        self._consumer_tags: list[str] = []
        #: Those that are there only while more is taken than usual.
        self._more_tags: list[str] = []
        self._appetite = Appetite(sum(queues.values()), growth)
        self._away = Away(say)
        self._taking = True
        self._closing = False
        #: How many newly settled ones are worth waking the thread for.
        self._wake_at = 1
        #: Given each delivery that is at work here and was brought again too often: it needs a fresh count.
        self.on_worn: Callable[[Delivery], None] = lambda _delivery: None
        #: To be acknowledged at once, and whom to tell.
        self._urgent: deque[tuple[Delivery, threading.Event]] = deque()
        self.cancelled = threading.Event()
        #: What ended the thread, though nobody asked it to end.
        self.failure: BaseException | None = None
        self._thread = threading.Thread(target=self._guarded, name="intake", daemon=True)

    def start(self) -> None:
        """Start the thread; the connection is opened at once."""
        self._thread.start()

    def settled(self, delivery: Delivery) -> None:
        """Say that a delivery is done with: it is acknowledged within 20 ms. Any thread may call it."""
        self._settled.append(delivery)
        if self._link.asleep and len(self._settled) >= self._wake_at:
            self._link.wake_once()

    def acknowledge_first(self, delivery: Delivery, timeout_s: float) -> bool:
        """Acknowledge a delivery before its runs; return whether the broker was told in time."""
        done = threading.Event()
        self._urgent.append((delivery, done))
        self._link.wake()
        return done.wait(timeout_s)

    def detach(self, delivery: Delivery, key: tuple[str, str, int]) -> Delivery:
        """Let a delivery wait for its copy: see `Tags.detach`. On this intake's thread."""
        return self._tags.detach(delivery, key)

    def unsettled(self) -> int:
        """Return how many deliveries have come and are not acknowledged."""
        return len(self._tags)

    def stop_taking(self) -> None:
        """Take nothing new; `cancelled` is set when nothing new can come any more."""
        self._taking = False
        self._link.wake()

    def close(self, timeout_s: float) -> bool:
        """Send the last acknowledgements, and close; return whether it was done in time."""
        self._closing = True
        self._link.wake()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _guarded(self) -> None:
        try:
            self._run()
        except BaseException as error:
            self.failure = error

    def _run(self) -> None:
        while not self._closing:
            try:
                self._channel = self._link.open(lambda: self._closing or self._idle_without_connection())
                if self._channel is None:
                    break
                self._generation += 1
                self._consume()
                self._serve()
            except _ChannelClosed:
                self._link.close()
                self._tags.lose_connection()
            except BROKER_ERRORS as error:
                self._link.lost(error)
                self._tags.lose_connection()
                self._link.sleep(_PAUSE_S)
        self.cancelled.set()
        self._link.close()

    def _idle_without_connection(self) -> bool:
        """Nothing new is wanted, and nobody is left to acknowledge to: no use in waiting for the broker."""
        if not self._taking:
            self.cancelled.set()
        return False

    def _consume(self) -> None:
        self._consumer_tags, self._more_tags = [], []
        self._appetite.reset()
        if not self._taking:
            self.cancelled.set()
            return
        self._consume_from_all(1)

    def _consume_from_all(self, times: int) -> list[str]:
        """Have one more consumer on each queue, for so many times its usual messages; return their tags."""
        queues = (item for item in self._queues.items() if item[0] not in self._away)
        return [self._consume_from(queue, times * prefetch) for queue, prefetch in queues]

    def _consume_from(self, queue: str, prefetch: int) -> str:
        tag = f"{queue}.{self._generation}.{next(self._numbers)}"

        def on_cancel(_tag: str) -> None:
            self._forget(tag)
            self._away.cancelled(queue)

        if deliveries := self._link.deliveries:
            deliveries.add(tag, queue, self._generation, self._receive)
        try:
            # Not global: each consumer that follows has its own.
            self._channel.basic_qos(0, prefetch, False)
            self._channel.basic_consume(
                queue, callback=self._receiver(queue), consumer_tag=tag, on_cancel=on_cancel
            )
        except QUEUE_ERRORS as error:
            self._away.refused(queue, error)
            raise _ChannelClosed from error
        self._consumer_tags.append(tag)
        return tag

    def _take_more(self) -> None:
        """Have a second consumer on each queue: how much one may have can't be changed while it is there."""
        self._more_tags = self._consume_from_all(self._appetite.growth - 1)

    def _take_no_more(self) -> None:
        """End the second consumers; what they have got is worked off."""
        for tag in self._more_tags:
            self._channel.basic_cancel(tag)
            self._forget(tag)

    def _forget(self, tag: str) -> None:
        """Forget a consumer that the broker has ended: what still came for it is py-amqp's to give back."""
        self._consumer_tags = [other for other in self._consumer_tags if other != tag]
        self._more_tags = [other for other in self._more_tags if other != tag]
        if deliveries := self._link.deliveries:
            deliveries.remove(tag)

    def _look_for(self, queues: Iterable[str]) -> None:
        for queue in queues:
            with closing(self._link.another_channel()) as channel:
                # Before the channel is closed: an auto-delete queue goes with its last consumer.
                if self._away.is_back(queue, channel):
                    self._consume_from(queue, self._queues[queue])

    def _receiver(self, queue: str) -> Callable[[Any], None]:
        def receive(message: Any) -> None:
            self._receive(received.delivery(message, queue, self._generation))

        return receive

    def _receive(self, delivery: Delivery) -> None:
        if known := self._known(delivery):
            if known.finished:
                self.settled(known)
            elif delivery.times_returned() >= _WORN:
                self.on_worn(known)
            return
        self._tags.came(delivery)
        try:
            self._on_delivery(delivery)
        except Exception as error:
            # Not to be taken for an error of the broker, after which all goes on.
            raise DeliveryFailed(f"a delivery could not be dealt with: {error!r}") from error

    def _known(self, delivery: Delivery) -> Delivery | None:
        if delivery.redelivered and (known := self._tags.recognise(delivery)):
            return known
        return self._tags.returning(delivery)

    def _serve(self) -> None:
        held_since: float | None = None
        while True:
            now = time.monotonic()
            if not self._taking and not self.cancelled.is_set():
                self._cancel()
            if self._taking and (queues := self._away.due()):
                self._look_for(queues)
            if self._settled:
                self._settle(now)
                held_since = held_since or now
            if self._taking and self._appetite.changes(now):
                self._take_more() if self._appetite.is_large else self._take_no_more()
            if self._urgent:
                self._acknowledge_urgent(now)
            if self._closing or (held_since and self._is_due(held_since, now)):
                self._acknowledge(now)
                held_since = now if self._tags.held() else None
            if self._closing:
                return
            self._wake_at = max(1, self._appetite.batch - self._tags.held()) if held_since else 1
            self._wait(_HELD_S if held_since else _TICK_S)

    def _settle(self, now: float) -> None:
        count = 0
        while self._settled:
            self._tags.settle(self._settled.popleft(), now)
            count += 1
        self._appetite.settled(count)

    def _is_due(self, held_since: float, now: float) -> bool:
        held = self._tags.held()
        return held >= self._appetite.batch or held == len(self._tags) or now - held_since >= _HELD_S

    def _acknowledge(self, now: float, *, everything: bool = False) -> None:
        with self._link.corked():
            for tag, multiple in self._tags.acknowledgements(now, everything=everything or self._closing):
                self._channel.basic_ack(tag, multiple)

    def _acknowledge_urgent(self, now: float) -> None:
        told = []
        while self._urgent:
            delivery, done = self._urgent.popleft()
            self._tags.settle(delivery, now)
            told.append(done)
        self._acknowledge(now, everything=True)
        self._link.write_down()
        for done in told:
            done.set()

    def _wait(self, timeout_s: float) -> None:
        # First say that we sleep, then look: who comes in between wakes us.
        self._link.asleep = True
        if len(self._settled) < self._wake_at and not self._urgent:
            self._link.wait(timeout_s)
        self._link.asleep = False
        self._link.drain()

    def _cancel(self) -> None:
        for tag in self._consumer_tags:
            self._channel.basic_cancel(tag)
        self._consumer_tags = []
        # What the broker had sent before the cancel has been read by now: basic_cancel waits for its answer.
        self.cancelled.set()
