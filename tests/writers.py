"""Writers to test: as a process, or as a thread of the test."""

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from ebats.pipelines.sink import Sink
from ebats.runner.execution.outbox import Source, open_channel
from ebats.runner.roles.writer import Writer, WriterStatus
from ebats.runner.sinks.setting import Setting

SOURCE = Source(pipeline="shop", process="orders#1")
Channel = tuple[socket.socket, socket.socket]

# A writer process: its arguments are the receiving end and the file to write; it stops on SIGTERM.
PROGRAM = """
import signal, socket, sys, threading
from ebats.pipelines.sink import FileSink
from ebats.runner.roles.writer import Writer
from ebats.runner.sinks.setting import Setting
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
receive = socket.socket(fileno=int(sys.argv[1]))
sinks = (FileSink(name="history", path=sys.argv[2], rotation=200_000),)
writer = Writer(sinks, Setting(pipeline="shop", folder="/"), receive)
print("ready", flush=True)
status = writer.serve(stop.is_set)
print(status["sinks"]["history"]["written"], flush=True)
receive.detach()
"""


@pytest.fixture
def channel() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Give the sending and the receiving end; the test is the parent that keeps both."""
    ends = open_channel()
    yield ends
    for end in ends:
        end.close()


@contextmanager
def writer_process(receive: socket.socket, path: Path) -> Iterator[subprocess.Popen[str]]:
    fd = receive.fileno()
    command = [sys.executable, "-c", PROGRAM, str(fd), str(path)]
    with subprocess.Popen(command, pass_fds=(fd,), stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


@contextmanager
def serving(
    sinks: tuple[Sink, ...], folder: Path, receive: socket.socket
) -> Iterator[tuple[Writer, Callable[[], WriterStatus]]]:
    """Run a writer in a thread; what is given along stops it and returns the final counts."""
    stop = threading.Event()
    final: list[WriterStatus] = []
    writer = Writer(sinks, Setting(pipeline="shop", folder=str(folder), environment="test"), receive)
    thread = threading.Thread(target=lambda: final.append(writer.serve(stop.is_set)))
    thread.start()

    def finish() -> WriterStatus:
        stop.set()
        thread.join(30)
        return final[0]

    try:
        yield writer, finish
    finally:
        stop.set()
        thread.join(30)


def records(folder: Path, pattern: str = "*.jsonl") -> list[dict[str, object]]:
    """Return what stands in the files; fails where a line isn't JSON."""
    return [json.loads(line) for path in folder.glob(pattern) for line in path.read_text().splitlines()]


def ids(folder: Path) -> list[int]:
    return sorted(int(str(record["id"])) for record in records(folder) if record["kind"] == "execution")


def lines_in(folder: Path) -> int:
    """Count the whole lines of files that are being written and rotated meanwhile."""
    count = 0
    for path in folder.glob("*.jsonl"):
        with suppress(FileNotFoundError):
            count += path.read_bytes().count(b"\n")
    return count
