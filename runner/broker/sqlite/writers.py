"""Who writes to the database at the moment, and whether others wait for it; known on Linux alone."""

import time
from dataclasses import dataclass

from ebats.runner.broker.sqlite import errors, kernel_locks
from ebats.runner.broker.sqlite.files import Files

#: Whoever is stopped for a moment goes on by itself.
_MOMENT_S = 0.2


@dataclass(frozen=True, slots=True)
class Writer:
    """The process that has the writer mutex."""

    pid: int
    #: Others wait for it.
    is_awaited: bool

    def why(self) -> str:
        """Say what is wrong where it comes to no end, and what to do."""
        who = kernel_locks.told([self.pid])
        if kernel_locks.is_stopped(self.pid):
            what = "was stopped in the middle of a write, and all others wait for it"
            return f"{who} {what}: let it go on (`kill -CONT {self.pid}`), or end it"
        return f"{who} comes to no end with a write, and all others wait for it: if it hangs, end it"


def of(where: Files) -> Writer | None:
    """Return who writes; None: nobody does, or nobody knows."""
    locks = kernel_locks.on(where.mutex)
    pid = next((lock.pid for lock in locks if not lock.is_waiting), None)
    return None if pid is None else Writer(pid, is_awaited=any(lock.is_waiting for lock in locks))


def check_not_stopped(where: Files) -> None:
    """Refuse to wait for somebody who was stopped, and who may never go on.

    Raises ConnectionForced with who it is: a new connection may work.
    """
    if (first := _stopped(where)) is None:
        return
    time.sleep(_MOMENT_S)
    if (writer := _stopped(where)) and writer.pid == first.pid:
        raise errors.unavailable(f"{where.database} can't be written now: {writer.why()}")


def _stopped(where: Files) -> Writer | None:
    writer = of(where)
    return writer if writer and kernel_locks.is_stopped(writer.pid) else None
