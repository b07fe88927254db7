"""How many messages a robot may send: remembered on disk, for all processes of this machine that use it."""

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

#: Another process holds the file for a moment only; one that hangs isn't waited for.
_LOCK_S = 1.0
_LOOK_AGAIN_S = 0.01
_SHORTEST_S = 0.001


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """So many messages in so many seconds."""

    most: int
    #: Longer than the other side's by the time-out of a request: what is counted here is when one begins.
    window_s: float

    def wait_s(self, sent: Sequence[float], now: float) -> float:
        """Return how long to wait before the next message; 0: not at all. Pure.

        `sent` are the times of those before. The first half of them may go as they come; the others are
        spread over the window, so that what comes next waits seconds, and not for the window's end.
        """
        recent = self.recent(sent, now)
        wait_s = 0.0
        if len(recent) >= self.most:
            wait_s = recent[-self.most] + self.window_s - now
        elif len(recent) * 2 >= self.most:
            wait_s = recent[-1] + self.window_s / (self.most / 2) - now
        # A shorter one than this changes nothing in a Unix time.
        return max(wait_s, _SHORTEST_S) if wait_s > 0 else 0.0

    def recent(self, sent: Sequence[float], now: float) -> list[float]:
        """Return those times that still count, sorted. One of the future is of a clock that was set back."""
        times = sorted(min(moment, now) for moment in sent)
        return [moment for moment in times if moment > now - self.window_s]


#: https://developer.work.weixin.qq.com/document/path/91770: 20 messages a minute for a robot. DingTalk's
#: robots have the same limit.
ROBOT = Limit(most=20, window_s=70.0)


class Pace:
    """Keeps the limit of one robot, which is known by its URL."""

    def __init__(
        self, url: str, folder: str | None, limit: Limit = ROBOT, clock: Callable[[], float] = time.time
    ) -> None:
        """Remember in a file in `folder`; None: there is no such place."""
        name = hashlib.sha256(url.encode()).hexdigest()[:32]
        self._path = Path(folder, name) if folder else None
        self._limit = limit
        # Without a file nobody knows what another process has sent a moment ago: it may be as much again.
        self._careful = Limit(most=max(1, limit.most // 2), window_s=limit.window_s)
        self._sent: list[float] = []
        self._clock = clock

    def take(self) -> float:
        """Return 0 and count a message; or count none, and return the seconds to wait before the next."""
        try:
            return self._take_from_file()
        except OSError:
            return self._take()

    def _take(self) -> float:
        now = self._clock()
        wait_s = self._careful.wait_s(self._sent, now)
        if not wait_s:
            self._sent = [*self._careful.recent(self._sent, now), now]
        return wait_s

    def _take_from_file(self) -> float:
        if self._path is None:
            raise FileNotFoundError
        _make_folder(self._path.parent)
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(self._path, flags, 0o600)
        try:
            _lock(descriptor)
            return self._take_from(descriptor)
        finally:
            os.close(descriptor)

    def _take_from(self, descriptor: int) -> float:
        now = self._clock()
        sent = _times(os.pread(descriptor, 65_536, 0))
        if sent is None:
            # Somebody was killed while writing: be careful.
            sent = [now] * (self._limit.most // 2)
            _write(descriptor, sent)
        wait_s = self._limit.wait_s(sent, now)
        if not wait_s:
            _write(descriptor, [*self._limit.recent(sent, now), now])
        return wait_s


def _times(data: bytes) -> list[float] | None:
    if not data:
        return []
    try:
        return [float(moment) for moment in json.loads(data)]
    except (ValueError, TypeError):
        return None


def _write(descriptor: int, sent: list[float]) -> None:
    data = json.dumps(sent).encode()
    if os.pwrite(descriptor, data, 0) < len(data):
        raise OSError("the disk is full")
    os.ftruncate(descriptor, len(data))


def _make_folder(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Below /tmp anybody may have made it, with links in it to files of ours.
    if folder.stat().st_uid not in (0, os.geteuid()):
        raise PermissionError(f"{folder} is somebody else's")


def _lock(descriptor: int) -> None:
    deadline = time.monotonic() + _LOCK_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_LOOK_AGAIN_S)
        else:
            return
