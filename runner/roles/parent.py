"""A child's line to its parent: what it tells, what it is told, and that the parent lives."""

import os
import select
import signal
import socket
import threading
from collections.abc import Iterable
from typing import Any

import msgspec

from ebats.pipelines.former import Former, from_data


def _forget_signals() -> None:
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)


class Parent:
    """The child's end of the line. One JSON object a line to the parent, one word a line from it."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._line.setblocking(True)
        self._rest = b""
        self._lock = threading.Lock()
        self._woken, wake = os.pipe()
        os.set_blocking(wake, False)
        os.set_blocking(self._woken, False)
        #: The parent is dead.
        self.gone = False
        #: This process was asked to leave, by its parent or by a signal.
        self.stop = False
        #: What left the file, where the parent has told.
        self.former: Former | None = None
        signal.signal(signal.SIGTERM, self._on_sigterm)
        # A Ctrl-C at the terminal reaches the whole group; the parent says what follows from it.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        # What a task forks answers to signals as any process does.
        os.register_at_fork(after_in_child=_forget_signals)

    def _on_sigterm(self, _number: int, _frame: object) -> None:
        self.stop = True

    def tell(self, **words: Any) -> None:
        """Send one message, from any thread. Then it is safe, even if this process dies at once."""
        data = msgspec.json.encode(words) + b"\n"
        try:
            with self._lock:
                self._line.sendall(data)
        except OSError:
            self.gone = True

    def wait_for_go(self) -> bool:
        """Wait until the parent says that all is ready; False: it won't be."""
        while not (self.gone or self.stop):
            if "go" in self.listen(60.0):
                return True
        return False

    def listen(self, timeout_s: float) -> Iterable[str]:
        """Return the words that came, after waiting at most so long for one, or for a signal."""
        readable, _, _ = select.select([self._line.fileno(), self._woken], [], [], timeout_s)
        if self._woken in readable:
            os.read(self._woken, 4096)
        if self._line.fileno() not in readable:
            return ()
        try:
            data = self._line.recv(65536)
        except OSError:
            data = b""
        if not data:
            self.gone = True
            return ()
        *lines, self._rest = (self._rest + data).split(b"\n")
        words = [line.decode() for line in lines]
        for word in words:
            if word.startswith("former "):
                self.former = from_data(msgspec.json.decode(word.removeprefix("former ")))
        self.stop = self.stop or "stop" in words
        return words
