"""One handle on the database: transactions under the writer mutex, and their errors."""

import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from ebats.runner.broker.sqlite import beside, errors, files, mutex, schema, writers
from ebats.runner.broker.sqlite.log import Log
from ebats.runner.broker.sqlite.routing import Topology

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]

#: So long a database is waited for whose files beside it are gone, and others may be closing it.
_PATIENCE_S, _LOOK_S = 1.0, 0.02

_stores: "weakref.WeakSet[Store]" = weakref.WeakSet()
#: Held while a handle is opened: a fork waits until it is among the stores, and can be closed in the child.
_opening = threading.RLock()


class Store:
    """A database handle for one connection. Usable from several threads, in the process that opened it."""

    def __init__(self, path: str) -> None:
        self.files = files.locate(path)
        files.prepare(self.files)
        self.pid = os.getpid()
        self.lock = threading.RLock()
        with _opening:
            self._open()

    def _open(self) -> None:
        self.locks = mutex.acquire(self.files.folder)
        try:
            self.db = self._open_database()
        except BaseException:
            mutex.release(self.locks)
            raise
        #: Ids under which this handle leases messages; their locks go when it is closed or forgotten.
        self.owners: set[int] = set()
        self._dispose = weakref.finalize(self, _dispose, self.db, self.locks, self.owners)
        self._dispose.atexit = False
        self._durable = False
        self.db.execute("PRAGMA synchronous = NORMAL")
        self._room = files.room_for(self.files)
        self.log = Log(self.db, self.files, self._room)
        files.keep_ballast(self.files, self._room)
        self._topology: Topology | None = None
        _stores.add(self)

    def _open_database(self) -> sqlite3.Connection:
        """Open the database when nobody has it open whose files beside it were deleted."""
        until = time.monotonic() + _PATIENCE_S
        while True:
            with self.locks.writing(partial(writers.check_not_stopped, self.files)):
                mine = self.locks.beside if self.locks.users > 1 else None
                why = beside.why_wait(self.files, mine)
                if why is None:
                    db = schema.open_database(self.files)
                    found = beside.identity(self.files)
                    #: Which file it is: a deleted one has a number that no other gets meanwhile.
                    self._inode = beside.inode(self.files.database)
                    if found == mine or (mine is None and None not in found):
                        self.locks.beside = found
                        return db
                    # Deleted meanwhile: taken for what they should be, their absence would never be seen.
                    db.close()
                    why = beside.gone(self.files)
            # The last one to close a database deletes them, too, and then it has closed it.
            if time.monotonic() > until:
                raise errors.unavailable(why)
            time.sleep(_LOOK_S)

    def write(self, work: Work[T], *, durable: bool = False) -> T:
        """Run `work` in one write transaction and give its result. It may run twice: keep it free of effects.

        `durable` waits for the disk at the end: for what somebody will be told is safe. Without it a power
        failure (not a crash) may undo the transaction, which for a claim or an ack means a duplicate.
        """
        self.check_process()
        with self.lock, self.locks.writing():
            reliefs = [self.log.make_room] if durable else [self.log.make_room, self._give_up_ballast]
            while True:
                try:
                    return self._transact(work, durable)
                except sqlite3.DatabaseError as error:
                    if not (errors.is_full(error) and reliefs and reliefs.pop(0)()):
                        raise errors.explain(self.files.database, error) from error

    def _transact(self, work: Work[T], durable: bool) -> T:
        self._check_beside()
        if durable != self._durable:
            self.db.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            self._durable = durable
        self.db.execute("BEGIN IMMEDIATE")
        try:
            result = work(self.db)
            self.db.execute("COMMIT")
        except BaseException:
            self._topology = None  # it may have been read inside what is undone now
            if self.db.in_transaction:
                self.db.execute("ROLLBACK")
            raise
        self.log.attend()
        return result

    def read(self, query: str, values: tuple[Any, ...] = ()) -> list[Any]:
        """Run one query outside of any transaction; give all its rows."""
        return self.look(lambda db: db.execute(query, values).fetchall())

    def look(self, work: Work[T]) -> T:
        """Read with `work` outside of any transaction."""
        self.check_process()
        try:
            with self.lock:
                self._check_beside()
                return work(self.db)
        except sqlite3.DatabaseError as error:
            raise errors.explain(self.files.database, error) from error

    def _check_beside(self) -> None:
        if beside.identity(self.files) == self.locks.beside:
            return
        if beside.inode(self.files.database) != self._inode:
            # Somebody who came since may have made a new one, with nothing in it.
            raise errors.unusable(
                f"{self.files.database} was deleted while it was in use: its messages are lost;"
                f" {errors.to_do(self.files.database)}"
            )
        raise errors.unavailable(beside.gone(self.files))

    def topology(self) -> Topology:
        """Give the exchanges, bindings, queues and consumers as of now (cached until they change)."""
        try:
            version = self.db.execute("SELECT v FROM meta WHERE k = 'topology'").fetchone()[0]
            if self._topology is None or self._topology.version != version:
                self._topology = Topology.load(self.db, version)
        except sqlite3.DatabaseError as error:
            raise errors.explain(self.files.database, error) from error
        return self._topology

    def know(self, topology: Topology) -> None:
        """Take the topology as a transaction leaves it, from within: it needn't be read again then."""
        self._topology = topology

    def check_room(self) -> None:
        """Refuse a publish while the disk is nearly full, so that what is accepted can still be worked off.

        Raises NoRoom. A process that consumes may go further: its publishes are retries, dead letters.
        """
        free, floor = files.free_bytes(self.files), self._floor
        if free < floor:
            raise errors.no_room(self.files.database, free >> 20, floor >> 20)

    def has_room(self) -> bool:
        """Return whether a publish would be refused no more."""
        return files.free_bytes(self.files) >= self._floor

    @property
    def _floor(self) -> int:
        return self._room.workers if self.locks.consuming else self._room.publishers

    @property
    def is_open(self) -> bool:
        """Whether this process can still use the handle."""
        return self.is_open_anywhere and self.pid == os.getpid()

    @property
    def is_open_anywhere(self) -> bool:
        """Whether it wasn't closed, be it in this process or in the one that opened it."""
        return self._dispose.alive

    def check_process(self) -> None:
        """Refuse to work in a forked child, or after closing."""
        if self.pid != os.getpid():
            raise errors.unavailable(
                f"this connection to {self.files.database} is another process's: open one after the fork"
            )
        if not self._dispose.alive:
            raise errors.closed()

    def _give_up_ballast(self) -> bool:
        """Make room by deleting what was set aside; False if that was done before."""
        return files.drop_ballast(self.files) and self.log.make_room()

    def close(self) -> None:
        """Close the handle and give its owners up. The last one in all processes also empties the log."""
        if self.pid == os.getpid():
            with self.lock:
                self._dispose()


def _dispose(db: sqlite3.Connection, locks: mutex.ProcessLocks, owners: set[int]) -> None:
    if locks.pid != os.getpid():
        return
    for owner in owners:
        locks.die(owner)
    # Not under the mutex, which this thread may hold when garbage collection runs this. It needn't be, for
    # SQLite checkpoints here only if nobody else has the database open.
    db.close()
    mutex.release(locks)


# A fork copies SQLite's notes of which locks the process holds, but not the locks. Left alone, a child that
# opens the same database would believe in them, and the parent's last close would delete the log under its
# feet. So a fork waits until no handle is in use, and the child closes its copies: that writes nothing,
# because the parent holds the database.


def _before_fork() -> None:
    _opening.acquire()
    _forking.extend(sorted(_stores, key=id))
    for store in _forking:
        store.lock.acquire()


def _in_parent() -> None:
    while _forking:
        _forking.pop().lock.release()
    _opening.release()


def _in_child() -> None:
    for store in _forking:
        if store.is_open_anywhere:
            store.db.close()
    _stores.clear()
    _in_parent()


_forking: list[Store] = []
os.register_at_fork(before=_before_fork, after_in_parent=_in_parent, after_in_child=_in_child)
