"""What all benchmarks share: a place to work in, processes to measure, a table to print."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmarks.counter import Counter, Once

ROOT = Path(__file__).parents[2]
WORK = Path(__file__).parent / "work"
PIPELINE = WORK / "pipeline.yaml"
_ENDING = (signal.SIGTERM, signal.SIGHUP)


@dataclass
class Bench:
    """One measurement's folder, environment and counter."""

    folder: Path
    variables: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        self.variables |= {
            "EBATS_BENCH_COUNTER": str(self.folder / "counter"),
            "EBATS_BENCH_LOG": str(self.folder / "records.jsonl"),
            # What is measured is what lies beside the benchmark, and not another copy that is installed.
            "PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT))),
            "EBATS_STATE_DIR": str(self.folder / "state"),
        }
        self.counter = Counter(self.folder / "counter")
        Once(self.folder / "counter-once")  # made before several processes open it

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment of the processes."""
        return {**os.environ, **self.variables}

    def python(self, *arguments: str, stdin: Path | None = None) -> str:
        """Run Python to its end and return its output."""
        with (stdin or Path(os.devnull)).open("rb") as file:
            done = subprocess.run(
                [sys.executable, *arguments],
                env=self.environment,
                cwd=self.folder,
                stdin=file,
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            )
        return done.stdout

    def measured(self, program: str) -> dict[str, float]:
        """Run a program that measures itself with `work.usage.measured`; return what it printed."""
        return self.printed("-c", program)

    def printed(self, *arguments: str) -> dict[str, float]:
        """Run Python to its end and return the figures that its last line has as JSON."""
        found: dict[str, float] = json.loads(self.python(*arguments).splitlines()[-1])
        return found

    @contextmanager
    def running(self, *command: str, gently: bool = True) -> Iterator[subprocess.Popen[bytes]]:
        """Run a command beside what is inside, and end it with its children; gently: it is asked first.

        Arguments alone, such as `-m ebats`, are Python's.
        """
        argv = command if Path(command[0]).is_absolute() else (sys.executable, *command)
        with (self.folder / "output.txt").open("ab") as output:
            process = subprocess.Popen(
                argv,
                env=self.environment,
                cwd=self.folder,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            yield process
        finally:
            if gently:
                process.terminate()
                with suppress(subprocess.TimeoutExpired):  # killed next
                    process.wait(20)
            with suppress(ProcessLookupError):  # the group is gone already
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def publish(self, event: str, number: int, file: Path = PIPELINE) -> float:
        """Publish so many messages with `ebats publish`; return the messages a second that it prints."""
        lines = self.folder / "payloads.jsonl"
        lines.write_text("".join(f'{{"n": {n}}}\n' for n in range(number)))
        output = self.python("-m", "ebats", "publish", str(file), event, "--file", str(lines))
        found = re.search(r"published ([\d,]+) .* in ([\d.]+) s", output)
        if not found:
            raise RuntimeError(f"ebats publish printed {output!r}")
        return number / float(found[2])


def end_cleanly() -> None:
    """Let SIGTERM and SIGHUP end this process as Ctrl-C does: what it has started is ended first.

    Without it they leave alone what `Bench.running` runs, for that is in a session of its own.
    """
    for one in _ENDING:
        signal.signal(one, _leave)


def _leave(number: int, _frame: object) -> None:
    for one in _ENDING:  # once is enough: another would cut short what ends the others
        signal.signal(one, lambda *_: None)
    raise SystemExit(128 + number)


def table(title: str, rows: Sequence[Sequence[str]]) -> None:
    """Print a table: the first row is its head."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    sys.stdout.write(f"\n{title}\n")
    for row in rows:
        cells = [
            row[0].ljust(widths[0]),
            *(cell.rjust(w) for cell, w in zip(row[1:], widths[1:], strict=True)),
        ]
        sys.stdout.write("  " + "  ".join(cells).rstrip() + "\n")
    sys.stdout.flush()


def ratio(ours: float, theirs: float) -> str:
    """Return how many times as much, such as `4.2x`."""
    times = ours / theirs
    return f"{times:.1f}x" if times >= 1 else f"{times:.2f}x"


def wait_for_port(port: int, deadline_s: float = 30.0) -> None:
    """Wait until something listens on a port of the loopback."""
    deadline = time.monotonic() + deadline_s
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return
