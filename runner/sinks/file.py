"""Records as JSON lines in a file that loguru rotates."""

import copy
import math
import os
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import TextIO

from loguru import logger

from ebats.pipelines.sink import FileSink
from ebats.runner.execution.record import WEIGHTS, Line
from ebats.runner.sinks.exposure import Exposures
from ebats.runner.sinks.lock import locked
from ebats.runner.sinks.packing import Packer
from ebats.runner.sinks.rotated import remove, rotated, superfluous
from ebats.runner.sinks.setting import Setting
from ebats.runner.sinks.shape import shape
from ebats.runner.sinks.sink import SinkError
from ebats.runner.sinks.turn import Turn

# A logger of our own: a function of the pipeline that uses loguru in this process neither writes
# into our files nor closes them with its `logger.remove()`. The stream that the global logger
# writes to is shared, for it can't be copied.
_logger = copy.deepcopy(logger, {id(stream): stream for stream in (sys.stderr, sys.__stderr__)})
_logger.remove()

_CHUNK_BYTES = 256 * 1024
#: A line that another runner is writing is whole after so many looks.
_LOOKS = 4
_LOOK_AGAIN_S = 0.01
#: Another runner that writes to the same file is waited for at most so long.
_LOCK_S = 1.0
#: Old files are looked for so often, beside each rotation.
_SWEEP_S = 60.0


class File:
    """Appends lines as they are; a batch is one call of loguru and one write to the file."""

    batch = 2000

    def __init__(self, sink: FileSink, exposures: Exposures, setting: Setting) -> None:
        """Make a sink that opens its file at the first record, and again after a failure."""
        self.name = sink.name
        self.wants_payload = exposures.wants_payload
        self.weight = WEIGHTS[sink.level]
        self._sink = sink
        self._path = Path(sink.path)
        self._shape = shape(sink.format, exposures, setting)
        self._turn = Turn(size=sink.rotation, longest_s=sink.rotation_s)
        self._removes = sink.retention is not None or sink.retention_s is not None
        self._packer = Packer(self._path) if sink.compression else None
        self._logger = copy.deepcopy(_logger)
        self._handler: int | None = None
        self._file: TextIO | None = None
        #: Where in the file, and how long, the data is that is being written.
        self._start = 0
        self._length = 0
        #: When old files were looked for, on the monotonic clock, and why one can't be removed.
        self._swept_at = -math.inf
        self._trouble: str | None = None

    def write(self, lines: list[Line]) -> None:
        """Append the lines.

        Raises:
            SinkError: the file refused, and its rest begins with the first line that isn't in the file;
                or all are, but a rotated file can't be compressed or removed.
        """
        done = 0
        texts = [self._shape(line) + b"\n" for line in lines]
        for data in _chunks(texts, min(_CHUNK_BYTES, self._sink.rotation or _CHUNK_BYTES)):
            try:
                self._append(data)
            except (OSError, ValueError) as error:
                done += self._give_up(data)
                raise SinkError(str(error), rest=lines[done:]) from None
            done += data.count(b"\n")
        if trouble := self._trouble or (self._packer and self._packer.trouble):
            raise SinkError(trouble, rest=[])

    def close(self) -> None:
        """Close the file."""
        self._close_file()
        if self._packer:
            self._packer.close()

    def _close_file(self) -> None:
        if self._handler is not None:
            with suppress(OSError, ValueError):
                self._logger.remove(self._handler)
            self._handler = None

    def _append(self, data: bytes) -> None:
        self._make_folder()
        with self._alone():
            if self._handler is None:
                self._handler = self._open()
                self._pack("")
            if self._removes and time.monotonic() > self._swept_at + _SWEEP_S:
                self._sweep([])
            self._length = len(data)
            self._logger.opt(raw=True).info(data.decode())

    def _alone(self) -> AbstractContextManager[object]:
        """Keep other runners from rotating meanwhile: two at once give two files one name, and one is gone.

        Where one of them hangs, it is better to write all the same.
        """
        return locked(self._path.parent, _LOCK_S) if self._turn.ever else nullcontext()

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
            # Loguru's own would compress while everybody waits, and leave half a file when it is killed.
            compression=self._pack if self._packer else None,
            # Loguru's own count would also take files of the like name.
            retention=self._sweep if self._removes else None,
            opener=_open_private,
        )

    def _must_rotate(self, _message: object, file: TextIO) -> bool:
        self._file = file
        self._start = os.fstat(file.fileno()).st_size
        rotates = self._turn.has_come(self._path, file.fileno(), self._length, time.time())
        if rotates:
            self._start = 0
        return rotates

    def _pack(self, _path: str) -> None:
        if self._packer:
            self._packer.wake()

    def _sweep(self, _files: list[str]) -> None:
        """Remove the rotated files that are too many or too old."""
        self._swept_at = time.monotonic()
        self._trouble = None
        most, longest_s = self._sink.retention, self._sink.retention_s
        for file in superfluous(rotated(self._path), most=most, longest_s=longest_s, now_s=time.time()):
            try:
                remove(file)
            except OSError as error:
                self._trouble = f"can't remove {file.path}: {error.strerror or error}"

    def _give_up(self, data: bytes) -> int:
        """Close the file after a failure, cut off a torn line, return how many lines of `data` are in it."""
        # First the file itself: what its buffer holds must not come later, when it is tried again.
        if self._file is not None:
            with suppress(OSError, ValueError):
                self._file.close()
            self._file = None
        self._close_file()
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


def _chunks(lines: list[bytes], most_bytes: int) -> Iterator[bytes]:
    """Yield the lines joined, at most so many bytes at once; a larger line is alone."""
    chunk: list[bytes] = []
    size = 0
    for line in lines:
        size += len(line)
        if chunk and size > most_bytes:
            yield b"".join(chunk)
            chunk, size = [], len(line)
        chunk.append(line)
    if chunk:
        yield b"".join(chunk)


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
