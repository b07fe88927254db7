"""The locks that this process holds on one database: the writer mutex and the lives of its owners."""

import errno
import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ebats.runner.broker.sqlite.beside import Identity

OPEN_FLAGS = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC


class ProcessLocks:
    """POSIX locks belong to the process, not to the descriptor: closing any descriptor of a locked file drops
    them all, and the process never conflicts with itself. So there is one object a process and database,
    which adds a thread lock and a set of the owners that live here."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.pid = os.getpid()
        self.users = 0
        #: Which files SQLite keeps beside the database, as this process has it open; see beside.py.
        self.beside: Identity | None = None
        self._threads = threading.Lock()
        self._mutex = os.open(f"{folder}/lock", OPEN_FLAGS, 0o600)
        self._owners = os.open(f"{folder}/owners", OPEN_FLAGS, 0o600)
        self._living: set[int] = set()
        #: Owners of this process that consume: their process publishes retries, which have room reserved.
        self.consuming: set[int] = set()

    @contextmanager
    def writing(self, before_waiting: Callable[[], None] | None = None) -> Iterator[None]:
        """Hold the writer mutex, against other threads and other processes.

        Waiting in the kernel is fair, where SQLite's busy handler starves: 4 writers waited up to 1.5 s.
        `before_waiting` is called if another process has it, and may raise.
        """
        with self._threads:
            if before_waiting is None or not _lock_now(self._mutex):
                if before_waiting:
                    before_waiting()
                _lock(self._mutex)
            try:
                yield
            finally:
                fcntl.lockf(self._mutex, fcntl.LOCK_UN)

    def live(self, owner: int) -> bool:
        """Lock the owner's byte for as long as this process lives; False if somebody has it."""
        if not self._try(owner):
            return False
        self._living.add(owner)
        return True

    def die(self, owner: int) -> None:
        """Give the owner's byte up: whoever looks next may take what it held."""
        if self.pid == os.getpid():
            self.consuming.discard(owner)
            self._living.discard(owner)
            fcntl.lockf(self._owners, fcntl.LOCK_UN, 1, owner)

    def is_dead(self, owner: int) -> bool:
        """Say whether the process of an owner is gone. The kernel frees its byte even after kill -9."""
        if owner in self._living or not self._try(owner):
            return False
        fcntl.lockf(self._owners, fcntl.LOCK_UN, 1, owner)
        return True

    def _try(self, owner: int) -> bool:
        try:
            fcntl.lockf(self._owners, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, owner)
        except (BlockingIOError, PermissionError):
            return False
        return True

    def is_current(self) -> bool:
        """False in a forked child, and when one of the files was deleted, and perhaps made again."""
        files = (("lock", self._mutex), ("owners", self._owners))
        try:
            same = all(os.path.samestat(os.fstat(fd), Path(self.folder, name).stat()) for name, fd in files)
        except FileNotFoundError:
            return False
        return same and self.pid == os.getpid()

    def close(self) -> None:
        """Close the files, and thereby drop every lock of this process."""
        os.close(self._mutex)
        os.close(self._owners)


def _lock_now(descriptor: int) -> bool:
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def _lock(descriptor: int) -> None:
    while True:
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX)
        except OSError as error:
            # Threads on two databases can look like a deadlock between processes to the kernel.
            if error.errno != errno.EDEADLK:
                raise
            time.sleep(0.001)
        else:
            return


@dataclass(slots=True)
class _Registry:
    guard: threading.RLock  # garbage collection may close one connection while another opens
    open: dict[str, ProcessLocks]


_registry = _Registry(threading.RLock(), {})


def acquire(folder: str) -> ProcessLocks:
    """Give the process's locks of a database; each call needs one `release`."""
    with _registry.guard:
        locks = _registry.open.get(folder)
        if locks is None or not locks.is_current():
            locks = _registry.open[folder] = ProcessLocks(folder)
        locks.users += 1
        return locks


def release(locks: ProcessLocks) -> None:
    """Close the locks' files when their last user in this process is gone."""
    with _registry.guard:
        locks.users -= 1
        if locks.users == 0:
            locks.close()
            if _registry.open.get(locks.folder) is locks:
                del _registry.open[locks.folder]


def _after_fork() -> None:
    _registry.guard = threading.RLock()
    _registry.open.clear()


os.register_at_fork(after_in_child=_after_fork)
