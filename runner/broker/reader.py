"""Reading what the broker sends on a connection that one thread uses: wait for it, then take all of it."""

import select
import time
from contextlib import AbstractContextManager, nullcontext

from kombu.connection import Connection

from ebats.runner.broker.frames import Frames

_HEARTBEAT_CHECK_S = 1.0


class Reader:
    """What arrives on one open connection: callbacks are called from `read`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        raw = connection.connection
        # The embedded broker has none.
        frames = Frames(raw) if hasattr(raw, "on_inbound_frame") else None
        self._frames = frames if frames and frames.is_fast else None
        self._checked_at = time.monotonic()

    def read(self, timeout_s: float) -> None:
        """Take what has arrived; wait for something, but not longer.

        Raises:
            BROKER_ERRORS: the connection is lost, or the broker has closed the channel.
        """
        if self._frames is None:
            self._read_slowly(timeout_s)
        else:
            self._read_frames(self._frames, timeout_s)
        now = time.monotonic()
        if now - self._checked_at >= _HEARTBEAT_CHECK_S:
            self._checked_at = now
            if self._connection.get_heartbeat_interval():
                self._connection.heartbeat_check()

    def corked(self) -> AbstractContextManager[None]:
        """Collect what is written inside, and write it at once. Nothing inside may wait for an answer."""
        return self._frames.corked() if self._frames else nullcontext()

    def _read_frames(self, frames: Frames, timeout_s: float) -> None:
        waiter = select.poll()  # not select: it takes no descriptor over 1023
        waiter.register(self._connection.connection.sock, select.POLLIN)
        waiter.poll(1000 * timeout_s)
        while frames.read():
            pass

    def _read_slowly(self, timeout_s: float) -> None:
        try:
            self._connection.drain_events(timeout=timeout_s)
        except TimeoutError:
            return
