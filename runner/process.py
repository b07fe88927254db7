"""A child process from its first line to its last: who it is, how it leaves."""

import ctypes
import os
import pickle
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import setproctitle

from ebats.pipelines.entry_point import EntryPoint
from ebats.pipelines.plan import ProcessSpec
from ebats.runner.execution.journal import Journal
from ebats.runner.execution.outbox import Outbox
from ebats.runner.execution.process_log import Source
from ebats.runner.roles.parent import Parent

_PR_SET_PDEATHSIG = 1
_RECORDS_S = 5.0
#: The writer tells how its sinks are.
_TELL_EVERY_S = 1.0
_HEADER = struct.Struct("!I")


def send_spec(line: socket.socket, spec: ProcessSpec) -> None:
    """Send a child what it is to be; `receive_spec` is the other end."""
    data = pickle.dumps(spec)
    line.sendall(_HEADER.pack(len(data)) + data)


def receive_spec(line: socket.socket) -> ProcessSpec:
    """Return what the parent sent.

    Raises:
        EOFError: the parent has gone.
    """
    (size,) = _HEADER.unpack(_exactly(line, _HEADER.size))
    spec = pickle.loads(_exactly(line, size))
    assert isinstance(spec, ProcessSpec)
    return spec


def _exactly(line: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = line.recv(size - len(data))
        if not part:
            raise EOFError("the parent has gone")
        data += part
    return data


def main(line_fd: int, outbox_fd: int, writer_fd: int, parent_pid: int) -> None:
    """Be the child process that the parent describes on the line. Never returns.

    `line_fd` is the line to the parent, `outbox_fd` where records are sent, and `writer_fd` where
    they are received: for the writer alone, else -1.
    """
    _die_with(parent_pid)
    line = socket.socket(fileno=line_fd)
    parent = Parent(line)
    try:
        spec = receive_spec(line)
    except EOFError:
        os._exit(1)
    setproctitle.setproctitle(spec.title)
    # Tasks are found as the file names them: from its folder.
    sys.path.insert(0, spec.pipeline.folder)
    _ROLES[spec.role](spec, parent, outbox_fd, writer_fd)
    with suppress(OSError):  # nobody reads them any more
        sys.stdout.flush()
        sys.stderr.flush()
    # Threads that hang would keep the interpreter from ending.
    os._exit(0)


def _die_with(parent_pid: int) -> None:
    """Let the kernel end this process when its parent dies, where it can (Linux, prctl(2)).

    Elsewhere the line to the parent closes, and the process leaves by itself.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent_pid:
            os._exit(1)


def _consumer(spec: ProcessSpec, parent: Parent, outbox_fd: int, _writer_fd: int) -> None:
    from ebats.runner.roles import consumer

    _with_journal(consumer.run, spec, parent, outbox_fd)


def _lane(spec: ProcessSpec, parent: Parent, outbox_fd: int, _writer_fd: int) -> None:
    from ebats.runner.roles import lane

    _with_journal(lane.run, spec, parent, outbox_fd)


def _gateway(spec: ProcessSpec, parent: Parent, outbox_fd: int, _writer_fd: int) -> None:
    from ebats.runner.roles import gateway

    _with_journal(gateway.run, spec, parent, outbox_fd)


def _feeder(spec: ProcessSpec, parent: Parent, outbox_fd: int, _writer_fd: int) -> None:
    from ebats.runner.roles import feeder

    _with_journal(feeder.run, spec, parent, outbox_fd)


def _ticker(spec: ProcessSpec, parent: Parent, outbox_fd: int, _writer_fd: int) -> None:
    from ebats.runner.roles import ticker

    _with_journal(ticker.run, spec, parent, outbox_fd)


def _with_journal(
    run: Callable[[ProcessSpec, Journal, Parent], None], spec: ProcessSpec, parent: Parent, outbox_fd: int
) -> None:
    pipeline = spec.pipeline
    if not parent.wait_for_go():
        return
    spec = replace(spec, former=parent.former or spec.former)
    source = Source(pipeline=pipeline.name, process=spec.name, environment=pipeline.environment)
    outbox = Outbox(outbox_fd, source)
    journal = Journal(pipeline, spec.name, outbox, with_payload=spec.with_payload)
    code = 0
    try:
        run(spec, journal, parent)
    except Exception as error:
        import traceback

        text = f"can't go on: {type(error).__name__}: {error}"
        journal.log.error(text, traceback=traceback.format_exc())
        parent.tell(failed=text)
        code = 1
    outbox.close(_RECORDS_S)
    if code:
        os._exit(code)


def _writer(spec: ProcessSpec, parent: Parent, _outbox_fd: int, writer_fd: int) -> None:
    from ebats.runner.roles.writer import Writer
    from ebats.runner.sinks.setting import Setting
    from ebats.runner.state import folder_of

    pipeline = spec.pipeline
    setting = Setting(
        pipeline=pipeline.name,
        folder=pipeline.folder,
        environment=pipeline.environment,
        broker_system="sqlite" if pipeline.broker.urls[0].startswith("sqlite:") else "rabbitmq",
        tasks=pipeline.tasks,
        state=str(folder_of(pipeline)),
    )
    with socket.socket(fileno=writer_fd) as receive:
        writer = Writer(pipeline.sinks, setting, receive)
        parent.tell(ready=True)
        # Not on SIGTERM: it is told to stop when all the others have gone.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)

        told_at = 0.0

        def should_stop() -> bool:
            nonlocal told_at
            parent.listen(0.0)
            if time.monotonic() - told_at > _TELL_EVERY_S:
                told_at = time.monotonic()
                parent.tell(about=writer.status())
            return parent.stop or parent.gone

        parent.tell(about=writer.serve(should_stop))


def _trial(spec: ProcessSpec, parent: Parent, _outbox_fd: int, _writer_fd: int) -> None:
    from ebats.runner.roles.functions import problems

    def named(entry: EntryPoint) -> list[str | int]:
        return [str(entry), entry.place.file, entry.place.line, entry.place.column]

    # Each is told before it is imported: one that ends this process is known by that.
    found = problems(spec.pipeline, lambda entry: parent.tell(trying=named(entry)))
    parent.tell(problems=[[*named(entry), text] for entry, text in found])


_ROLES: dict[str, Callable[[ProcessSpec, Parent, int, int], None]] = {
    "consumer": _consumer,
    "lane": _lane,
    "gateway": _gateway,
    "feeder": _feeder,
    "ticker": _ticker,
    "writer": _writer,
    "trial": _trial,
}
