"""One at a time at a folder of log files: runners that share a file wait for each other, for a while."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LOOK_AGAIN_S = 0.01


@contextmanager
def locked(folder: Path, patience_s: float) -> Iterator[bool]:
    """Hold the folder's lock, or give up after `patience_s` seconds; yields whether it is held.

    Raises:
        OSError: the folder can't be opened.
    """
    fd = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        deadline = time.monotonic() + patience_s
        while not (held := try_lock(fd)) and time.monotonic() < deadline:
            time.sleep(_LOOK_AGAIN_S)
        yield held
    finally:
        os.close(fd)


def try_lock(fd: int) -> bool:
    """Lock what a descriptor has open, for as long as it is; return whether nobody else has it."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
