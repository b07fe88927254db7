"""Connections that hold messages or queues: how they register, and what becomes of what the dead ones had."""

import os
import sqlite3

from ebats.runner.broker.sqlite import declare, errors, leases, wake
from ebats.runner.broker.sqlite.leases import Settlements
from ebats.runner.broker.sqlite.store import Store


def register(store: Store) -> int:
    """Make this connection an owner. Ids aren't used again, so a late ack can't hit another's lease."""

    def work(db: sqlite3.Connection) -> int:
        while True:
            owner = db.execute("INSERT INTO owner(pid) VALUES (?)", (os.getpid(),)).lastrowid or 0
            # Locked before anybody can see the row; taken only if the folder is older than the database.
            if store.locks.live(owner):
                store.owners.add(owner)
                return owner

    return store.write(work)


def check_living(db: sqlite3.Connection, store: Store, owner: int) -> None:
    """Refuse to settle or to lease for an owner that others took for dead: its messages are theirs.

    What it leased from now on nobody would ever give back, and what it settles may be at work elsewhere.

    Raises ConnectionForced: a new connection is another owner.
    """
    if not db.execute("SELECT 1 FROM owner WHERE id = ?", (owner,)).fetchone():
        raise errors.unavailable(
            f"another process took this one for dead, and took its messages over: in {store.files.folder},"
            " which holds the locks of all, something was deleted, or opened by this process itself"
        )


def reap(store: Store) -> set[int]:
    """Give back what connections of dead processes had; give the ids of the queues that got something.

    Any connected process may do this, and looks about once a second.

    Raises ConnectionForced where its own locks are no longer those of the others: it would take all for dead.
    """
    if not store.locks.is_current():
        raise errors.unavailable(
            f"the locks in {store.files.folder} were deleted: others may have taken this process for dead"
        )
    dead = [owner for (owner,) in store.read("SELECT id FROM owner") if store.locks.is_dead(owner)]
    if not dead:
        return set()

    def work(db: sqlite3.Connection) -> set[int]:
        touched: set[int] = set()
        for owner in dead:
            if db.execute("SELECT 1 FROM owner WHERE id = ?", (owner,)).fetchone():
                touched |= bury(db, store, owner)
        return touched

    touched = store.write(work)
    for owner in dead:
        wake.remove(store.files.pipe(owner))
    return touched


def bury(db: sqlite3.Connection, store: Store, owner: int) -> set[int]:
    """Remove an owner: its messages come back, counted; its consumers and exclusive queues go."""
    state = store.topology()
    held = leases.held_by(db, state, owner)
    touched = leases.settle(db, state, owner, Settlements(returned=held))
    declare.remove_owner(db, store.topology(), owner)
    db.execute("DELETE FROM owner WHERE id = ?", (owner,))
    return touched
