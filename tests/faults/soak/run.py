"""A soak from its start to its rest: its steps, under load, and what has to hold at the end."""

import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.faults.rows.finding import Finding
from tests.faults.soak.acts import cause
from tests.faults.soak.gauge import Life, Sample, least, lives, measure
from tests.faults.soak.left import check_nothing_left, check_ticks, dead
from tests.faults.soak.load import Load
from tests.faults.soak.schedule import CALM, KINDS, Step, schedule
from tests.faults.soak.world import World, world
from tests.waiting import wait_until

_TELL_S = 10.0
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a soak is told."""

    minutes: float
    seed: int
    #: `sqlite`, `rabbitmq310`, `rabbitmq40`.
    broker: str = "sqlite"

    @property
    def command(self) -> str:
        """The command that does the same again."""
        told = f"--minutes {self.minutes:g} --seed {self.seed} --broker {self.broker}"
        return f"python -m tests.faults.soak {told}"

    def steps(self) -> tuple[Step, ...]:
        """Return what it does, and when."""
        return schedule(self.seed, self.minutes * 60, of_a_server=self.broker != "sqlite")


def soak(settings: Settings, say: Say, finding: Finding) -> None:
    """Run a soak.

    Raises:
        AssertionError: something doesn't hold; the command that does the same again is noted.
    """
    say(f"seed {settings.seed}; the same again: {settings.command}")
    folder = Path(tempfile.mkdtemp(prefix="ebats-soak-"))
    try:
        with world(folder, settings.broker) as found:
            _Soak(found, settings, say, finding).run()
    except BaseException as error:
        error.add_note(f"The same again: {settings.command}\nWhat there is to see is in {folder}")
        raise
    shutil.rmtree(folder)


class _Soak:
    """One run of a soak."""

    def __init__(self, world: World, settings: Settings, say: Say, finding: Finding) -> None:
        self._world, self._settings, self._say, self._finding = world, settings, say, finding
        self._load = Load(world, settings.seed)
        self._faults: Counter[str] = Counter()
        self._calms: list[list[Sample]] = []
        self._began = self._told = time.monotonic()

    def run(self) -> None:
        """Cause all faults, let all come to rest, and look at what is left."""
        steps = self._settings.steps()
        self._world.start()
        taken = 0
        with self._load.running():
            for number, step in enumerate(steps):
                if self._minutes() > self._settings.minutes:
                    break  # this machine takes longer for it: the rest isn't waited for
                self._wait(step.after_s)
                self._take(number, step)
                taken += 1
            self._calm()
        self._world.end()
        self._judge(f"{taken} of {len(steps)} steps")

    def _take(self, number: int, step: Step) -> None:
        if step.what == CALM:
            self._calm()
            return
        self._faults[step.what] += 1
        self._finding.caused()
        with self._told_on_failure(number, step):
            self._load.burst()
            time.sleep(step.lead_s)
            cause(self._world, step, number)

    @contextmanager
    def _told_on_failure(self, number: int, step: Step) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            error.add_note(f"at step {number}: {step}")
            raise

    def _calm(self) -> None:
        """Pause the load, wait until all is done that was sent, and measure."""
        wait_until(self._load.pause, 90, "senders don't come to rest", every_s=0.1)
        self._wait_settled()
        samples = measure(self._world.command.family())
        for _ in range(2):
            self._wait(0.4)
            samples = least(samples, measure(self._world.command.family()))
        self._calms.append(samples)
        self._load.resume()

    def _wait_settled(self) -> None:
        end = time.monotonic() + 360
        while not self._world.settled():
            assert time.monotonic() < end, self._world.open()
            self._wait(0.3)
        self._wait(1.5)  # what was opened for it is closed again

    def _wait(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while True:
            self._tell()
            assert not self._load.errors, self._load.errors
            assert self._world.command.running, self._world.command.output[-4000:]
            left = end - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(left, 0.5))

    def _tell(self) -> None:
        if time.monotonic() - self._told < _TELL_S:
            return
        self._told = time.monotonic()
        confirmed, done = (len(self._world.ledger.counts(name)) for name in ("confirmed", "done"))
        self._say(
            f"minute {self._minutes():.1f}: {self._faults.total()} faults, "
            f"{confirmed:,} confirmed, {done:,} done"
        )

    def _minutes(self) -> float:
        return (time.monotonic() - self._began) / 60

    def _judge(self, steps: str) -> None:
        world, finding = self._world, self._finding
        again, found = world.ledger.sent_again, lives(self._calms)
        verdict = world.ledger.judge(dead(world))
        caused = ", ".join(f"{what} {count}" for what, count in sorted(self._faults.items()))
        finding.note(f"seed {self._settings.seed}")
        finding.note(f"{self._minutes():.1f} minutes, {len(self._calms)} calms")
        for note in grown(found):
            finding.note(note)
        may_be = again + sum(KINDS[what].duplicates * count for what, count in self._faults.items())
        self._say(f"{steps}: {caused}; publishers sent {again} runs again")
        self._say(f"{verdict}; {may_be} duplicates may be")
        for note in finding.notes:
            self._say(note)
        finding.add(verdict, duplicates=may_be)
        check_ticks(world)
        check_nothing_left(world)
        faults = [fault for life in found for fault in life.faults()]
        assert not faults, "\n".join(faults)


def grown(found: list[Life]) -> Iterator[str]:
    """Yield how much the processes of each role have grown at most."""
    by_role: dict[str, list[Life]] = {}
    for life in found:
        by_role.setdefault(life.name.partition("#")[0], []).append(life)
    for role, of_role in sorted(by_role.items()):
        most = max(of_role, key=lambda life: life.grown / life.first.memory)
        yield (
            f"{role}: {len(of_role)} measured, memory {most.grown / most.first.memory:+.1%} at most, "
            f"descriptors {most.first.descriptors} and {most.last.descriptors}, "
            f"threads {most.first.threads} and {most.last.threads}"
        )
