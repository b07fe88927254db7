"""Starts the processes of a run: forked from a fork server where there can be one, else each by itself."""

import ctypes
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Protocol

from ebats.runner.broker.connect import Say
from ebats.runner.endings import how_it_ended
from ebats.runner.fork_server import END, NO_END, READY

_PR_SET_CHILD_SUBREAPER = 36
_PROGRAM = "from ebats.runner.process import main; main({}, {})"
#: A Ctrl-C, and the SIGTERM of a service manager, reach everybody: the runner says what follows from it.
_SERVER = """
import signal
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
from ebats.runner.fork_server import main
main({}, {}, {!r})
"""
#: So long the fork server may take for an answer, and for its imports; then it is done without.
_ANSWER_S = 30.0
_ANSWER_BYTES = 256
_END_S = 5.0
_POLL_S = 0.02
_NO_HANDING_OVER = "the kernel doesn't hand processes over"


class Process(Protocol):
    """A child process that was started: what is used of `subprocess.Popen`, which is one."""

    @property
    def pid(self) -> int: ...
    def poll(self) -> int | None: ...
    def wait(self, timeout: float) -> int: ...
    def send_signal(self, sig: int) -> None: ...


#: Starts a process that is given these ends: see `process.main`.
Start = Callable[[Sequence[int]], Process]


class Forked:
    """A child process that was handed over to this one: as `subprocess.Popen`."""

    def __init__(self, pid: int) -> None:
        """Wait for a process from now on.

        Raises:
            ChildProcessError: it is no child of this one.
        """
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        self.pid = pid
        self._code: int | None = None

    def poll(self) -> int | None:
        """Return how it ended, negative for a signal; None: it lives."""
        if self._code is None:
            ended, status = os.waitpid(self.pid, os.WNOHANG)
            self._code = os.waitstatus_to_exitcode(status) if ended else None
        return self._code

    def wait(self, timeout: float) -> int:
        """Return how it ended.

        Raises:
            subprocess.TimeoutExpired: it lives, after so many seconds.
        """
        until = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > until:
                raise subprocess.TimeoutExpired(str(self.pid), timeout)
            time.sleep(_POLL_S)
        return code

    def send_signal(self, sig: int) -> None:
        """Send a signal, if it lives: until it was waited for, its id is nobody else's."""
        if self.poll() is None:
            os.kill(self.pid, sig)


class Starter:
    """Starts processes; and a new fork server where the old one has died."""

    def __init__(self, pipeline: str, say: Say, *, answer_s: float = _ANSWER_S) -> None:
        """Begin a fork server, where there are any: on Linux. It may take `answer_s` for an answer."""
        self._title = f"ebats: {pipeline} fork server"
        self._say = say
        self._answer_s = answer_s
        self._is_of_use = sys.platform == "linux"
        self._server: _ForkServer | None = None
        self._begin()

    def start(self, ends: Sequence[int]) -> Process:
        """Start a process with these ends: the descriptors that `process.main` takes, -1 for none."""
        if self._server and (forked := self._forked(self._server, ends)):
            return forked
        program = _PROGRAM.format(", ".join(map(str, ends)), os.getpid())
        return _python(program, [end for end in ends if end >= 0])

    def close(self) -> None:
        """Let the fork server end."""
        if self._server:
            self._server.close()
        self._server, self._is_of_use = None, False

    def _begin(self) -> None:
        self._server = _ForkServer(self._title, self._answer_s) if self._is_of_use else None

    def _forked(self, server: "_ForkServer", ends: Sequence[int]) -> Forked | None:
        try:
            return server.fork(ends)
        except _NoUse as why:
            self._say("info", f"processes share no memory, each imports everything by itself: {why}")
            self._is_of_use = False
        except _Gone as why:
            self._say("warning", f"the fork server (pid {server.pid}) {why}; another one begins")
        server.close()
        self._begin()
        return None


class _Gone(Exception):
    """Raised when the fork server has died, or doesn't answer: another one will."""


class _NoUse(Exception):
    """Raised when processes can't be forked here, now or later."""


class _ForkServer:
    """The fork server, as the runner sees it."""

    def __init__(self, title: str, answer_s: float) -> None:
        self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._line.settimeout(answer_s)
        self._is_ready = False
        program = _SERVER.format(theirs.fileno(), os.getpid(), title)
        self._popen = _python(program, [theirs.fileno()])
        theirs.close()

    @property
    def pid(self) -> int:
        return self._popen.pid

    def fork(self, ends: Sequence[int]) -> Forked | None:
        """Return a new process of this one; None: the kernel allows none.

        Raises:
            _Gone, _NoUse: there is none, nor will there be.
        """
        if not self._is_ready and (answer := self._answer()) != READY:
            raise _NoUse(answer.decode())
        self._is_ready = True
        read, write = os.pipe()
        try:
            with _adopting():
                self._ask(read, ends)
                pid = int(self._answer())
            forked = Forked(pid) if pid else None
            os.write(write, b"\n")
        except ChildProcessError:
            raise _NoUse(_NO_HANDING_OVER) from None
        finally:
            # Without that byte a process of which nobody has heard ends by itself.
            os.close(read)
            os.close(write)
        return forked

    def _ask(self, leave: int, ends: Sequence[int]) -> None:
        request = b"".join(NO_END if end < 0 else END for end in ends)
        with suppress(OSError):  # it has died: there is no answer
            socket.send_fds(self._line, [request], [leave, *(end for end in ends if end >= 0)])

    def _answer(self) -> bytes:
        try:
            answer = self._line.recv(_ANSWER_BYTES)
        except TimeoutError:
            self._popen.kill()
            raise _Gone(f"didn't answer for {self._line.gettimeout():g} s and was killed") from None
        except OSError:
            answer = b""
        if answer:
            return answer
        how = how_it_ended(self._popen.wait(_END_S))
        raise _Gone(f"died: {how}") if self._is_ready else _NoUse(f"the fork server died: {how}")

    def close(self) -> None:
        """Let it end; or see to it, where it doesn't."""
        self._line.close()
        try:
            self._popen.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()


def _python(program: str, descriptors: Sequence[int]) -> "subprocess.Popen[bytes]":
    # Without -P a `queue.py` in the current folder would be everybody's queue module.
    command = [sys.executable, "-P", "-c", program]
    return subprocess.Popen(command, pass_fds=descriptors, stdin=subprocess.DEVNULL)


@contextmanager
def _adopting() -> Iterator[None]:
    """Be the one to whom the kernel hands over processes whose parents end (prctl(2)).

    For a moment only: else those that tasks leave behind would be the runner's to wait for.
    """
    prctl = ctypes.CDLL(None).prctl
    if prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise _NoUse(_NO_HANDING_OVER)
    try:
        yield
    finally:
        prctl(_PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
