"""A log file at one moment, and what is added to it afterwards, however often it is rotated meanwhile."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from ebats.runner.sinks.finding.lines import lines_of
from ebats.runner.sinks.rotated import Rotated, rotated

_CHUNK_BYTES = 256 * 1024
#: A line that is being written is whole after so many looks.
_LOOKS = 4
_LOOK_AGAIN_S = 0.01


class Tail:
    """What a file and its rotated ones hold now, and what comes."""

    def __init__(self, path: Path, spoiled: Callable[[str], None]) -> None:
        """Take note of where the file ends; `spoiled` as for `lines_of`.

        Raises:
            OSError: it can't be read.
        """
        self._path = path
        self._spoiled = spoiled
        self._file = _opened(path)
        #: Bytes of whole lines now, and after those a line that is torn.
        self._end, self.has_torn_line = _end_of(self._file) if self._file else (0, False)
        # Listed after the file was opened: what is rotated in between is in neither, or is that file.
        #: The rotated files, the oldest first.
        self.rotated = [file for file in rotated(path) if not self._is_open(file)]
        self._seen = {file.plain for file in self.rotated}
        self._next = self._end
        self._rest = b""

    def __enter__(self) -> "Tail":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file:
            self._file.close()

    @property
    def is_there(self) -> bool:
        """Whether there was a file, or a rotated one."""
        return self._file is not None or bool(self.rotated)

    def lines_before(self) -> Iterator[bytes]:
        """Yield the whole lines that were in the file at the beginning."""
        if self._file:
            yield from _lines(self._file, self._end)

    def lines(self) -> Iterator[bytes]:
        """Yield the whole lines that have come since the beginning, or since the last call.

        Raises:
            OSError: the file, or one that it became, can't be read.
        """
        yield from self._new_lines()
        if not self._is_rotated():
            return
        # Between the two, somebody may have written to it for the last time.
        yield from self._new_lines()
        if self._rest:
            yield self._rest
        file = _opened(self._path)
        try:
            yield from self._lines_between(file)
        finally:
            if self._file:
                self._file.close()
            self._file, self._next, self._rest = file, 0, b""
        yield from self._new_lines()

    def _lines_between(self, current: BinaryIO | None) -> Iterator[bytes]:
        """Yield the lines of files that were both begun and rotated since the last look."""
        for file in rotated(self._path):
            is_known = file.plain in self._seen or self._is_open(file) or _is_same(current, file)
            self._seen.add(file.plain)
            if not is_known:
                yield from lines_of(file.path, self._spoiled)

    def _new_lines(self) -> Iterator[bytes]:
        if self._file is None:
            return
        if os.fstat(self._file.fileno()).st_size < self._next:
            # Emptied in place, as logrotate's copytruncate does.
            self._next, self._rest = 0, b""
        while data := os.pread(self._file.fileno(), _CHUNK_BYTES, self._next):
            self._next += len(data)
            *lines, self._rest = (self._rest + data).split(b"\n")
            yield from lines

    def _is_rotated(self) -> bool:
        try:
            now = self._path.stat()
        except FileNotFoundError:
            return self._file is not None
        return self._file is None or not os.path.samestat(now, os.fstat(self._file.fileno()))

    def _is_open(self, file: Rotated) -> bool:
        return _is_same(self._file, file)


def _is_same(file: BinaryIO | None, other: Rotated) -> bool:
    """Return whether an open file is, or was before it was packed, this rotated one."""
    if file is None:
        return False
    status = os.fstat(file.fileno())
    with suppress(FileNotFoundError):
        found = other.path.stat()
        return os.path.samestat(found, status) or (
            other.is_packed and found.st_mtime_ns == status.st_mtime_ns
        )
    return False


def _opened(path: Path) -> BinaryIO | None:
    try:
        return path.open("rb")
    except (FileNotFoundError, NotADirectoryError):
        return None


def _end_of(file: BinaryIO) -> tuple[int, bool]:
    """Return where the last whole line ends, and whether something follows it that stays torn."""
    end = 0
    for _ in range(_LOOKS):
        size = os.fstat(file.fileno()).st_size
        end = _last_line_end(file, size)
        if end == size:
            return end, False
        time.sleep(_LOOK_AGAIN_S)
    return end, True


def _last_line_end(file: BinaryIO, size: int) -> int:
    at = size
    while at > 0:
        start = max(0, at - _CHUNK_BYTES)
        found = os.pread(file.fileno(), at - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        at = start
    return 0


def _lines(file: BinaryIO, end: int) -> Iterator[bytes]:
    at, rest = 0, b""
    while at < end and (data := os.pread(file.fileno(), min(_CHUNK_BYTES, end - at), at)):
        at += len(data)
        *lines, rest = (rest + data).split(b"\n")
        yield from lines
