"""Rotated files are compressed by a thread of its own, so that nobody who writes waits for it."""

import os
import threading
import zlib
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from ebats.runner.sinks.lock import locked, try_lock
from ebats.runner.sinks.rotated import PACKED, PART, Rotated, parts, rotated

_CHUNK_BYTES = 256 * 1024
#: What can't be packed now, such as on a full disk or beside another runner, is tried again after so long.
_AGAIN_S = 60.0
#: A runner that writes is waited for so long; it may write to a file that another one just rotated.
_LOCK_S = 5.0
_CLOSE_S = 1.0
#: gzip, see `wbits` at https://docs.python.org/3/library/zlib.html#zlib.compressobj.
_GZIP = 31


class Packer:
    """Packs the rotated files of one log file, also those that a killed process left."""

    def __init__(self, path: Path) -> None:
        """Pack what `path` becomes; nothing happens before the first `wake`."""
        self._path = path
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._unfinished = False
        #: Why a file can't be packed; None: nothing is in the way.
        self.trouble: str | None = None

    def wake(self) -> None:
        """Look for files to pack, soon."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=f"pack {self._path.name}", daemon=True)
            self._thread.start()
        self._wake.set()

    def close(self) -> None:
        """Stop, also in the middle of a file: it stays as it was, and is packed another time."""
        self._closing.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(_CLOSE_S)

    def _run(self) -> None:
        while not self._closing.is_set():
            self._wake.wait(_AGAIN_S if self._unfinished else None)
            self._wake.clear()
            self._pack_all()

    def _pack_all(self) -> None:
        trouble, unfinished = None, False
        for file in rotated(self._path):
            if file.is_packed or self._closing.is_set():
                continue
            try:
                unfinished = not pack(file, self._closing) or unfinished
            except OSError as error:
                trouble, unfinished = f"can't compress {file.path}: {error.strerror or error}", True
        self.trouble, self._unfinished = trouble, unfinished
        remove_orphans(self._path)


def pack(file: Rotated, stop: threading.Event) -> bool:
    """Compress a rotated file and remove the plain one; return False where that has to wait.

    Whatever is killed in between: a file called `.gz` is whole, and the plain one is there until then.

    Raises:
        OSError: it can't be done, and the plain file is as it was.
    """
    try:
        plain = file.path.open("rb")
    except FileNotFoundError:
        return False
    with plain:
        # Another runner on the same file packs it already.
        if not try_lock(plain.fileno()) or not _is_still(plain, file.path):
            return False
        part = Path(f"{file.path}{PART}")
        try:
            size = _compress(plain, part, stop)
            return size is not None and _replace(plain, file.path, part, size)
        finally:
            part.unlink(missing_ok=True)


def remove_orphans(path: Path) -> None:
    """Remove what was half packed when a process was killed, where the plain file is gone since."""
    for part in parts(path):
        if not Path(str(part).removesuffix(PART)).exists():
            with suppress(OSError):
                part.unlink()


def _compress(plain: BinaryIO, part: Path, stop: threading.Event) -> int | None:
    """Write the part on the disk; return how many bytes of the plain file are in it, None if stopped."""
    packer = zlib.compressobj(wbits=_GZIP)
    fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    size = 0
    with os.fdopen(fd, "wb") as packed:
        while data := plain.read(_CHUNK_BYTES):
            if stop.is_set():
                return None
            packed.write(packer.compress(data))
            size += len(data)
        packed.write(packer.flush())
        packed.flush()
        # Else, after a power failure, there may be neither the one nor the other.
        os.fsync(packed.fileno())
    return size


def _replace(plain: BinaryIO, path: Path, part: Path, size: int) -> bool:
    """Put the part in the place of the plain file, if nobody wrote to that one since, or removed it."""
    with locked(path.parent, _LOCK_S) as held:
        status = os.fstat(plain.fileno())
        if not held or status.st_size != size or not _is_still(plain, path):
            return False
        # As old as the plain one: that is what retention and readers go by.
        os.utime(part, ns=(status.st_atime_ns, status.st_mtime_ns))
        part.replace(_free_name(path, part))
        path.unlink()
        return True


def _free_name(path: Path, part: Path) -> Path:
    """Return what the packed file is to be called: another one of this name may hold other records."""
    name = path.with_name(path.name + PACKED)
    count = 1
    while name.exists() and not _same(name, part):
        count += 1
        plain = path.with_name(f"{path.stem}.{count}{path.suffix}")
        if not plain.exists():
            name = plain.with_name(plain.name + PACKED)
    return name


def _same(one: Path, other: Path) -> bool:
    """Return whether two packed files hold the same, by the checksum and size at their ends (RFC 1952)."""
    return one.read_bytes()[-8:] == other.read_bytes()[-8:]


def _is_still(file: BinaryIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
