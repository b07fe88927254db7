"""Run the ebats command as a user does, and leave no process behind."""

import os
import signal
import subprocess
import sysconfig
import uuid
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import psutil

from tests.waiting import PATIENCE, wait_until

MARK = "EBATS_TEST_COMMAND"


def run_ebats(
    *args: str | Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    program: str = "ebats",
    timeout_s: float = 60,
    stdin: str = "",
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end and return its exit code, output and errors as text."""
    mark = uuid.uuid4().hex
    try:
        return subprocess.run(
            _command(program, args),
            env=_environment(env, mark),
            cwd=cwd,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
    finally:
        _kill_marked(mark)


class RunningCommand:
    """A command that runs beside the test; everything it prints goes to one file."""

    def __init__(
        self,
        args: tuple[str | Path, ...],
        output_path: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        program: str = "ebats",
    ) -> None:
        """Start the command."""
        self.output_path = output_path
        self._mark = uuid.uuid4().hex
        with output_path.open("ab") as output:
            self.process = subprocess.Popen(
                _command(program, args),
                env=_environment(env, self._mark),
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process id of the parent."""
        return self.process.pid

    @property
    def output(self) -> str:
        """Everything printed so far."""
        return self.output_path.read_text(errors="replace")

    @property
    def running(self) -> bool:
        """Whether the parent is there."""
        return self.process.poll() is None

    def family(self) -> list[psutil.Process]:
        """List every process that came from this command, also those whose parent is gone."""
        return _marked(self._mark)

    def children(self) -> list[psutil.Process]:
        """List the processes below the parent, orphans of it included."""
        return [process for process in self.family() if process.pid != self.pid]

    def wait_for_output(self, text: str, deadline_s: float = 30) -> None:
        """Wait until the command has printed a text; fail when it ends before."""
        wait_until(lambda: text in self.output or not self.running, deadline_s, lambda: self._missing(text))
        assert text in self.output, self._missing(text)

    def wait(self, deadline_s: float = 30) -> int:
        """Wait for the parent to end and return its exit code."""
        try:
            return self.process.wait(deadline_s * PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError(
                f"still running after {deadline_s * PATIENCE} s:\n{self.output[-4000:]}"
            ) from None

    def terminate(self) -> None:
        """Send SIGTERM to the parent."""
        self.process.send_signal(signal.SIGTERM)

    def interrupt(self) -> None:
        """Send SIGINT to the parent."""
        self.process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """Kill the parent alone."""
        self.process.kill()
        self.process.wait()

    def kill_all(self) -> None:
        """Kill the parent and everything that came from it, at once."""
        self.process.kill()
        _kill_marked(self._mark)
        self.process.wait()

    def _missing(self, text: str) -> str:
        return f"{text!r} was not printed; the end of the output:\n{self.output[-4000:]}"


def _command(program: str, args: tuple[str | Path, ...]) -> list[str]:
    return [str(Path(sysconfig.get_path("scripts"), program)), *map(str, args)]


def _environment(extra: Mapping[str, str] | None, mark: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("EBATS_", "PYTEST_"))}
    # A process title would take the place of the environment, and with it of the mark.
    return {**kept, "PYTHONUNBUFFERED": "1", "SPT_NOENV": "1", **(extra or {}), MARK: mark}


def _marked(mark: str) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def _kill_marked(mark: str) -> None:
    while family := _marked(mark):  # again, for a dying parent may have started one more
        for process in family:
            with suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(family, timeout=5)
