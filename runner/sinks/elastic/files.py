"""Files and folders of a spool: for their owner only, never through a link."""

import fcntl
import os
from pathlib import Path

_FLAGS = os.O_NOFOLLOW | os.O_CLOEXEC


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, for nobody else.

    Raises:
        PermissionError: it belongs to somebody else. Below /tmp anybody may have made it.
        OSError: it can't be made.
    """
    for missing in reversed([each for each in (folder, *folder.parents) if not each.exists()]):
        missing.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid not in (0, os.geteuid()):
        raise PermissionError(f"{folder} is somebody else's")


def open_private(path: Path, flags: int) -> int:
    """Return the descriptor of a file, opened with `flags`, and made for its owner only."""
    return os.open(path, flags | _FLAGS, 0o600)


def try_lock(folder: Path) -> int | None:
    """Return the descriptor that keeps a folder locked while it is open; None: somebody else has one."""
    fd = open_private(folder / "lock", os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return None
    except OSError:
        os.close(fd)
        raise
    return fd


def write_all(fd: int, data: bytes) -> int:
    """Write what there is room for, and return how many bytes that was.

    Raises:
        OSError: not even one byte.
    """
    written = 0
    while written < len(data):
        try:
            written += os.write(fd, memoryview(data)[written:])
        except OSError:
            if not written:
                raise
            break
    return written
