"""What became of each message: sent, confirmed, done, dead; and from that what is lost, or there twice.

The questions are those of Jepsen's queue checker (https://github.com/rabbitmq/jepsen). Everything is
appended to files, line by line, so that a process may be killed at any moment.
"""

import json
import logging
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The sums of one test."""

    attempted: int
    confirmed: int
    done: int
    #: Still in a queue or on a rung.
    waiting: int
    dead: int
    #: Confirmed, and neither done, waiting nor dead.
    lost: tuple[str, ...]
    #: Runs beyond the first that came to their end; and what is done, and yet waits or is dead.
    duplicates: int
    #: Done, waiting or dead, and never sent.
    unexpected: tuple[str, ...]

    def __str__(self) -> str:
        return (
            f"attempted {self.attempted}, confirmed {self.confirmed}, done {self.done}, "
            f"waiting {self.waiting}, dead {self.dead}, lost {len(self.lost)}, "
            f"duplicates {self.duplicates}, unexpected {len(self.unexpected)}"
        )

    def check(self, *, duplicates: int) -> None:
        """Fail if anything is lost or unexpected, or more was done twice than may be."""
        logging.getLogger(__name__).info("%s; %s duplicates may be", self, duplicates)
        assert not self.lost, f"{self}: {self.lost[:10]}"
        assert not self.unexpected, f"{self}: {self.unexpected[:10]}"
        assert self.duplicates <= duplicates, f"{self}: more than {duplicates} duplicates"


class Oracle:
    """The files of one test: what publishers and tasks have noted."""

    def __init__(self, folder: Path) -> None:
        """Keep the files in a folder."""
        self.folder = folder

    def attempting(self, names: Iterable[str]) -> None:
        """Note messages that are about to be sent."""
        self._append("attempted", names)

    def confirmed(self, names: Iterable[str]) -> None:
        """Note messages that the broker has confirmed."""
        self._append("confirmed", names)

    def started(self) -> list[dict[str, Any]]:
        """Return what tasks noted when they began: a dict for each run."""
        return self._runs("started")

    def done(self) -> list[dict[str, Any]]:
        """Return what tasks noted just before they returned."""
        return self._runs("done")

    def done_names(self) -> set[str]:
        """Return the messages that were done at least once."""
        return {run["n"] for run in self.done()}

    def confirmed_names(self) -> set[str]:
        """Return the messages that the broker has confirmed."""
        return set(self._lines("confirmed"))

    def is_done(self) -> bool:
        """Return whether all that is confirmed was done."""
        return self.confirmed_names() <= self.done_names()

    def missing(self) -> str:
        """Return the messages that are confirmed and not done, for the text of a failure."""
        missing = sorted(self.confirmed_names() - self.done_names())
        return f"{len(missing)} messages aren't done: {missing[:10]}"

    def judge(self, dead: Iterable[str] = (), waiting: Iterable[str] = ()) -> Verdict:
        """Return the sums, with the messages that are dead, and those that lie in queues or on rungs."""
        runs = Counter(run["n"] for run in self.done())
        died, waits = set(dead), set(waiting)
        others = died | waits
        confirmed, attempted = self.confirmed_names(), set(self._lines("attempted"))
        return Verdict(
            attempted=len(attempted),
            confirmed=len(confirmed),
            done=len(runs),
            waiting=len(waits),
            dead=len(died),
            lost=tuple(sorted(confirmed - runs.keys() - others)),
            duplicates=runs.total() - len(runs) + len(runs.keys() & others),
            unexpected=tuple(sorted((runs.keys() | others) - attempted)),
        )

    def _append(self, name: str, lines: Iterable[str]) -> None:
        append(self.folder / name, "".join(f"{line}\n" for line in lines))

    def _runs(self, name: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._lines(name)]

    def _lines(self, name: str) -> list[str]:
        path = self.folder / name
        # The last line may still be on its way.
        return path.read_text().split("\n")[:-1] if path.exists() else []


def append(path: Path, text: str) -> None:
    """Append to a file with one system call, which no other writer comes between."""
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(file, text.encode())
    finally:
        os.close(file)
