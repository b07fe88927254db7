"""Says when nothing can be written to the embedded broker, for one process writes and comes to no end."""

import time
from pathlib import Path

from kombu.connection import Connection

from ebats.pipelines.model import Broker
from ebats.runner.broker.connect import Say
from ebats.runner.broker.sqlite import files, writers

#: A write takes milliseconds; a large one, or a slow disk, seconds.
_LONG_S = 5.0

#: Who writes, and how the log is: each write changes it.
_Seen = tuple[int, tuple[int, int] | None]


class Standstill:
    """Looks at who writes. For a process that doesn't write itself: it would wait with the others."""

    def __init__(self, broker: Broker, say: Say) -> None:
        """Say it by `say`; of RabbitMQ there is nothing to say."""
        url = broker.urls[0]
        is_embedded = url.startswith("sqlite:")
        self._files = files.locate(Connection(url).virtual_host) if is_embedded else None
        self._say = say
        self._seen: _Seen | None = None
        self._since = 0.0
        self._told = False

    def look(self) -> None:
        """See how it is; call it about once a second."""
        if self._files is None:
            return
        now, writer = time.monotonic(), writers.of(self._files)
        seen = (writer.pid, _state_of(self._files.wal)) if writer else None
        if seen is None or seen != self._seen:
            if self._told:
                self._say("info", f"the embedded broker is written to again, after {now - self._since:.0f} s")
            self._seen, self._since, self._told = seen, now, False
        elif writer and writer.is_awaited and not self._told and now - self._since > _LONG_S:
            self._told = True
            text = f"nothing has been written to the embedded broker for {now - self._since:.0f} s"
            self._say("warning", f"{text}: {writer.why()}; nothing is lost by that")


def _state_of(log: str) -> tuple[int, int] | None:
    try:
        status = Path(log).stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
