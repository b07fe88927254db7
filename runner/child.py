"""One child process, as its parent sees it: start, listen, stop, kill."""

import json
import signal
import socket
import subprocess
import time
from contextlib import suppress
from typing import Any

import msgspec

from ebats.pipelines.former import Former, to_data
from ebats.pipelines.plan import ProcessSpec
from ebats.runner.process import send_spec
from ebats.runner.starter import Start

#: So long a child may take to listen; one that doesn't is seen to elsewhere.
_TELL_S = 10.0


class Child:
    """A child process, from its start to its end."""

    def __init__(
        self,
        spec: ProcessSpec,
        start: Start,
        outbox: socket.socket,
        writer: socket.socket | None = None,
        facts: socket.socket | None = None,
    ) -> None:
        """Start a process that is what `spec` says; its records go to `outbox`, or come from `writer`.

        `facts` for alerts are sent there by the writer, and come from there to the alerter.
        """
        self.spec = spec
        self.line, theirs = socket.socketpair()
        others = (end.fileno() if end else -1 for end in (writer, facts))
        self._process = start([theirs.fileno(), outbox.fileno(), *others])
        theirs.close()
        self._rest = b""
        self.started_at = time.monotonic()
        self.heard_at = self.started_at
        #: Why it can't go on, where none that followed it could.
        self.unusable: str | None = None
        self.ready = False
        #: It has ended a run, or moved a suspect out of the way.
        self.got_somewhere = False
        #: What it said last about itself: counters.
        self.status: dict[str, Any] = {}
        #: And what else there is to know.
        self.about: dict[str, Any] = {}
        #: Why it leaves, once it has said so.
        self.leaving: str | None = None
        #: Whether it was asked for its counters, and has given them since.
        self.asked = self.answered = False
        #: The message that the lane works on.
        self.at_work: str | None = None
        #: Its parent has killed it.
        self.killed = False
        #: Lease queues that nobody needs: whoever finds it dead deletes them.
        self.loose: set[str] = set()
        with suppress(OSError):  # it has died already, and that is seen elsewhere
            send_spec(self.line, spec)
        self.line.setblocking(False)

    @property
    def pid(self) -> int:
        """Return the process id."""
        return self._process.pid

    @property
    def name(self) -> str:
        """Return what it is called in the log: `orders#2 (pid 4711)`."""
        return f"{self.spec.name} (pid {self.pid})"

    def ask(self) -> None:
        """Ask for the counters of this moment."""
        self.asked, self.answered = True, False
        self.say("report")

    def say(self, word: str) -> None:
        """Send one word; a child that is dead hears nothing, and that is seen elsewhere."""
        with suppress(OSError):
            self.line.send(word.encode() + b"\n")

    def go(self, former: Former) -> None:
        """Let the child begin; tell it what left the file since it was started."""
        # More than the line may hold at once, so this waits until the child has read it.
        self.line.settimeout(_TELL_S)
        with suppress(OSError):
            if former != self.spec.former:
                data = json.dumps(to_data(former), ensure_ascii=True).encode()
                self.line.sendall(b"former " + data + b"\n")
            self.line.sendall(b"go\n")
        self.line.setblocking(False)

    def read(self) -> list[dict[str, Any]]:
        """Return what the child has told since the last call."""
        data = b""
        try:
            while part := self.line.recv(65536):
                data += part
        except OSError:
            pass
        if not data:
            return []
        self.heard_at = time.monotonic()
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [msgspec.json.decode(line) for line in lines]

    def hear(self, words: dict[str, Any]) -> None:
        """Note what the child has told of itself."""
        self.ready = self.ready or "ready" in words
        if "status" in words:
            self.status, self.answered = words["status"], True
        self.about = words.get("about", self.about)
        self.leaving = words.get("leaving", self.leaving)
        self.unusable = words.get("unusable", self.unusable)
        if "starts" in words:
            self.at_work = words["starts"]
        if "ends" in words:
            self.at_work = None
        if "lease" in words:
            (self.loose.add if words["loose"] else self.loose.discard)(words["lease"])
        self.got_somewhere = self.got_somewhere or "progress" in words or "suspect" in words

    def exit_code(self) -> int | None:
        """Return how the process ended, negative for a signal; None: it lives."""
        return self._process.poll()

    def wait(self, timeout_s: float) -> int | None:
        """Return how the process ended, waiting at most so long for it; None: it lives."""
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None

    def kill(self) -> None:
        """End the process at once."""
        self.killed = True
        self._process.send_signal(signal.SIGKILL)

    def close(self) -> None:
        """Let go of the line, when the process has ended and all it told has been read."""
        self.line.close()
