"""kill -9: of consumers again and again, of everything at once, of the parent alone."""

import random
import re
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import count
from threading import Event, Thread

import psutil
import pytest

from tests.commands import RunningCommand
from tests.faults.rows.finding import Finding
from tests.faults.rows.forms import forms
from tests.faults.rows.lines import check_told
from tests.faults.send import Sender
from tests.faults.site import Site
from tests.waiting import wait_until

PREFETCH = 20
PER_BATCH = 100


@contextmanager
def load(site: Site, batches: int | None, pause_s: float, seconds: float) -> Iterator[None]:
    """Publish batches beside the test; at the end of the block all are confirmed.

    `pause_s` lies between two of them, `seconds` is how long the run of a message takes. Without a number
    of `batches` it goes on until the end of the block.
    """
    stop = Event()

    def publish() -> None:
        with closing(Sender(site.url, site.oracle)) as sender:
            for batch in count() if batches is None else range(batches):
                names = [f"m-{batch}-{number}" for number in range(PER_BATCH)]
                sender.send([site.message(name, seconds=seconds) for name in names])
                if stop.wait(pause_s):
                    return

    thread = Thread(target=publish)
    thread.start()
    try:
        yield
        if batches is None:
            stop.set()
        thread.join(120)
        assert not thread.is_alive(), "the publisher hangs"
    finally:
        stop.set()
        thread.join(60)


class Killer:
    """Kills consumer processes at random, mostly such as have begun to work: those that have not die idle."""

    def __init__(self, site: Site, command: RunningCommand) -> None:
        self._site = site
        self._command = command
        self._chance = random.Random(7)
        self._started = site.folder / "started"
        self._read = 0
        self._working: set[int] = set()

    def kill_one(self) -> int:
        """Kill one, if there is one; return how many were killed."""
        found = self._site.consumers(self._command)
        if self._chance.random() < 0.8:
            working = self._pids()
            found = [process for process in found if process.pid in working]
        if not found:
            return 0
        try:
            self._chance.choice(found).kill()
        except psutil.NoSuchProcess:
            return 0
        return 1

    def _pids(self) -> set[int]:
        """Return the processes in which a run has begun."""
        if self._started.exists():
            with self._started.open() as file:
                file.seek(self._read)
                self._working |= {int(pid) for pid in re.findall(r'"pid": (\d+),', file.read())}
                self._read = file.tell()
        return self._working


@dataclass(frozen=True, slots=True, kw_only=True)
class Kills:
    """How long to kill, and how much there is to do meanwhile."""

    #: At least so many, and for so long.
    kills: int
    seconds: float
    #: None: until the last kill.
    batches: int | None = None
    every_s: float = 0.2
    processes: int = 2


@forms(Kills(kills=5, seconds=3), Kills(kills=20, seconds=60, batches=100, processes=4))
@pytest.mark.row(1)
def test_killed_consumers_lose_nothing(row_site: Site, finding: Finding, form: Kills) -> None:
    # Given consumer processes under load for all the time
    site = row_site
    site.write_work({"processes": form.processes, "concurrency": 4, "prefetch": PREFETCH})
    command = site.start()
    killer = Killer(site, command)

    # When one of them is killed again and again
    with load(site, form.batches, pause_s=0.6, seconds=0.02):
        end = time.monotonic() + form.seconds
        while (now := time.monotonic()) < end or finding.faults < form.kills:
            assert now < end + 120, f"only {finding.faults} kills: {command.output[-4000:]}"
            finding.caused(killer.kill_one())
            time.sleep(form.every_s)
    last = time.monotonic()
    site.wait_done(30)
    finding.note(f"all done {time.monotonic() - last:.1f} s after the last kill")

    # Then the run goes on, nothing is lost, and what was done twice was in flight
    kills = finding.faults
    assert command.running
    assert len(site.consumers(command)) <= form.processes
    site.end(command)
    check_told(
        command,
        begins=r"all#\d+ \(pid \d+\) died: killed by SIGKILL.*; another one begins in",
        over=r" all#\d+ +takes from work",
        at_most=kills + form.processes,
    )
    verdict = site.oracle.judge(letter.n for letter in site.take())
    finding.add(verdict, duplicates=kills * PREFETCH)
    assert verdict.done == verdict.confirmed
    assert form.batches is None or verdict.done == PER_BATCH * form.batches


@forms(((50, 300), 600), ((50, 500, 1500, 3000, 5000), 10_000))
@pytest.mark.row(2)
def test_killed_everything_goes_on_after_a_restart(
    row_site: Site, finding: Finding, form: tuple[tuple[int, ...], int]
) -> None:
    # Given a run in the middle of its work
    site, (counts, messages) = row_site, form
    site.write_work({"processes": 2, "concurrency": 4, "prefetch": PREFETCH})
    site.declare()
    site.send([f"m-{number}" for number in range(messages)], seconds=0.005)
    for done in counts:
        command = site.start()
        wait_until(lambda done=done: len(site.oracle.done()) >= done, 30, "work gets done")

        # When all its processes are killed at once, again and again
        command.kill_all()
        finding.caused()

    # Then the next run does the rest, and nobody has to do anything for that
    output = site.run("--fail-on-dead", deadline_s=60 + messages / 100)
    assert "ERROR" not in output
    verdict = site.oracle.judge()
    finding.add(verdict, duplicates=len(counts) * 2 * PREFETCH)
    assert verdict.done == verdict.confirmed == messages


@pytest.mark.slow
@pytest.mark.row(2)
def test_what_a_killed_run_had_in_hand_is_free_within_seconds(site: Site, finding: Finding) -> None:
    site.write_work({"concurrency": 4, "prefetch": 4})
    command = site.start()
    site.send(["m-0", "m-1", "m-2", "m-3"], do="hang_once")
    site.wait_started(4)
    command.kill_all()
    finding.caused()

    command = site.start()
    began = time.monotonic()
    site.wait_started(8, deadline_s=5)

    finding.note(f"what was in hand began again {time.monotonic() - began:.1f} s after the start")
    site.wait_done()
    site.end(command)
    finding.add(site.oracle.judge(), duplicates=0)


@forms(1, 5)
@pytest.mark.row(3)
def test_children_are_gone_when_their_parent_was_killed(row_site: Site, finding: Finding, form: int) -> None:
    # Given a run in the middle of its work
    site, messages = row_site, 100 + 100 * form
    site.write_work({"processes": 2, "concurrency": 4, "prefetch": PREFETCH})
    site.declare()
    site.send([f"m-{number}" for number in range(messages)], seconds=0.05)
    command = site.start()
    children: set[int] = set()
    killed = 0.0
    for number in range(form):
        site.wait_started(100 * number + 8)
        children = {process.pid for process in command.children()}

        # When its parent alone is killed, and another run begins at once
        command.kill()
        killed_at, killed = time.monotonic(), time.time()
        finding.caused()
        following = site.launch()

        # Then its children leave, before those of the other one work
        wait_until(lambda: not command.family(), 10, lambda: f"still there: {command.family()}")  # noqa: B023 - called at once
        finding.note(f"its children had left after {time.monotonic() - killed_at:.1f} s")
        following.wait_for_output("takes from", 40)
        late = [run for run in site.oracle.started() if run["pid"] in children and run["at"] > killed + 1]
        assert not late, "children of a dead parent went on"
        command = following

    site.wait_done()
    late = [run for run in site.oracle.started() if run["pid"] in children and run["at"] > killed + 1]
    assert not late, "children of a dead parent went on"
    site.end(command)
    verdict = site.oracle.judge(letter.n for letter in site.take())
    finding.add(verdict, duplicates=form * 2 * PREFETCH)
    assert verdict.done == messages
