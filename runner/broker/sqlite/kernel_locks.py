"""The locks that processes have on a file, and those that they wait for, as the kernel tells on Linux."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_LOCKS = Path("/proc/locks")


@dataclass(frozen=True, slots=True)
class Lock:
    """A POSIX lock on some bytes of a file."""

    pid: int
    #: `READ` or `WRITE`.
    kind: str
    first: int
    #: None: to the end of the file, wherever that is.
    last: int | None
    #: Its process doesn't have it, but waits for it.
    is_waiting: bool


def on(path: str) -> list[Lock]:
    """Return the locks on a file, those that somebody waits for behind the one that is in their way.

    Nothing where the kernel doesn't tell, or where there is no such file. Processes of other containers
    are left out. The file isn't opened: to close it would drop the locks that this process has on it.
    """
    try:
        status = Path(path).stat()
        lines = _LOCKS.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return []
    file = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    return list(_parsed(lines, file))


def _parsed(lines: Iterable[str], file: str) -> Iterator[Lock]:
    """Yield what lines of /proc/locks say of a file (proc_locks(5))."""
    for line in lines:
        words = line.split()
        is_waiting = words[1:2] == ["->"]
        match words[2:] if is_waiting else words[1:]:
            case ["POSIX", _, kind, pid, held, first, last] if held == file:
                end = int(last) if last.isdigit() else None
                yield Lock(int(pid), kind, int(first), end, is_waiting)


def told(pids: Iterable[int]) -> str:
    """Return processes in words: `process 4711 (sqlite3)`."""
    names = [f"process {pid}{_name(pid)}" for pid in sorted(pids) if pid > 0]
    return " or ".join(names) or "a process"


def _name(pid: int) -> str:
    try:
        title = Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8", errors="replace")
        if not title.startswith("ebats: "):
            # Others may have on their command line what is nobody's business.
            title = Path(f"/proc/{pid}/comm").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return f" ({title.strip(chr(0) + ' ' + chr(10))})"


def is_stopped(pid: int) -> bool:
    """Return whether a process was stopped, by SIGSTOP for instance, and not by a debugger."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    # Its name stands in parentheses, and may have some itself (proc_pid_stat(5)).
    return status.rpartition(")")[2].split()[:1] == ["T"]
