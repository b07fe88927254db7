"""What alerts remember over restarts, a folder for each runner; and what people answer to them."""

import fcntl
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from ebats.runner.alerts.digest import Day
from ebats.runner.alerts.incidents import Alert
from ebats.runner.alerts.notice import Notice

_FOLDER, _STATE, _LOCK, _ACKS = "alerts", "state.json", "lock", "acks"
#: Runners of one pipeline on one machine.
_MOST_RUNNERS = 100


class Pending(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A notice that hasn't been sent."""

    notice: Notice
    #: So many alerters began with it: one that ends the process isn't tried for ever.
    starts: int = 0


class Memory(msgspec.Struct, kw_only=True, omit_defaults=True):
    """All that is remembered."""

    #: When it was written, a Unix time in seconds.
    written: float = 0.0
    alerts: list[Alert] = []
    #: None: there is no digest.
    day: Day | None = None
    #: By channel.
    pending: dict[str, list[Pending]] = {}


class Ack(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Somebody takes on an alert: of all its subjects or one, or all that there are."""

    by: str
    at: float
    id: str | None = None
    subject: str | None = None


_memories: msgspec.json.Decoder[Memory] = msgspec.json.Decoder(Memory)
_acks: msgspec.json.Decoder[Ack] = msgspec.json.Decoder(Ack)


class Store:
    """One runner's folder, held as long as this process lives."""

    def __init__(self, folder: Path) -> None:
        """Take the first place below a pipeline's folder that no living runner has.

        Raises:
            OSError: there can't be one.
        """
        self._lock = -1
        for number in range(_MOST_RUNNERS):
            self.path = folder / _FOLDER / str(number)
            self._make(self.path / _ACKS)
            lock = os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(lock)
                continue
            self._lock = lock
            return
        raise OSError(f"{_MOST_RUNNERS} runners of this pipeline are on this machine")

    def read(self) -> Memory:
        """Return what was written last; nothing, where that is nothing that can be read.

        Raises:
            OSError: it may not be read.
        """
        try:
            return _memories.decode((self.path / _STATE).read_bytes())
        except (FileNotFoundError, msgspec.MsgspecError):
            return Memory()

    def write(self, memory: Memory) -> None:
        """Remember, in place of what was remembered before; a kill leaves the one or the other.

        Raises:
            OSError: the disk is full, for instance.
        """
        new = self.path / f"{_STATE}.new"
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(memory))
        new.replace(self.path / _STATE)

    def acks(self) -> list[tuple[Path, Ack]]:
        """Return what people have answered, each with its file: see `done`."""
        found = []
        with suppress(OSError):
            for path in sorted((self.path / _ACKS).glob("*.json")):
                try:
                    found.append((path, _acks.decode(path.read_bytes())))
                except (OSError, msgspec.MsgspecError):
                    done(path)
        return found

    def close(self) -> None:
        """Let the place go."""
        if self._lock >= 0:
            os.close(self._lock)
        self._lock = -1

    def _make(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Below /tmp anybody may have made it.
        if folder.stat().st_uid not in (0, os.geteuid()):
            raise PermissionError(f"{folder} is somebody else's")


def done(path: Path) -> None:
    """Forget an answer that is now remembered otherwise."""
    with suppress(OSError):
        path.unlink()


def read_all(folder: Path) -> Iterator[tuple[Path, Memory, bool]]:
    """Yield the place of each runner below a pipeline's folder, what it remembers, and whether it lives."""
    paths = [path for path in (folder / _FOLDER).glob("*") if path.name.isdecimal()]
    for path in sorted(paths, key=lambda path: int(path.name)):
        with suppress(OSError, msgspec.MsgspecError):
            yield path, _memories.decode((path / _STATE).read_bytes()), _is_held(path / _LOCK)


def answer(path: Path, ack: Ack) -> Path:
    """Leave an answer at a runner's place; return its file, which is gone when the runner has taken it.

    Raises:
        OSError: it can't be written.
    """
    folder = path / _ACKS
    new = folder / f"{time.time_ns()}-{uuid.uuid4().hex}.new"
    new.write_bytes(msgspec.json.encode(ack))
    return new.rename(new.with_suffix(".json"))


def _is_held(lock: Path) -> bool:
    with lock.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
