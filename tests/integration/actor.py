"""A process that uses the broker beside a test, so that it can be killed.

`python -m tests.integration.actor URL ROLE`, which is `lock QUEUE`, `hold QUEUE COUNT`,
`work QUEUE PREFETCH`, `send QUEUE COUNT` or `move QUEUE TARGET AT_ONCE`, prints a line for what it has
done, and then waits to be ended.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ebats  # noqa: F401  (makes sqlite:/// known to kombu)
from ebats.runner.broker.move import Moved, move
from ebats.runner.execution.delivery import Delivery
from ebats.runner.execution.settle import Outgoing
from tests.integration.wire import Wire, body, tag
from tests.waiting import wait_until

REPOSITORY = Path(__file__).parent.parent.parent


class Actor:
    """A running actor, seen from the test."""

    def __init__(self, process: subprocess.Popen[bytes], output: Path) -> None:
        """Take the process and the file that it prints to."""
        self.process = process
        self._output = output

    @property
    def lines(self) -> list[str]:
        """The whole lines printed so far."""
        return self._output.read_text().split("\n")[:-1]

    def wait_for_lines(self, count: int, deadline_s: float = 20) -> list[str]:
        """Wait until so many lines were printed."""
        wait_until(lambda: len(self.lines) >= count or self.process.poll() is not None, deadline_s)
        assert len(self.lines) >= count, f"exit {self.process.poll()}: {self._output.read_text()}"
        return self.lines

    def kill(self) -> None:
        """Kill the process as a crash would."""
        self.process.kill()
        self.process.wait()

    def pause(self) -> None:
        """Freeze the process."""
        self.process.send_signal(signal.SIGSTOP)


@contextmanager
def actor(url: str, *args: str) -> Iterator[Actor]:
    """Run an actor beside the test and kill it afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "output"
        with output.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.integration.actor", url, *args],
                cwd=REPOSITORY,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        running = Actor(process, output)
        try:
            yield running
        finally:
            running.kill()


def _lock(wire: Wire, queue: str) -> None:
    wire.channel.queue_declare(queue, exclusive=True, durable=False, auto_delete=False)
    _say("locked")
    signal.pause()


def _hold(wire: Wire, queue: str, count: str) -> None:
    wire.channel.basic_qos(0, int(count), False)
    wire.channel.basic_consume(queue, callback=lambda message: _say(_text(message)))
    wire.drain_until(lambda: False, "the end", deadline_s=600)


def _work(wire: Wire, queue: str, prefetch: str) -> None:
    def handle(message: Any) -> None:
        time.sleep(0.001)  # some work, so that a kill finds it in the middle
        _say(_text(message))
        wire.channel.basic_ack(tag(message))

    wire.channel.basic_qos(0, int(prefetch), False)
    wire.channel.basic_consume(queue, callback=handle)
    wire.drain_until(lambda: False, "the end", deadline_s=600)


def _send(wire: Wire, queue: str, count: str) -> None:
    wire.send(queue, *(f"{os.getpid()}-{number}" for number in range(int(count))))
    _say("sent")
    signal.pause()


def _move(wire: Wire, queue: str, target: str, at_once: str) -> None:
    def follow(delivery: Delivery) -> list[Outgoing]:
        return [Outgoing("", target, delivery.body, {}, {"delivery_mode": 2})]

    def tell(moved: Moved) -> None:
        time.sleep(0.003)  # so that a kill finds it in the middle
        _say(str(moved.taken))

    move(wire.connection, queue, follow, at_once=int(at_once), on_progress=tell)
    _say("moved")
    signal.pause()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _text(message: Any) -> str:
    return body(message).decode()


ROLES: dict[str, Callable[..., None]] = {
    "lock": _lock,
    "hold": _hold,
    "work": _work,
    "send": _send,
    "move": _move,
}

if __name__ == "__main__":
    ROLES[sys.argv[2]](Wire(sys.argv[1]), *sys.argv[3:])
