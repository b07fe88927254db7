"""Move messages whose time is over, or that were refused, to where their queue says."""

import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ebats.runner.broker.sqlite import codec
from ebats.runner.broker.sqlite.burial import bury
from ebats.runner.broker.sqlite.lengths import trim
from ebats.runner.broker.sqlite.publishing import ADD_ENTRY, LAST_ID, expiry, now_ms
from ebats.runner.broker.sqlite.routing import Topology

if TYPE_CHECKING:
    from ebats.runner.broker.sqlite.leases import Lease

#: Messages moved in one transaction.
BATCH = 500
#: Those that couldn't be placed are tried again after this (ms).
HELD_RETRY = 1000
#: The owners of messages that a dead letter exchange couldn't place, by reason.
HOLDERS = {"expired": -1, "rejected": -2, "delivery_limit": -3}
REASONS = {holder: reason for reason, holder in HOLDERS.items()}

DUE = """
SELECT e.queue, e.owner, e.id, m.exchange, m.key, m.meta FROM entry e CROSS JOIN message m ON m.id = e.id
WHERE e.owner = 0 AND e.expires <= ? ORDER BY e.expires LIMIT ?
"""
HELD = DUE.replace("e.owner = 0", "e.owner < 0")
ONE = """
SELECT e.queue, e.owner, e.id, m.exchange, m.key, m.meta FROM entry e CROSS JOIN message m ON m.id = e.id
WHERE e.queue = ? AND e.owner = ? AND e.id = ?
"""
NEXT_DUE = "SELECT min(expires) FROM entry WHERE owner = 0 AND expires IS NOT NULL"
NEXT_HELD = "SELECT min(expires) FROM entry WHERE owner < 0"
MOVE = "INSERT INTO message(id, exchange, key, meta, body) SELECT ?, ?, ?, ?, body FROM message WHERE id = ?"
HOLD = "UPDATE entry SET owner = ?, expires = ? WHERE queue = ? AND owner = ? AND id = ?"
DELETE_ENTRY = "DELETE FROM entry WHERE queue = ? AND owner = ? AND id = ?"
DELETE_MESSAGE = "DELETE FROM message WHERE id = ?"


@dataclass(slots=True)
class _Moves:
    """Statements of one batch, collected to be run together."""

    next_id: int
    messages: list[tuple[Any, ...]] = field(default_factory=list)
    entries: list[tuple[Any, ...]] = field(default_factory=list)
    held: list[tuple[Any, ...]] = field(default_factory=list)
    gone: list[tuple[int, int, int]] = field(default_factory=list)


def next_due(db: sqlite3.Connection) -> int | None:
    """When the next message expires, ms since 1970."""
    due: int | None = db.execute(NEXT_DUE).fetchone()[0]
    return due


def has_held(db: sqlite3.Connection) -> bool:
    """Whether there is a message to be tried again now."""
    due = db.execute(NEXT_HELD).fetchone()[0]
    return due is not None and due <= now_ms()


def retry_held(db: sqlite3.Connection, topology: Topology) -> set[int]:
    """Try a batch again of what couldn't be placed; give the ids of the queues that got something."""
    moves = _start(db)
    for row in db.execute(HELD, (now_ms(), BATCH)).fetchall():
        _bury(moves, topology, row, REASONS[row[1]])
    return _run(db, topology, moves)


def expire(db: sqlite3.Connection, topology: Topology) -> tuple[set[int], set[int]]:
    """Move a batch of what is due; give the ids of the queues that got something, and that have more.

    Claiming from the latter would step over everything that is due there.
    """
    now = now_ms()
    moves = _start(db)
    due = db.execute(DUE, (now, BATCH)).fetchall()
    for row in due:
        _bury(moves, topology, row, "expired")
    return _run(db, topology, moves), {row[0] for row in due} if len(due) == BATCH else set()


def dead_letter(
    db: sqlite3.Connection, topology: Topology, owner: int, leases: Sequence["Lease"], reason: str
) -> set[int]:
    """Move leased messages that were rejected or came back too often."""
    if not leases:
        return set()
    moves = _start(db)
    for lease in leases:
        row = db.execute(ONE, (lease.queue, owner, lease.id)).fetchone()
        if row is not None:
            _bury(moves, topology, row, reason)
    return _run(db, topology, moves)


def _start(db: sqlite3.Connection) -> _Moves:
    return _Moves(next_id=(db.execute(LAST_ID).fetchone()[0] or 0) + 1)


def _bury(moves: _Moves, topology: Topology, row: tuple[Any, ...], reason: str) -> None:
    queue_id, owner, message, exchange, key, meta = row
    queue = topology.by_id.get(queue_id)
    now = time.time()
    before = codec.decode_raw(meta)
    burial = bury(topology, queue, before, exchange, key, reason, now) if queue else None
    if burial is None:
        moves.gone.append((queue_id, owner, message))
        return
    if burial.targets is None:
        moves.held.append((HOLDERS[reason], int(now * 1000) + HELD_RETRY, queue_id, owner, message))
        return
    packed = codec.encode(burial.meta)
    for target in burial.targets:
        moves.messages.append((moves.next_id, burial.exchange, burial.key, packed, message))
        moves.entries.append((target.id, moves.next_id, expiry(target, None, int(now * 1000))))
        moves.next_id += 1
    moves.gone.append((queue_id, owner, message))


def _run(db: sqlite3.Connection, topology: Topology, moves: _Moves) -> set[int]:
    db.executemany(MOVE, moves.messages)
    db.executemany(ADD_ENTRY, moves.entries)
    db.executemany(HOLD, moves.held)
    db.executemany(DELETE_ENTRY, moves.gone)
    db.executemany(DELETE_MESSAGE, [(message,) for _, _, message in moves.gone])
    touched = {entry[0] for entry in moves.entries}
    trim(db, topology, touched)
    return touched
