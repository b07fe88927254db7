"""When a connection does what: settling, expiring, claiming, each in as few transactions as will do."""

import sqlite3
import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from ebats.runner.broker.sqlite import declare, expiry, leases, owners
from ebats.runner.broker.sqlite.consumers import Consumer
from ebats.runner.broker.sqlite.leases import Lease, Settlements

if TYPE_CHECKING:
    from ebats.runner.broker.sqlite.connection import Connection

#: The safety net under the wake-ups: how often to see whether anybody changed the database.
POLL_S = 0.25
#: How often to look for dead owners, messages without a place, and expired queues.
REAP_S = 1.0
#: Acknowledgements are written when there are so many, or the first is so old.
ACKS = 64
ACK_S = 0.01
#: A consumer that still has half of its prefetch in hand waits so long for a larger batch.
CLAIM_S = 0.005
#: Batches of messages without a place that are tried at one look.
HELD_ROUNDS = 20
#: Who must know at once of a message that expires: its poll would be too late.
SOON_MS = 300


@dataclass(slots=True)
class _Turn:
    """What one transaction brought."""

    claimed: list[tuple[int, list[Consumer], int, list[tuple[Any, ...]]]] = field(default_factory=list)
    touched: set[int] = field(default_factory=set)
    due: int | None = None


class Pump:
    """The clock of one connection."""

    def __init__(self, connection: "Connection") -> None:
        self._connection = connection
        self._store = connection.store
        self._data_version = -1
        self._topology_version = 0
        self._next_poll = 0.0
        self._next_reap = 0.0
        self._claimed_at = 0.0
        self._acked_since = 0.0
        #: When the next message expires, ms since 1970.
        self._due: int | None = None

    def wait_s(self) -> float:
        """Seconds until there is something to do; 0.0 if there is now."""
        connection = self._connection
        if (
            connection.calls
            or connection.inbox
            or any(channel.buffer for channel in connection.channels.values())
        ):
            return 0.0
        now = time.monotonic()
        return max(0.0, min(self._next_poll, self._next_turn(now)) - now)

    def _next_turn(self, now: float) -> float:
        connection = self._connection
        what = connection.settlements
        if what.returned or what.rejected or what.unseen or len(what.acked) >= ACKS:
            return now
        at = self._acked_since + ACK_S if what.acked else now + REAP_S
        if self._due is not None:
            at = min(at, now + self._due / 1000 - time.time())
        consumers = connection.consumers
        if consumers.hungry and consumers.has_room():
            at = min(at, now if consumers.is_starving() else self._claimed_at + CLAIM_S)
        return at

    def work(self) -> None:
        """Do what is due now."""
        connection = self._connection
        with connection.lock:
            for channel in list(connection.channels.values()):
                if channel.buffer:
                    channel.flush_buffer()
            if connection.inbox:
                return
            self._listen()
            self.tend()
            now = time.monotonic()
            if self._next_turn(now) <= now:
                self.turn()

    def _listen(self) -> None:
        bell = self._connection.bell
        if bell is None:
            return
        queues = bell.read()
        self._connection.consumers.wake(queues)
        if queues is None or 0 in queues:
            self._next_poll = 0.0

    def tend(self) -> None:
        """Look around, if it is time: has anybody changed anything, has anybody died."""
        now = time.monotonic()
        if now < self._next_poll:
            return
        with self._connection.lock:
            self._next_poll = now + POLL_S
            if now >= self._next_reap:
                self.reap()
            version = self._store.read("PRAGMA data_version")[0][0]
            if version != self._data_version:
                self._data_version = version
                self._look()

    def _look(self) -> None:
        connection = self._connection
        self._due = self._store.look(expiry.next_due)
        self.check_topology()
        for queue in connection.consumers.by_queue.keys() - connection.consumers.hungry:
            if self._store.read(leases.HAS_READY, (queue,)):
                connection.consumers.hungry.add(queue)

    def reap(self) -> None:
        """Give back what dead connections had, place what couldn't be, delete queues unused for too long."""
        self._next_reap = time.monotonic() + REAP_S
        self.announce(owners.reap(self._store), None)
        self._retry_held()
        if any(queue.expires is not None for queue in self._store.topology().by_id.values()):
            self._store.write(lambda db: declare.remove_expired(db, self._store.topology()))

    def _retry_held(self) -> None:
        """Go on as long as it helps, but not for long: after a repaired topology there may be very many."""
        for _ in range(HELD_ROUNDS):
            if not self._store.look(expiry.has_held):
                return
            touched = self._store.write(lambda db: expiry.retry_held(db, self._store.topology()))
            self.announce(touched, None)
            if not touched:
                return
        self._next_reap = 0.0

    def turn(self) -> None:
        """Settle, expire and claim, in one transaction."""
        connection = self._connection
        with connection.lock:
            what, connection.settlements = connection.settlements, Settlements()
            asked = [] if connection.inbox else connection.consumers.demand()
            try:
                done = self._store.write(partial(self._transaction, what, asked))
            except BaseException:
                what.absorb(connection.settlements)
                connection.settlements = what
                raise
            self._take_in(done)
            self.announce(done.touched, None)
            self._due = done.due
            self.check_topology()

    def _transaction(self, what: Settlements, asked: list[Any], db: sqlite3.Connection) -> _Turn:
        done = _Turn()
        state = self._store.topology()
        owner = self._connection.owner
        if owner:
            owners.check_living(db, self._store, owner)
        if what:
            done.touched |= leases.settle(db, state, owner, what)
        if self._due is not None and self._due <= time.time() * 1000:
            touched, crowded = expiry.expire(db, state)
            done.touched |= touched
            asked = [demand for demand in asked if demand[0] not in crowded]
        for queue, takers, room in asked:
            limit = min(room, 2000)
            rows = leases.claim(db, queue, owner, limit)
            turn = self._connection.consumers.deal(queue, takers, len(rows))
            gone = [
                Lease(queue, row[0], row[1]) for row, taker in zip(rows, turn, strict=True) if taker.no_ack
            ]
            if gone:
                leases.delete(db, owner, gone)
            done.claimed.append((queue, turn, limit, rows))
        done.due = expiry.next_due(db)
        return done

    def expire(self, db: sqlite3.Connection) -> set[int]:
        """Move what is due, in a transaction of the caller's; give the queues that got something."""
        due = expiry.next_due(db)
        if due is None or due > time.time() * 1000:
            return set()
        return expiry.expire(db, self._store.topology())[0]

    def _take_in(self, done: _Turn) -> None:
        connection = self._connection
        self._claimed_at = time.monotonic()
        for queue, turn, limit, rows in done.claimed:
            if len(rows) < limit:
                connection.consumers.hungry.discard(queue)
            for taker, row in zip(turn, rows, strict=True):
                if not taker.no_ack:
                    taker.unacked += 1
                connection.inbox.append((taker, row))

    def note_settled(self) -> None:
        """Start the clock of the first acknowledgement that waits."""
        if len(self._connection.settlements.acked) <= 1:
            self._acked_since = time.monotonic()

    def announce(self, queues: set[int], due: int | None) -> None:
        """Tell whoever consumes these queues, and everybody if something expires soon."""
        connection = self._connection
        if due is not None and (self._due is None or due < self._due):
            self._due = due
        if not queues:
            return
        connection.consumers.wake(queues)
        state = self._store.topology()
        for queue in queues:
            connection.ringer.ring(state.consumers.get(queue, frozenset()) - {connection.owner}, queue)
        if due is not None and due < time.time() * 1000 + SOON_MS:
            everybody = frozenset().union(*state.consumers.values()) if state.consumers else frozenset()
            connection.ringer.ring(everybody - {connection.owner}, 0)

    def check_topology(self) -> None:
        """Cancel consumers whose queue is gone."""
        connection = self._connection
        state = self._store.topology()
        if state.version == self._topology_version:
            return
        self._topology_version = state.version
        connection.ringer.forget_others(set().union(*state.consumers.values()))
        for consumer in [consumer for consumer in connection.consumers if consumer.queue not in state.by_id]:
            connection.stop(consumer)
            connection.calls.append(partial(consumer.channel.on_cancelled, consumer))
