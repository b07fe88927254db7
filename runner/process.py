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
from typing import TYPE_CHECKING, NamedTuple

import setproctitle

from ebats.pipelines.entry_point import EntryPoint
from ebats.pipelines.model import Pipeline
from ebats.pipelines.plan import ProcessSpec
from ebats.pipelines.problems import EbatsError
from ebats.runner.execution.journal import Journal
from ebats.runner.execution.outbox import Outbox
from ebats.runner.execution.process_log import Source
from ebats.runner.roles.heap import share_heaps
from ebats.runner.roles.parent import Parent

if TYPE_CHECKING:
    from ebats.runner.alerts.tally import Tally

#: What a role does.
Run = Callable[[ProcessSpec, Journal, Parent], None]

#: A process exits so, and the run with it, where it would be no use to start it again.
UNUSABLE = 78
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


class Ends(NamedTuple):
    """Descriptors that a child process is given."""

    #: Where its records are sent.
    outbox: int
    #: Where records are received: the writer's.
    writer: int
    #: Where facts for alerts are sent (the writer's), or received (the alerter's); -1: there are none.
    facts: int


def main(line_fd: int, outbox_fd: int, writer_fd: int, facts_fd: int, parent_pid: int) -> None:
    """Be the child process that the parent describes on the line. Never returns.

    `line_fd` is the line to the parent; for the others see `Ends`.
    """
    die_with(parent_pid)
    share_heaps()
    line = socket.socket(fileno=line_fd)
    parent = Parent(line)
    try:
        spec = receive_spec(line)
    except EOFError:
        os._exit(1)
    set_title(spec.title)
    # Tasks are found as the file names them: from its folder, and from those of the files that it includes.
    sys.path[:0] = spec.pipeline.folders
    _ROLES[spec.role](spec, parent, Ends(outbox_fd, writer_fd, facts_fd))
    with suppress(OSError):  # nobody reads them any more
        sys.stdout.flush()
        sys.stderr.flush()
    # Threads that hang would keep the interpreter from ending.
    os._exit(0)


def set_title(title: str) -> None:
    """Let this process be listed under a name."""
    setproctitle.setproctitle(title)


def die_with(parent_pid: int) -> None:
    """Let the kernel end this process when its parent dies, where it can (Linux, prctl(2)).

    Elsewhere the line to the parent closes, and the process leaves by itself.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent_pid:
            os._exit(1)


def _consumer(spec: ProcessSpec, parent: Parent, ends: Ends) -> None:
    from ebats.runner.roles import consumer

    _with_journal(consumer.run, spec, parent, ends)


def _lane(spec: ProcessSpec, parent: Parent, ends: Ends) -> None:
    from ebats.runner.roles import lane

    _with_journal(lane.run, spec, parent, ends)


def _gateway(spec: ProcessSpec, parent: Parent, ends: Ends) -> None:
    from ebats.runner.roles import gateway

    _with_journal(gateway.run, spec, parent, ends)


def _feeder(spec: ProcessSpec, parent: Parent, ends: Ends) -> None:
    from ebats.runner.roles import feeder

    _with_journal(feeder.run, spec, parent, ends)


def _ticker(spec: ProcessSpec, parent: Parent, ends: Ends) -> None:
    from ebats.runner.roles import ticker

    _with_journal(ticker.run, spec, parent, ends)


def _alerter(spec: ProcessSpec, parent: Parent, ends: Ends) -> None:
    from ebats.runner.roles import alerter
    from ebats.runner.state import folder_of

    # Before the run begins, too: a broker that is away keeps it from beginning.
    with socket.socket(fileno=ends.facts) as facts:
        place = alerter.Place(facts, folder_of(spec.pipeline))
        _speaking(lambda spec, journal, parent: alerter.run(spec, journal, parent, place), spec, parent, ends)


def _with_journal(run: Run, spec: ProcessSpec, parent: Parent, ends: Ends) -> None:
    if parent.wait_for_go():
        _speaking(run, replace(spec, former=parent.former or spec.former), parent, ends)


def _speaking(run: Run, spec: ProcessSpec, parent: Parent, ends: Ends) -> None:
    """Do what a role does, with a way for its records; what ends it is written down."""
    pipeline = spec.pipeline
    source = Source(pipeline=pipeline.name, process=spec.name, environment=pipeline.environment)
    outbox = Outbox(ends.outbox, source)
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
        if isinstance(error, EbatsError) and error.exit_code == UNUSABLE:
            parent.tell(unusable=str(error))
            code = UNUSABLE
    outbox.close(_RECORDS_S)
    if code:
        os._exit(code)


def _writer(spec: ProcessSpec, parent: Parent, ends: Ends) -> None:
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
    tally = _tally(pipeline, ends)
    with socket.socket(fileno=ends.writer) as receive:
        writer = Writer(pipeline.sinks, setting, receive, tally)
        parent.tell(ready=True)
        # Not on SIGTERM: it is told to stop when all the others have gone.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)

        told_at, goes = 0.0, False

        def should_stop() -> bool:
            nonlocal told_at, goes
            # Before, the parent may wait for the broker, and read nothing.
            goes = "go" in parent.listen(0.0) or goes
            if goes and time.monotonic() - told_at > _TELL_EVERY_S:
                told_at = time.monotonic()
                parent.tell(about=writer.status())
            return parent.stop or parent.gone

        parent.tell(about=writer.serve(should_stop))


def _tally(pipeline: Pipeline, ends: Ends) -> "Tally | None":
    if pipeline.alerts is None:
        return None
    from ebats.runner.alerts.tally import Tally

    return Tally(pipeline.alerts, socket.socket(fileno=ends.facts))


def _trial(spec: ProcessSpec, parent: Parent, _ends: Ends) -> None:
    from ebats.runner.roles.functions import problems

    def named(entry: EntryPoint) -> list[str | int]:
        return [str(entry), entry.place.file, entry.place.line, entry.place.column]

    # Each is told before it is imported: one that ends this process is known by that.
    found = problems(spec.pipeline, lambda entry: parent.tell(trying=named(entry)))
    parent.tell(problems=[[*named(entry), text] for entry, text in found])


_ROLES: dict[str, Callable[[ProcessSpec, Parent, Ends], None]] = {
    "consumer": _consumer,
    "lane": _lane,
    "gateway": _gateway,
    "feeder": _feeder,
    "ticker": _ticker,
    "writer": _writer,
    "alerter": _alerter,
    "trial": _trial,
}
