"""What a test of a row found: kept as a line of JSON, from which docs/reliability.md is written."""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.faults.oracle import Verdict, append

#: Names the file that findings are appended to; without it, nobody wants them.
FILE = "EBATS_FAULTS_FINDINGS"
#: The rows that are run, `1,7`, each in its full form; without it, tests are as pytest chooses them.
ROWS = "EBATS_FAULTS_ROWS"


@dataclass(slots=True, kw_only=True)
class Finding:
    """One test on one broker: a test adds up while it runs."""

    row: int
    test: str
    #: `sqlite`, `rabbitmq310`, `rabbitmq40`.
    broker: str
    #: Kills, cuts, stops: how often the fault was caused.
    faults: int = 0
    confirmed: int = 0
    done: int = 0
    waiting: int = 0
    dead: int = 0
    lost: int = 0
    duplicates: int = 0
    #: How many duplicates there may be.
    may_be: int = 0
    #: What else was measured, in words: `all done 3.1 s after the last kill`.
    notes: list[str] = field(default_factory=list)
    #: The negative control: the test passes because something is lost.
    is_control: bool = False
    passed: bool = False
    seconds: float = 0.0

    def caused(self, faults: int = 1) -> None:
        """Count a fault that was caused."""
        self.faults += faults

    def note(self, text: str) -> None:
        """Note what else was measured, in a few words that stand in the table."""
        self.notes.append(text)

    def add(self, verdict: Verdict, *, duplicates: int) -> None:
        """Add what became of messages, and fail as `Verdict.check` does; `duplicates`: so many may be."""
        self._add(verdict, duplicates)
        verdict.check(duplicates=duplicates)

    def add_control(self, verdict: Verdict) -> None:
        """Add what became of messages where they have to be lost; fail if none is."""
        self.is_control = True
        self._add(verdict, 0)
        assert verdict.lost, f"{verdict}: the control saw no loss"

    def _add(self, verdict: Verdict, duplicates: int) -> None:
        self.confirmed += verdict.confirmed
        self.done += verdict.done
        self.waiting += verdict.waiting
        self.dead += verdict.dead
        self.lost += len(verdict.lost)
        self.duplicates += verdict.duplicates
        self.may_be += duplicates


def keep(finding: Finding) -> None:
    """Append a finding to the file that the environment names, if it names one."""
    if path := os.environ.get(FILE):
        append(Path(path), json.dumps(asdict(finding)) + "\n")


def kept(path: Path) -> Iterator[Finding]:
    """Yield the findings of a file."""
    for line in path.read_text().splitlines() if path.exists() else ():
        yield Finding(**json.loads(line))
