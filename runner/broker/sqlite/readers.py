"""Who reads the database at the moment, by the locks that SQLite holds for it; known on Linux alone."""

import os

from ebats.runner.broker.sqlite import kernel_locks
from ebats.runner.broker.sqlite.files import Files

# The locks of those who read from the log are five bytes of the -shm file (sqlite.org/walformat.html, 2.3.1).
_FIRST, _LAST = 123, 127


def of(where: Files) -> set[int]:
    """Return the ids of the processes that read; they read for milliseconds, unless they are stuck."""
    found = kernel_locks.on(where.shm)
    return {lock.pid for lock in found if _reads(lock)} - {os.getpid()}


def _reads(lock: kernel_locks.Lock) -> bool:
    if lock.kind != "READ" or lock.is_waiting or lock.last is None:
        return False
    return lock.first <= _LAST and lock.last >= _FIRST
