"""Who has which message: claim, acknowledge, give back."""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ebats.runner.broker.sqlite import expiry
from ebats.runner.broker.sqlite.publishing import now_ms
from ebats.runner.broker.sqlite.routing import Queue, Topology

# CROSS JOIN keeps SQLite from starting at the big table.
READY = """
SELECT e.id, e.deliveries, m.exchange, m.key, m.meta, m.body FROM entry e CROSS JOIN message m ON m.id = e.id
WHERE e.queue = ? AND e.owner = 0 AND (e.expires IS NULL OR e.expires > ?) ORDER BY e.id LIMIT ?
"""
TAKE = """
UPDATE entry SET owner = ? WHERE queue = ? AND owner = 0 AND id <= ? AND (expires IS NULL OR expires > ?)
"""
HAS_READY = "SELECT 1 FROM entry WHERE queue = ? AND owner = 0 LIMIT 1"
DELETE_ENTRY = "DELETE FROM entry WHERE queue = ? AND owner = ? AND id = ?"
DELETE_MESSAGE = "DELETE FROM message WHERE id = ?"
GIVE_BACK = "UPDATE entry SET owner = 0, deliveries = ? WHERE queue = ? AND owner = ? AND id = ?"
LEASED = "SELECT id, deliveries FROM entry WHERE queue = ? AND owner = ?"


@dataclass(frozen=True, slots=True)
class Lease:
    """A message that an owner has. `deliveries` counts how often it came back before."""

    queue: int
    id: int
    deliveries: int


@dataclass(slots=True)
class Settlements:
    """What is to be done with leases, collected and done in one transaction."""

    acked: list[Lease] = field(default_factory=list)
    rejected: list[Lease] = field(default_factory=list)
    #: Given back after delivery: counts towards the delivery limit.
    returned: list[Lease] = field(default_factory=list)
    #: Given back before anybody saw it: doesn't count.
    unseen: list[Lease] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.acked or self.rejected or self.returned or self.unseen)

    def absorb(self, other: "Settlements") -> None:
        """Add what another one holds."""
        self.acked += other.acked
        self.rejected += other.rejected
        self.returned += other.returned
        self.unseen += other.unseen


def claim(db: sqlite3.Connection, queue: int, owner: int, limit: int) -> list[tuple[Any, ...]]:
    """Lease up to `limit` ready messages of a queue, oldest first.

    Gives rows of id, deliveries, exchange, key, meta, body.
    """
    now = now_ms()
    rows = db.execute(READY, (queue, now, limit)).fetchall()
    if rows:
        db.execute(TAKE, (owner, queue, rows[-1][0], now))
    return rows


def delete(db: sqlite3.Connection, owner: int, leases: Sequence[Lease]) -> None:
    """Remove leased messages for good. What is no longer leased is left alone."""
    db.execute("SAVEPOINT deleting")
    cursor = db.executemany(DELETE_ENTRY, [(lease.queue, owner, lease.id) for lease in leases])
    if cursor.rowcount == len(leases):
        db.executemany(DELETE_MESSAGE, [(lease.id,) for lease in leases])
    else:  # a queue was deleted; its messages' ids may be others' now, so look at each
        db.execute("ROLLBACK TO deleting")
        for lease in leases:
            if db.execute(DELETE_ENTRY, (lease.queue, owner, lease.id)).rowcount:
                db.execute(DELETE_MESSAGE, (lease.id,))
    db.execute("RELEASE deleting")


def settle(db: sqlite3.Connection, topology: Topology, owner: int, what: Settlements) -> set[int]:
    """Do what is asked for; give the ids of the queues that have something ready now."""
    if what.acked:
        delete(db, owner, what.acked)
    touched = give_back(db, what.unseen, owner, count=0)
    over = [lease for lease in what.returned if _is_over(topology.by_id.get(lease.queue), lease)]
    gone = set(over)
    touched |= give_back(db, [lease for lease in what.returned if lease not in gone], owner, count=1)
    touched |= expiry.dead_letter(db, topology, owner, over, "delivery_limit")
    touched |= expiry.dead_letter(db, topology, owner, what.rejected, "rejected")
    return touched


def _is_over(queue: Queue | None, lease: Lease) -> bool:
    limit = queue.delivery_limit if queue else None
    return limit is not None and lease.deliveries + 1 > limit


def give_back(db: sqlite3.Connection, leases: Iterable[Lease], owner: int, *, count: int) -> set[int]:
    """Make leased messages ready again, in their old place."""
    rows = [(lease.deliveries + count, lease.queue, owner, lease.id) for lease in leases]
    db.executemany(GIVE_BACK, rows)
    return {row[1] for row in rows}


def held_by(db: sqlite3.Connection, topology: Topology, owner: int) -> list[Lease]:
    """Everything that an owner has."""
    return [
        Lease(queue, *row)
        for queue in topology.by_id
        for row in db.execute(LEASED, (queue, owner)).fetchall()
    ]
