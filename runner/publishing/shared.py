"""A process's own connection for publishing: opened when it is needed, and anew in a forked child."""

import atexit
import os
import threading
import weakref

from ebats.pipelines.model import Broker
from ebats.runner.broker.connect import Say
from ebats.runner.broker.publish import Publisher

#: At the exit of the interpreter: for what is on its way.
_EXIT_S = 5.0

_all: "weakref.WeakSet[Shared]" = weakref.WeakSet()


class Voice:
    """Passes on how a connection is, and keeps what is wrong with it."""

    def __init__(self, say: Say) -> None:
        self._say = say
        #: What was said last to be wrong.
        self.trouble = ""

    def say(self, level: str, text: str) -> None:
        """Say something about the connection."""
        if level == "warning":
            self.trouble = text.removesuffix("; trying on")
        self._say(level, text)


class Shared:
    """One publishing thread for all threads and event loops of a process; it ends with this object."""

    def __init__(self, broker: Broker, say: Say) -> None:
        """Publish to a broker; `say` is told, on that thread, how the connection is."""
        self._broker = broker
        # The thread must not hold on to this object.
        self.voice = Voice(say)
        self._publisher: Publisher | None = None
        self._finish: weakref.finalize[[], Shared] | None = None
        self._lock = threading.Lock()
        _all.add(self)

    def publisher(self) -> Publisher:
        """Return the process's publisher; it may not be connected yet."""
        publisher = self._publisher
        if publisher is not None and not publisher.ended:
            return publisher
        with self._lock:
            if self._publisher is None or self._publisher.ended:
                self._publisher = Publisher(self._broker, self.voice.say)
                self._publisher.start()
                self._finish = weakref.finalize(self, self._publisher.finish)
                self._finish.atexit = False
            return self._publisher

    def why(self) -> str:
        """Return what is wrong with the connection; empty: nothing is."""
        publisher = self._publisher
        return "" if publisher is None or publisher.is_served else self.voice.trouble

    def close(self, timeout_s: float) -> bool:
        """Wait until all is confirmed, at most so long, and close; return whether all was."""
        with self._lock:
            publisher, self._publisher = self._publisher, None
        return publisher is None or publisher.close(timeout_s)

    def forget(self) -> None:
        """Begin anew, in a forked child: thread, connection and lock are the parent's."""
        if self._finish:
            self._finish.detach()
        self._publisher = self._finish = None
        self._lock = threading.Lock()


def _forget_all() -> None:
    for shared in list(_all):
        shared.forget()


def _close_all() -> None:
    for shared in list(_all):
        shared.close(_EXIT_S)


# The link to the broker has let go of the parent's connection before: it was imported first.
os.register_at_fork(after_in_child=_forget_all)
# The embedded broker, too, closes what is open at the exit; what is registered later is called earlier.
atexit.register(_close_all)
