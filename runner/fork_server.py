"""The fork server: has imported what every process of a run needs, and forks them, so that they share it.

What modules take is two thirds of a small process's memory and most of its start. Each process is forked
twice: the one in between ends at once, and the kernel hands its child over to the runner
(PR_SET_CHILD_SUBREAPER, prctl(2)), who waits for it as for any child of its own. So nothing depends on
the fork server: where it dies, nobody else does.
"""

import gc
import os
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from ebats.runner import process

#: What it says when it has imported everything; else it says why it can't fork.
READY = b"ready"
#: A request is a byte for each of the ends of `process.main`: one comes with it, or there is none.
END, NO_END = b"+", b"-"
#: Beside the ends comes one from which the process reads a byte: by then it is the runner's.
_MOST_DESCRIPTORS = 8
_REQUEST_BYTES = 64


def main(line_fd: int, runner_pid: int, title: str) -> NoReturn:
    """Fork processes for the runner at the other end of the line, until that is closed.

    Each request is answered with a process id, 0 where the kernel allows no more processes.
    """
    process.die_with(runner_pid)
    process.set_title(title)
    line = socket.socket(fileno=line_fd)
    with suppress(OSError):  # the runner has gone
        line.send(_prepare())
        while True:
            request, descriptors, _, _ = socket.recv_fds(
                line, _REQUEST_BYTES, _MOST_DESCRIPTORS, socket.MSG_CMSG_CLOEXEC
            )
            if not request:
                break
            line.send(b"%d" % _fork(line, request, descriptors, runner_pid))
            for descriptor in descriptors:
                os.close(descriptor)
    os._exit(0)


def _prepare() -> bytes:
    """Import what processes need; return `READY`, or why they can't be forked from here."""
    from ebats.runner.roles import consumer  # noqa: F401  # it is to be there, not to be used here

    # fork(2) copies the calling thread only, and what others hold stays held for ever. What Python imports
    # by itself (sitecustomize) may have begun some.
    if len(list(Path("/proc/self/task").iterdir())) > 1:
        return b"something that is imported with Python itself has begun a thread"
    # No collection touches what is there already, so that it stays shared: the advice of gc.freeze().
    gc.disable()
    gc.freeze()
    return READY


def _fork(line: socket.socket, request: bytes, descriptors: list[int], runner_pid: int) -> int:
    told, tell = os.pipe()
    try:
        between = os.fork()
    except OSError:
        between = -1
    if between == 0:
        try:
            if child := os.fork():
                os.write(tell, b"%d" % child)
                os._exit(0)
            for descriptor in (told, tell, line.detach()):
                os.close(descriptor)
            _become(request, descriptors, runner_pid)
        finally:
            os._exit(1)
    os.close(tell)
    if between > 0:
        os.waitpid(between, 0)
    with os.fdopen(told, "rb") as pipe:
        return int(pipe.read() or 0)


def _become(request: bytes, descriptors: list[int], runner_pid: int) -> None:
    leave, *rest = descriptors
    if not os.read(leave, 1):
        return  # the runner has gone, or has done without this process
    os.close(leave)
    there = iter(rest)
    line, outbox, writer, facts = [next(there) if end == ord(END) else -1 for end in request]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    gc.enable()
    try:
        process.main(line, outbox, writer, facts, runner_pid)
    except SystemExit as leaves:  # a module that is tried may end its process
        if leaves.code is None or isinstance(leaves.code, int):
            os._exit(leaves.code or 0)
        sys.stderr.write(f"{leaves.code}\n")
    except BaseException as error:
        sys.excepthook(type(error), error, error.__traceback__)
    sys.stderr.flush()
