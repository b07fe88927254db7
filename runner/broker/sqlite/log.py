"""The log of the database (SQLite's WAL): moved into the database in time, and who keeps it from that."""

import sqlite3
import time
from pathlib import Path

from ebats.runner.broker.sqlite import files, kernel_locks, readers
from ebats.runner.broker.sqlite.files import Files, Room

#: Pages given back to the disk at a checkpoint, at most, and how many stay free for reuse.
VACUUM_PAGES = 4000
KEEP_FREE_PAGES = 8000
#: For those who read as all is moved and the log could be cut: they take milliseconds.
_CUT_MS = 100
_BUSY_MS = 5000
#: Whoever reads at one moment for longer is told: nobody of ours does.
_LONG_S = 10.0


class Log:
    """The log, as seen by one handle. Call its methods under the writer mutex: a checkpoint that races a
    commit can lose pages (sqlite.org/wal.html, "WAL-reset bug", before 3.51.3)."""

    def __init__(self, db: sqlite3.Connection, where: Files, room: Room) -> None:
        """Attend to the log of an open database, on a disk that has so much room."""
        self._db = db
        self._files = where
        self._room = room
        self._path = Path(where.wal)
        #: Since when somebody keeps it from being moved, monotonic, and who that may be.
        self._stuck_at: float | None = None
        self._suspects: set[int] = set()
        #: What people should know: it can't be emptied.
        self.trouble: str | None = None

    def attend(self) -> None:
        """Move the log into the database, if it has become long; any process may, after a transaction."""
        try:
            size = self._path.stat().st_size
            if size < self._room.log and (
                size < self._room.short_log or files.free_bytes(self._files) > self._room.publishers
            ):
                self._note(size, is_stuck=False)
                return
            # While somebody keeps the log, it would only become longer by that.
            if self._stuck_at is None and self._count_free() > KEEP_FREE_PAGES:
                self._db.execute(f"PRAGMA incremental_vacuum({VACUUM_PAGES})").fetchall()
            self._note(size, is_stuck=not self._move())
            files.keep_ballast(self._files, self._room)
        except (sqlite3.OperationalError, OSError):
            return  # a full disk, most likely: the transaction is safe in the log, the next one tries again

    def make_room(self) -> bool:
        """Make room by moving the log into the database, where there is room for what was there before."""
        try:
            self._move()
        except sqlite3.OperationalError:
            return True  # even that found no room: on to the next relief
        return True

    def _count_free(self) -> int:
        return int(self._db.execute("PRAGMA freelist_count").fetchone()[0])

    def _move(self) -> bool:
        """Move what can be moved, and cut the log; False: somebody still reads what was before.

        Waiting for readers, as a checkpoint does that is to cut the log, would hold everybody up for
        seconds, at each transaction, where one of them is stuck. So first without waiting.
        """
        _, pages, moved = self._db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        if moved < pages:
            return False
        self._db.execute(f"PRAGMA busy_timeout = {_CUT_MS}")
        try:
            busy, _, _ = self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        finally:
            self._db.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
        return not busy

    def _note(self, size: int, *, is_stuck: bool) -> None:
        now = time.monotonic()
        if not is_stuck:
            self._stuck_at = self.trouble = None
        elif self._stuck_at is None:
            self._stuck_at, self._suspects = now, readers.of(self._files)
        elif self.trouble is None and now - self._stuck_at > _LONG_S:
            who = kernel_locks.told(self._suspects & readers.of(self._files))
            self.trouble = (
                f"the log {self._files.wal} grows ({size >> 20} MiB) and can't be emptied, for"
                f" {who} has been reading the database"
                f" for {now - self._stuck_at:.0f} s: end it, or the disk gets full"
            )
