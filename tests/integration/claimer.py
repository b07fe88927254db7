"""Processes that take messages and are killed with them: forked, so that each costs milliseconds.

`python -m tests.integration.claimer` reads lines of JSON from standard input (url, queue, count); for each it
forks a process that takes so many messages, prints them as a line of JSON, and waits to be killed.
"""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import ebats  # noqa: F401 - makes sqlite:/// known to kombu
from tests.integration.actor import REPOSITORY
from tests.integration.wire import Wire, body, headers


@dataclass(frozen=True, slots=True)
class Claimed:
    """A process that holds messages."""

    pid: int
    messages: list[dict[str, Any]]


class Claimers:
    """Starts such processes, and kills them."""

    def __init__(self) -> None:
        """Start the process that forks."""
        self._parent = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.claimer"],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._pids: set[int] = set()

    def claim(self, url: str, queue: str, count: int) -> Claimed:
        """Return a process that holds up to so many messages of a queue."""
        assert self._parent.stdin
        assert self._parent.stdout
        self._parent.stdin.write(json.dumps([url, queue, count]) + "\n")
        self._parent.stdin.flush()
        said = json.loads(self._parent.stdout.readline())
        self._pids.add(said["pid"])
        return Claimed(said["pid"], said["messages"])

    def kill(self, claimed: Claimed) -> None:
        """Kill a process as a crash would."""
        self._pids.discard(claimed.pid)
        with suppress(ProcessLookupError):
            os.kill(claimed.pid, signal.SIGKILL)

    def kill_all(self) -> None:
        """Kill what is left."""
        for pid in list(self._pids):
            self.kill(Claimed(pid, []))

    def close(self) -> None:
        """End all processes."""
        self.kill_all()
        self._parent.__exit__(None, None, None)


def seen(message: Any) -> dict[str, Any]:
    """Return what a test looks at of a delivery."""
    return {
        "body": body(message).decode(),
        "exchange": message.delivery_info["exchange"],
        "key": message.delivery_info["routing_key"],
        "redelivered": message.delivery_info["redelivered"],
        "count": headers(message).get("x-delivery-count"),
        "deaths": [
            [death["queue"], death["reason"], death["count"]] for death in headers(message).get("x-death", [])
        ],
    }


def _claim(url: str, queue: str, count: int) -> None:
    wire = Wire(url)
    got = [message for _ in range(count) if (message := wire.channel.basic_get(queue)) is not None]
    line = json.dumps({"pid": os.getpid(), "messages": [seen(message) for message in got]})
    os.write(1, f"{line}\n".encode())
    signal.pause()


def main() -> None:
    """Fork for each line, until there are no more."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    for line in sys.stdin:
        if os.fork() == 0:
            try:
                _claim(*json.loads(line))
            finally:
                os._exit(1)


if __name__ == "__main__":
    main()
