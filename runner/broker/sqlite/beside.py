"""The files that SQLite keeps beside a database in use: whether they are still those that its users have.

Whoever opens the database after its -shm file was deleted makes a new one, and sees nothing of those who
still have the old one, nor they of him: they write over each other's messages, and the database is damaged
(tried). So who finds them gone lets go of the database, and nobody opens it anew before all have.
"""

import fcntl
import os
from pathlib import Path

from ebats.runner.broker.sqlite.files import Files

#: The bytes of a database that SQLite locks for as long as it is open (SHARED_FIRST in its os.h).
_SHARED_FIRST, _SHARED_SIZE = 0x40000002, 510

#: What the -shm and the -wal file are known by, however they are called; None: there is none.
Identity = tuple[int | None, int | None]


def identity(where: Files) -> Identity:
    """Return which files are there now."""
    return inode(where.shm), inode(where.wal)


def why_wait(where: Files, mine: Identity | None) -> str | None:
    """Return why the database isn't to be opened yet; None: it may be.

    `mine` are the files that this process has already, with other handles; None: it has no other handle.
    """
    found = identity(where)
    if mine is not None:
        return None if found == mine else gone(where)
    return gone(where) if None in found and _is_in_use(where.database) else None


def gone(where: Files) -> str:
    """Say what was deleted."""
    return (
        f"{where.shm} or {where.wal} was deleted while it was in use; going on when all processes have let go"
        f" of {where.database}"
    )


def inode(path: str) -> int | None:
    """Return what a file is known by, however it is called; None: there is none."""
    try:
        return Path(path).stat().st_ino
    except FileNotFoundError:
        return None


def _is_in_use(database: str) -> bool:
    """Return whether another process has the database open. This one must not: its locks would go."""
    try:
        descriptor = os.open(database, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False  # what is wrong with it shows when it is opened
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, _SHARED_SIZE, _SHARED_FIRST)
    except (BlockingIOError, PermissionError):
        return True
    finally:
        os.close(descriptor)
    return False
