"""Who reads the database at the moment, by the locks that SQLite holds for it; known on Linux alone."""

import os
from pathlib import Path

from ebats.runner.broker.sqlite.files import Files

# The locks of those who read from the log are five bytes of the -shm file (sqlite.org/walformat.html, 2.3.1).
# The file itself isn't opened here: to close it would drop the locks that this process has on it.
_FIRST, _LAST = 123, 127
_LOCKS = Path("/proc/locks")


def of(where: Files) -> set[int]:
    """Return the ids of the processes that read; they read for milliseconds, unless they are stuck."""
    try:
        status = Path(where.shm).stat()
        lines = _LOCKS.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return set()
    file = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    return {pid for line in lines if (pid := _reader(line.split(), file))} - {os.getpid()}


def _reader(words: list[str], file: str) -> int | None:
    """Return whose lock a line of /proc/locks is (proc_locks(5)), if it is one on these bytes."""
    match words:
        case [_, "POSIX", _, "READ", pid, held, first, last] if held == file and last.isdigit():
            return int(pid) if int(first) <= _LAST and int(last) >= _FIRST else None
    return None


def told(pids: set[int]) -> str:
    """Return processes in words: `process 4711 (sqlite3)`."""
    names = [f"process {pid}{_name(pid)}" for pid in sorted(pids) if pid > 0]
    return " or ".join(names) or "a process"


def _name(pid: int) -> str:
    try:
        return f" ({Path(f'/proc/{pid}/comm').read_text(encoding='utf-8', errors='replace').strip()})"
    except OSError:
        return ""
