"""kill -9: of consumers again and again, of everything at once, of the parent alone."""

import random
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from threading import Event, Thread

import psutil
import pytest

from tests.commands import RunningCommand
from tests.faults.send import Sender
from tests.faults.site import Site
from tests.waiting import wait_until

PREFETCH = 10


@contextmanager
def load(site: Site, batches: int, per_batch: int = 100, pause_s: float = 0.05) -> Iterator[None]:
    """Publish batches beside the test; at the end of the block all are confirmed."""
    stop = Event()

    def publish() -> None:
        with closing(Sender(site.url, site.oracle)) as sender:
            for batch in range(batches):
                names = [f"m-{batch}-{number}" for number in range(per_batch)]
                sender.send([site.message(name, seconds=0.002) for name in names])
                if stop.wait(pause_s):
                    return

    thread = Thread(target=publish)
    thread.start()
    try:
        yield
        thread.join(60)
        assert not thread.is_alive(), "the publisher hangs"
    finally:
        stop.set()
        thread.join(60)


def kill_one(site: Site, command: RunningCommand, chance: random.Random) -> int:
    """Kill one consumer process, if there is one; return how many were killed."""
    found = site.consumers(command)
    if not found:
        return 0
    try:
        chance.choice(found).kill()
    except psutil.NoSuchProcess:
        return 0
    return 1


def kill_for(site: Site, seconds: float, batches: int) -> None:
    """Kill a consumer process again and again under load, and check what became of the messages."""
    # Given two consumer processes under load
    site.write_work({"processes": 2, "concurrency": 4, "prefetch": PREFETCH})
    command = site.start()
    chance = random.Random(7)
    kills = 0

    # When one of them is killed again and again
    with load(site, batches):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            kills += kill_one(site, command, chance)
            time.sleep(chance.uniform(0.1, 0.4))
    site.wait_done()

    # Then the run goes on, nothing is lost, and what was done twice was in flight
    assert kills >= 5
    assert command.running
    assert len(site.consumers(command)) <= 2
    site.end(command)
    verdict = site.oracle.judge(letter.n for letter in site.take())
    verdict.check(duplicates=kills * PREFETCH)
    assert verdict.done == verdict.confirmed == 100 * batches


@pytest.mark.slow
def test_killed_consumers_lose_nothing(site: Site) -> None:
    kill_for(site, seconds=8, batches=30)


@pytest.mark.soak
@pytest.mark.timeout(300)
def test_consumers_killed_for_a_minute_lose_nothing(site: Site) -> None:
    kill_for(site, seconds=60, batches=100)


def test_killed_everything_goes_on_after_a_restart(site: Site) -> None:
    # Given a run in the middle of its work
    site.write_work({"processes": 2, "concurrency": 4, "prefetch": PREFETCH})
    site.declare()
    site.send([f"m-{number}" for number in range(1000)], seconds=0.005)
    kills = 0
    for count in (50, 300):
        command = site.start()
        wait_until(lambda count=count: len(site.oracle.done()) >= count, 30, "work gets done")

        # When all its processes are killed at once, twice
        command.kill_all()
        kills += 2

    # Then the next run does the rest
    site.run("--fail-on-dead")
    verdict = site.oracle.judge()
    verdict.check(duplicates=kills * PREFETCH)
    assert verdict.done == verdict.confirmed == 1000


def test_what_a_killed_run_had_in_hand_is_free_within_seconds(site: Site) -> None:
    site.write_work({"concurrency": 4, "prefetch": 4})
    command = site.start()
    site.send(["m-0", "m-1", "m-2", "m-3"], seconds=3600)
    site.wait_started(4)
    command.kill_all()

    killed_at = time.monotonic()
    command = site.start()
    site.wait_started(8, deadline_s=20)

    assert time.monotonic() - killed_at < 10
    command.kill_all()


def test_children_are_gone_when_their_parent_was_killed(site: Site) -> None:
    site.write_work({"processes": 2, "concurrency": 4, "prefetch": PREFETCH})
    command = site.start()
    site.send([f"m-{number}" for number in range(200)], seconds=0.1)
    site.wait_started(8)

    command.kill()

    wait_until(lambda: not command.family(), 10, lambda: f"still there: {command.family()}")
    site.run("--fail-on-dead")
    verdict = site.oracle.judge()
    verdict.check(duplicates=2 * PREFETCH)
    assert verdict.done == 200


def test_two_runs_of_one_file_share_the_work(site: Site) -> None:
    site.write_work({"concurrency": 2, "prefetch": 2})
    first, second = site.start(), site.start()
    site.send([f"m-{number}" for number in range(60)], seconds=0.02)
    site.wait_done()

    assert len({run["pid"] for run in site.oracle.done()}) == 2
    site.end(first)
    site.send(["late"])
    site.wait_done()
    site.end(second)
    site.oracle.judge().check(duplicates=0)
