"""Records as JSON lines in a file that loguru rotates."""

import copy
import fcntl
import os
import re
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from loguru import logger

from ebats.pipelines.sink import FileSink
from ebats.runner.execution.record import WEIGHTS, Line
from ebats.runner.sinks.exposure import Exposures
from ebats.runner.sinks.sink import SinkError

# A logger of our own: a function of the pipeline that uses loguru in this process neither writes
# into our files nor closes them with its `logger.remove()`. The stream that the global logger
# writes to is shared, for it can't be copied.
_logger = copy.deepcopy(logger, {id(stream): stream for stream in (sys.stderr, sys.__stderr__)})
_logger.remove()

_CHUNK_BYTES = 256 * 1024
#: What loguru puts between a name and its ending when it rotates.
_ROTATED = r"\.\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d_\d{6}(\.\d+)?"
#: A line that another runner is writing is whole after so many looks.
_LOOKS = 4
_LOOK_AGAIN_S = 0.01
#: Another runner that writes to the same file is waited for at most so long.
_LOCK_S = 1.0


class File:
    """Appends lines as they are; a batch is one call of loguru and one write to the file."""

    batch = 2000

    def __init__(self, sink: FileSink, exposures: Exposures) -> None:
        """Make a sink that opens its file at the first record, and again after a failure."""
        self.name = sink.name
        self.wants_payload = exposures.wants_payload
        self.weight = WEIGHTS[sink.level]
        self._path = Path(sink.path)
        self._rotation = sink.rotation
        self._retention = sink.retention
        self._logger = copy.deepcopy(_logger)
        self._handler: int | None = None
        self._file: TextIO | None = None
        #: Where in the file, and how long, the data is that is being written.
        self._start = 0
        self._length = 0

    def write(self, lines: list[Line]) -> None:
        """Append the lines.

        Raises:
            SinkError: the file refused; its rest begins with the first line that isn't in the file.
        """
        done = 0
        for chunk in _chunks(lines, min(_CHUNK_BYTES, self._rotation or _CHUNK_BYTES)):
            data = b"".join([line.json + b"\n" for line in chunk])
            try:
                self._append(data)
            except (OSError, ValueError) as error:
                done += self._give_up(data)
                raise SinkError(str(error), rest=lines[done:]) from None
            done += len(chunk)

    def close(self) -> None:
        """Close the file."""
        if self._handler is not None:
            with suppress(OSError, ValueError):
                self._logger.remove(self._handler)
            self._handler = None

    def _append(self, data: bytes) -> None:
        self._make_folder()
        if self._handler is None:
            self._handler = self._open()
        self._length = len(data)
        with self._alone():
            self._logger.opt(raw=True).info(data.decode(errors="replace"))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other runners from rotating meanwhile: two at once give two files one name, and one is gone.

        Where one of them hangs, it is better to write all the same.
        """
        if self._rotation is None:
            yield
            return
        fd = os.open(self._path.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            deadline = time.monotonic() + _LOCK_S
            while not _try_lock(fd) and time.monotonic() < deadline:
                time.sleep(_LOOK_AGAIN_S)
            yield
        finally:
            os.close(fd)

    def _make_folder(self) -> None:
        missing = [folder for folder in self._path.parents if not folder.exists()]
        for folder in reversed(missing):
            folder.mkdir(mode=0o700, exist_ok=True)

    def _open(self) -> int:
        return self._logger.add(
            # Loguru formats a path; ours is meant as it stands.
            str(self._path).replace("{", "{{").replace("}", "}}"),
            format="{message}",
            level=0,
            colorize=False,
            catch=False,
            # Another runner of the same pipeline, or logrotate, may move the file away.
            watch=True,
            rotation=self._must_rotate,
            retention=self._remove_oldest,
            opener=_open_private,
        )

    def _must_rotate(self, _message: object, file: TextIO) -> bool:
        self._file = file
        self._start = os.fstat(file.fileno()).st_size
        # An empty file is never rotated: a record larger than a whole file still needs one.
        rotates = self._rotation is not None and 0 < self._start > self._rotation - self._length
        if rotates:
            self._start = 0
        return rotates

    def _remove_oldest(self, files: list[str]) -> None:
        """Keep so many rotated files; loguru's own count would also take files of the like name."""
        if self._retention is None:
            return
        pattern = re.compile(re.escape(self._path.stem) + _ROTATED + re.escape(self._path.suffix))
        rotated = sorted(
            (path for path in map(Path, files) if pattern.fullmatch(path.name)), key=_age, reverse=True
        )
        for path in rotated[self._retention :]:
            with suppress(OSError):
                path.unlink()

    def _give_up(self, data: bytes) -> int:
        """Close the file after a failure, cut off a torn line, return how many lines of `data` are in it."""
        # First the file itself: what its buffer holds must not come later, when it is tried again.
        if self._file is not None:
            with suppress(OSError, ValueError):
                self._file.close()
            self._file = None
        self.close()
        with suppress(OSError):
            if stat.S_ISREG(self._path.stat().st_mode):
                return self._count_written(data)
        return 0

    def _count_written(self, data: bytes) -> int:
        with self._path.open("r+b") as file:
            file.seek(self._start)
            there = file.read(len(data) + 1)
            # Somebody else's lines in between: theirs to keep, and ours are written again.
            if not there or not data.startswith(there):
                return 0
            whole = there.rfind(b"\n") + 1
            file.truncate(self._start + whole)
            return there.count(b"\n")


def _chunks(lines: list[Line], most_bytes: int) -> Iterator[list[Line]]:
    """Yield the lines in lists of at most so many bytes, line ends included; a larger line is alone."""
    chunk: list[Line] = []
    size = 0
    for line in lines:
        size += len(line.json) + 1
        if chunk and size > most_bytes:
            yield chunk
            chunk, size = [], len(line.json) + 1
        chunk.append(line)
    if chunk:
        yield chunk


def _try_lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _open_private(path: str, flags: int) -> int:
    """Open a log file for its owner only, never through a link; end a line torn by a kill."""
    fd = os.open(path, flags | os.O_NOFOLLOW, 0o600)
    try:
        if _is_torn(path, fd):
            os.write(fd, b"\n")
    except OSError:
        os.close(fd)
        raise
    return fd


def _is_torn(path: str, fd: int) -> bool:
    # Another runner may be writing: a reader sees the pages of one write come one by one.
    for _ in range(_LOOKS):
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode) or not status.st_size or _ends_well(path, status):
            return False
        time.sleep(_LOOK_AGAIN_S)
    return True


def _ends_well(path: str, status: os.stat_result) -> bool:
    """Return whether a file ends with a line end, or isn't the one of this status any more."""
    with Path(path).open("rb") as file:
        if not os.path.samestat(os.fstat(file.fileno()), status):
            return True
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def _age(path: Path) -> tuple[float, str]:
    return (path.stat().st_mtime, path.name)
