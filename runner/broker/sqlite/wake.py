"""Wake other connections, in this process or another one, through named pipes."""

import errno
import os
from collections.abc import Iterable
from pathlib import Path

from ebats.runner.broker.sqlite.files import Files

#: A pipe so full that wake-ups were lost reads as "look everywhere".
READ_BYTES = 32768
WORD = 8


class Bell:
    """The pipe of one connection: readable when somebody published for a queue that it consumes.

    A pipe and not a socket, for the path of a socket is at most 104 bytes long. It is opened for writing as
    well, so that it never reads as closed and this process can ring itself.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        remove(path)  # of a database that was deleted
        os.mkfifo(path, 0o600)
        self._descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)

    def fileno(self) -> int:
        """For select and poll."""
        return self._descriptor

    def read(self) -> set[int] | None:
        """Give the ids of the queues that something was published to, or None for "any"."""
        try:
            data = os.read(self._descriptor, READ_BYTES)
        except BlockingIOError:
            return set()
        if len(data) == READ_BYTES:
            return None
        words = (data[at : at + WORD] for at in range(0, len(data), WORD))
        return {int.from_bytes(word, "little") for word in words}

    def ring(self) -> None:
        """Wake the connection itself, from another thread."""
        _write(self._descriptor, 0)

    def close(self) -> None:
        """Close the pipe and remove it."""
        os.close(self._descriptor)
        remove(self._path)


class Ringer:
    """Rings the bells of other connections. Never blocks and never fails: a lost ring costs 250 ms."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._open: dict[int, int] = {}

    def ring(self, owners: Iterable[int], queue: int) -> None:
        """Tell these owners that there is something in the queue."""
        for owner in owners:
            descriptor = self._descriptor(owner)
            if descriptor is not None and not _write(descriptor, queue):
                os.close(self._open.pop(owner))

    def _descriptor(self, owner: int) -> int | None:
        found = self._open.get(owner)
        if found is None:
            try:
                found = os.open(self._files.pipe(owner), os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            except OSError:
                return None  # gone, or not there yet
            self._open[owner] = found
        return found

    def forget_others(self, owners: set[int]) -> None:
        """Close the pipes of owners that are no more."""
        for owner in self._open.keys() - owners:
            os.close(self._open.pop(owner))

    def close(self) -> None:
        """Close the pipes of all others."""
        self.forget_others(set())


def _write(descriptor: int, queue: int) -> bool:
    try:
        os.write(descriptor, queue.to_bytes(WORD, "little"))
    except OSError as error:
        return error.errno == errno.EAGAIN  # full: it will wake anyway
    return True


def remove(path: str) -> None:
    """Remove the pipe of an owner that is gone."""
    try:
        Path(path).unlink()
    except FileNotFoundError:
        return
