"""A server that a test process owns: it can be killed and started again, and ends with whoever started it."""

import os
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Self

import psutil

#: Runs a program in a process group of its own, and ends that group when standard input closes: when
#: whoever started it is gone. What comes first is run beside it.
_GUARD = 'exec 3<&0 </dev/null; (read _ <&3; kill -KILL 0) & exec 3<&-; {first}exec "$@"'


def guarded(*command: str, first: str = "") -> list[str]:
    """Build the command line that runs the arguments as the same user and ends with its starter.

    `first` is shell code that is run before it.
    """
    return ["sh", "-c", _GUARD.format(first=first), "sh", *command]


class Guarded:
    """A program in a folder of its own; `start()` runs it with `_run()`."""

    folder: Path
    _process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        """Start it and wait until it serves."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self.remove()

    @property
    def running(self) -> bool:
        """Whether its processes are there."""
        return self._process is not None and self._process.poll() is None

    @property
    def log(self) -> str:
        """What it printed."""
        path = self.folder / "output"
        return path.read_text(errors="replace") if path.exists() else ""

    def stop(self) -> None:
        """Stop it as an operator would, then whatever is left of it."""
        if self.running:
            assert self._process is not None
            os.kill(self.pid, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):  # killed next
                self._process.wait(30)
        self.kill()

    def kill(self) -> None:
        """Kill it and its helpers at once, and wait until its ports are free."""
        if self._process is None:
            return
        assert self._process.stdin is not None
        helpers = self._helpers()
        with suppress(ProcessLookupError):  # the group may be gone already
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        psutil.wait_procs(helpers, 10)
        self._process.stdin.close()
        self._process = None

    def restart(self) -> None:
        """Stop it and start it on the same data and port."""
        self.stop()
        self.start()

    def remove(self) -> None:
        """Kill it and delete its folder."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def pid(self) -> int:
        """The process of the server itself, of which the others are helpers."""
        return int((self.folder / "pid").read_text())

    def _helpers(self) -> list[psutil.Process]:
        assert self._process is not None
        with suppress(psutil.NoSuchProcess):
            return psutil.Process(self._process.pid).children(recursive=True)
        return []

    def _run(self, command: list[str], environment: dict[str, str]) -> None:
        with (self.folder / "output").open("ab") as output:
            self._process = subprocess.Popen(
                command,
                env=environment,
                cwd="/",
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
