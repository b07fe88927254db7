"""A connection: one database handle, its channels, and the loop that moves messages."""

import atexit
import os
import select
import sqlite3
import time
import weakref
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from ebats.runner.broker.sqlite import leases, owners, wake
from ebats.runner.broker.sqlite.channel import Channel
from ebats.runner.broker.sqlite.consumers import Consumer, Consumers
from ebats.runner.broker.sqlite.leases import Lease
from ebats.runner.broker.sqlite.publishing import Publish, Published, insert
from ebats.runner.broker.sqlite.pump import Pump
from ebats.runner.broker.sqlite.sending import SendingChannel
from ebats.runner.broker.sqlite.store import Store

T = TypeVar("T")

#: Acknowledgements wait this long for company while somebody drains, and not at all otherwise.
DRAINED_RECENTLY_S = 0.02

_open: "weakref.WeakSet[Connection]" = weakref.WeakSet()


class Connection:
    """What kombu calls `connection.connection`; it reads like py-amqp's.

    One thread drains; other threads may publish and acknowledge.
    """

    heartbeat = 0

    def __init__(self, store: Store, client: Any) -> None:
        self.store = store
        self.client = client
        self.lock = store.lock
        self.channels: dict[int, Channel] = {}
        self.consumers = Consumers()
        self.settlements = leases.Settlements()
        #: What drain_events has yet to call: confirms, returns, cancellations, errors.
        self.calls: deque[Callable[[], None]] = deque()
        self.inbox: deque[tuple[Consumer, tuple[Any, ...]]] = deque()
        #: The id under which this connection leases messages; 0 until it does.
        self.owner = 0
        self.bell: wake.Bell | None = None
        self.ringer = wake.Ringer(store.files)
        self._pump = Pump(self)
        self._last_channel = 0
        self._drained = 0.0
        self._is_sleeping = False
        self._is_calling = False
        _open.add(self)

    # -- as py-amqp

    @property
    def connected(self) -> bool:
        """Whether this process can still use the connection."""
        return self.store.is_open

    def channel(self, channel_id: int | None = None) -> Channel:
        """Open a channel."""
        self.store.check_process()
        self._last_channel += 1
        number = channel_id or self._last_channel
        found = self.channels[number] = Channel(self, number)
        return found

    def heartbeat_tick(self, rate: int = 2) -> None:
        """Nothing: who lives is known by a lock that the kernel keeps."""

    def send_heartbeat(self) -> None:
        """Nothing, too."""

    @property
    def sock(self) -> wake.Bell:
        """For select: readable when somebody published for a queue that this connection consumes."""
        self.own()
        assert self.bell is not None
        return self.bell

    def fileno(self) -> int:
        """The descriptor of `sock`."""
        return self.sock.fileno()

    def next_event_s(self) -> float:
        """Seconds until drain_events has something to do even if `sock` stays silent; 0.0 if it has now."""
        return self._pump.wait_s()

    def drain_events(self, timeout: float | None = None) -> None:
        """Do what is due and call back: a whole batch of deliveries, confirms, returns.

        Waits up to `timeout` seconds (None: for ever) for something; raises socket.timeout if nothing came.
        """
        self.store.check_process()
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            failure = self._work()
            called_back = self._call_back()
            if failure:
                raise failure
            if called_back:
                return
            now = time.monotonic()
            if end is not None and now >= end:
                self._drained = now
                raise TimeoutError("timed out")
            self._sleep(end)

    def _work(self) -> Exception | None:
        """Do what is due; return what went wrong after something was stored, which is confirmed first."""
        try:
            self._pump.work()
        except Exception as error:
            if not self.calls:
                raise
            return error
        return None

    def _call_back(self) -> bool:
        if not self.calls and not self.inbox:
            return False
        self._is_calling = True
        try:
            while self.calls:
                self.calls.popleft()()
            # What is there, and no more: a nested drain_events may take of it, and add to it.
            for _ in range(len(self.inbox)):
                if self.inbox:
                    consumer, row = self.inbox.popleft()
                    consumer.channel.deliver(consumer, row)
        finally:
            self._is_calling = False
            self._drained = time.monotonic()
        if self.store.is_open:
            self.settle_now()  # what the callbacks settled: nobody may drain again for long
        return True

    def _sleep(self, end: float | None) -> None:
        waiter = select.poll()  # not select: it takes no descriptor over 1023
        waiter.register(self.sock, select.POLLIN)
        # First say so, then see how long: a thread that acknowledges in between rings the bell.
        self._is_sleeping = True
        try:
            wait = self._pump.wait_s()
            waiter.poll(1000 * (wait if end is None else max(0.0, min(wait, end - time.monotonic()))))
        finally:
            self._is_sleeping = False

    # -- for the channels

    def own(self) -> int:
        """Become an owner, if this connection isn't one yet; give its id."""
        with self.lock:
            if not self.owner:
                owner = owners.register(self.store)
                self.bell = wake.Bell(self.store.files.pipe(owner))
                self.owner = owner
        return self.owner

    def change(self, work: Callable[..., T], *, durable: bool) -> T:
        """Run `work(db, topology)` in one transaction, after moving what has expired meanwhile."""

        def transaction(db: sqlite3.Connection) -> tuple[set[int], T]:
            moved = self._pump.expire(db)
            return moved, work(db, self.store.topology())

        moved, result = self.store.write(transaction, durable=durable)
        self._pump.announce(moved, None)
        with self.lock:
            self._pump.check_topology()  # the database tells only of what others changed
        return result

    def reap_if_held(self, queue: str) -> None:
        """Before asking for a queue that another connection has for itself: see whether that one lives."""
        self._pump.tend()
        rows = self.store.read("SELECT exclusive FROM queue WHERE name = ?", (queue,))
        if rows and rows[0][0] not in (0, self.owner):
            self._pump.reap()

    def store_batch(self, channel: SendingChannel, batch: list[Publish]) -> Published:
        """Store a batch durably, wake its consumers, and leave the returns for the next drain_events."""
        self.store.check_process()
        self.store.check_room()
        published = self.store.write(lambda db: insert(db, self.store.topology(), batch), durable=True)
        for publish in published.returned:
            self.calls.append(lambda publish=publish: channel.give_back(publish))  # type: ignore[misc]
        try:
            self._pump.announce(published.touched, published.due)
            self._pump.tend()
        except Exception as error:  # the batch is stored: first it has to be confirmed
            published.afterwards = error
        return published

    def flush(self, channel: SendingChannel) -> None:
        """Store what a channel holds back."""
        with self.lock:
            channel.flush_buffer()

    def start(self, consumer: Consumer) -> None:
        """Serve a consumer from now on."""
        with self.lock:
            self.consumers.add(consumer)
            self.store.locks.consuming.add(self.owner)
        self.nudge()

    def stop(self, consumer: Consumer) -> None:
        """Take no more for a consumer, and give back what it hasn't seen yet."""
        with self.lock:
            self.consumers.remove(consumer)
            kept = [item for item in self.inbox if item[0] is not consumer]
            unseen = [Lease(consumer.queue, row[0], row[1]) for taker, row in self.inbox if taker is consumer]
            self.inbox = deque(kept)
            if not consumer.no_ack:
                self.settlements.unseen += unseen
            if not self.consumers:
                self.store.locks.consuming.discard(self.owner)

    def settled(self) -> None:
        """Something was acknowledged or given back: soon written, at once if nobody drains."""
        idle = not self._is_sleeping and not self._is_calling
        if idle and time.monotonic() - self._drained > DRAINED_RECENTLY_S:
            self._pump.turn()
        else:
            self._pump.note_settled()
            self.nudge()

    def settle_now(self) -> None:
        """Write what was acknowledged or given back, if anything was."""
        if self.settlements:
            self._pump.turn()

    def nudge(self) -> None:
        """Wake the draining thread, if it sleeps."""
        if self._is_sleeping and self.bell is not None:
            self.bell.ring()

    # -- the end

    def close(self) -> None:
        """Store what waits for confirms, give back what is unacknowledged, delete exclusive queues."""
        if not self.store.is_open:
            return
        try:
            with self.lock:
                for channel in self.channels.values():
                    if channel.buffer:
                        channel.flush_buffer()
        finally:
            self.collect()

    def collect(self) -> None:
        """Let go of everything without publishing; in a forked child without touching the database."""
        try:
            if self.store.is_open and self.owner:
                self._give_all_back()
        finally:
            for channel in list(self.channels.values()):
                channel.detach()
            self.channels.clear()
            if os.getpid() == self.store.pid:
                self.ringer.close()
                if self.bell is not None:
                    self.bell.close()
            self.bell = None
            self.store.close()

    def _give_all_back(self) -> None:
        with self.lock:
            what, self.settlements = self.settlements, leases.Settlements()
            what.unseen += [
                Lease(taker.queue, row[0], row[1]) for taker, row in self.inbox if not taker.no_ack
            ]
            self.inbox.clear()
            for channel in self.channels.values():
                what.returned += channel.leased()

            def work(db: sqlite3.Connection) -> set[int]:
                touched = leases.settle(db, self.store.topology(), self.owner, what)
                return touched | owners.bury(db, self.store, self.owner)

            self._pump.announce(self.store.write(work), None)


def _close_all() -> None:
    for connection in list(_open):
        if connection.store.is_open:
            with suppress(Exception):  # what isn't given back now is reaped by the next one
                connection.close()


atexit.register(_close_all)
