"""Whether a log file has had its time: it is as large as it may be, or its first record as old."""

import os
import re
from contextlib import suppress
from datetime import datetime
from pathlib import Path

#: Enough for the times of a record, which stand in front.
_HEAD_BYTES = 64 * 1024
_TIME = re.compile(rb'"(?:time|@timestamp)":"([^"\\]{10,40})"')


class Turn:
    """When a file is rotated."""

    def __init__(self, *, size: int | None, longest_s: float | None) -> None:
        """Rotate at `size` bytes, or `longest_s` seconds after the first record; None: not for that."""
        self._size = size
        self._longest_s = longest_s
        #: Device and inode, and since when it has records, a Unix time.
        self._file: tuple[int, int] | None = None
        self._since_s = 0.0

    @property
    def ever(self) -> bool:
        """Whether files are rotated at all."""
        return self._size is not None or self._longest_s is not None

    def has_come(self, path: Path, fd: int, length: int, now_s: float) -> bool:
        """Return whether an open file is to be rotated before `length` bytes are added, at this Unix time."""
        status = os.fstat(fd)
        # An empty file is never rotated: a record larger than a whole file still needs one.
        if not status.st_size:
            self._file = None
            return False
        if self._size is not None and status.st_size > self._size - length:
            return True
        return self._longest_s is not None and now_s >= self._began(path, status, now_s) + self._longest_s

    def _began(self, path: Path, status: os.stat_result, now_s: float) -> float:
        # From the records themselves: what a file system tells is lost by a copy, or never there,
        # and the time of the last change is always that of the last record.
        file = (status.st_dev, status.st_ino)
        if file != self._file:
            self._file, self._since_s = file, _first_time(path) or now_s
        return self._since_s


def _first_time(path: Path) -> float | None:
    """Return the time of the first record in a file as a Unix time; None: there is none to be read."""
    with suppress(OSError, ValueError), path.open("rb") as file:
        if found := _TIME.search(file.read(_HEAD_BYTES)):
            return datetime.fromisoformat(found[1].decode()).timestamp()
    return None
