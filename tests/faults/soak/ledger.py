"""What became of the messages of a soak: an oracle of runs, read on from where it was read before."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from threading import Lock

from tests.faults.oracle import Verdict, append

#: The tasks of each event; a message is called by its event first: `pair-2-17`.
TASKS_OF = {
    "pair": ("left", "right"),
    "alone": ("alone",),
    "later": ("late",),
    "soon": ("soon",),
    "told": ("tell",),
    "poisoned": ("fragile",),
}


def runs_of(name: str) -> list[str]:
    """Return what has to come to its end for a message: `pair-2-17/left` and `pair-2-17/right`."""
    return [f"{name}/{task}" for task in TASKS_OF[name.partition("-")[0]]]


class _Lines:
    """A file that others append lines to, counted by what stands in them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.counts: Counter[str] = Counter()
        self._read = 0

    def more(self) -> Counter[str]:
        """Return how often each line is there by now."""
        if self.path.exists():
            with self.path.open("rb") as file:
                file.seek(self._read)
                # The last line may still be on its way.
                whole, end, _ = file.read().rpartition(b"\n")
            self._read += len(whole) + len(end)
            self.counts.update(whole.decode().split("\n") if whole else ())
        return self.counts


class Ledger:
    """The files of a soak. Senders and the soak itself use it from several threads."""

    def __init__(self, folder: Path) -> None:
        """Keep the files in a folder."""
        self.folder = folder
        self._lock = Lock()
        self._files = {name: _Lines(folder / name) for name in ("attempted", "confirmed", "done", "ticks")}
        #: Runs that may come twice because a publisher sent their message again.
        self.sent_again = 0

    def attempting(self, names: Iterable[str]) -> None:
        """Note messages that are about to be sent."""
        self._note("attempted", names)

    def confirmed(self, names: Iterable[str]) -> None:
        """Note messages that the broker has confirmed."""
        self._note("confirmed", names)

    def done(self, name: str, task: str) -> None:
        """Note a run that has come to its end, elsewhere than in a task."""
        append(self.folder / "done", f"{name}/{task}\n")

    def sending_again(self, names: Iterable[str]) -> None:
        """Note messages that nobody has confirmed, and that are sent again: both may arrive."""
        with self._lock:
            self.sent_again += sum(len(runs_of(name)) for name in names)

    def counts(self, name: str) -> Counter[str]:
        """Return how often each line is in a file: runs `attempted`, `confirmed` or `done`; `ticks`."""
        with self._lock:
            return self._files[name].more().copy()

    def open_runs(self) -> set[str]:
        """Return what is confirmed and not done, without the poisons, which never are."""
        with self._lock:
            confirmed, done = self._files["confirmed"].more(), self._files["done"].more()
            return {run for run in confirmed.keys() - done.keys() if not is_poison(run)}

    def poisons(self) -> set[str]:
        """Return the poisons that are confirmed, which have to die."""
        return {run for run in self.counts("confirmed") if is_poison(run)}

    def judge(self, dead: Iterable[str]) -> Verdict:
        """Return the sums, of runs; `dead`: those of the dead letters."""
        attempted, confirmed, done = (self.counts(name) for name in ("attempted", "confirmed", "done"))
        died = set(dead)
        return Verdict(
            attempted=len(attempted),
            confirmed=len(confirmed),
            done=len(done),
            waiting=0,
            dead=len(died),
            lost=tuple(sorted(confirmed.keys() - done.keys() - died)),
            duplicates=done.total() - len(done) + len(done.keys() & died),
            unexpected=tuple(
                sorted(
                    ((done.keys() | died) - attempted.keys()) | {run for run in died if not is_poison(run)}
                )
            ),
        )

    def _note(self, file: str, names: Iterable[str]) -> None:
        append(self.folder / file, "".join(f"{run}\n" for name in names for run in runs_of(name)))


def is_poison(run: str) -> bool:
    """Return whether a run is one that ends its process."""
    return run.endswith("/fragile")
