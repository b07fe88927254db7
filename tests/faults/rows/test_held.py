"""SIGSTOP and SIGCONT: of a consumer process, of the parent alone, of a whole runner."""

import fcntl
import signal
import time
from collections.abc import Iterable
from contextlib import closing, suppress
from pathlib import Path

import psutil
import pytest

from tests.commands import RunningCommand
from tests.faults.rows.finding import Finding
from tests.faults.rows.forms import forms
from tests.faults.rows.lines import check_told, told
from tests.faults.site import Site
from tests.integration.wire import Wire
from tests.waiting import wait_until

pytestmark = pytest.mark.row(6)

KILLED = r"all#\d \(pid \d+\) has been silent for 30 s: killed, for others to take over"
DIED = r"all#\d \(pid \d+\) died: killed by SIGKILL; another one begins in"
TAKEN_OVER = r" all#\d +takes from work"


def tell(processes: Iterable[psutil.Process], number: int) -> None:
    """Send a signal to processes, of which some may have gone."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def hold_consumer(site: Site, finding: Finding, seconds: float) -> None:
    """Hold one of two consumer processes for so long, or until it has gone; check what follows."""
    # Given two processes with work in hand
    site.write_work({"processes": 2, "concurrency": 2, "prefetch": 4})
    command = site.start()
    site.send([f"m-{number}" for number in range(50)], seconds=0.1)
    site.wait_started(4)
    working = {run["pid"] for run in site.oracle.started()}

    # When one of them is held, perhaps in the middle of a write to the embedded broker
    held = next(process for process in site.consumers(command) if process.pid in working)
    held.send_signal(signal.SIGSTOP)
    held_at = time.monotonic()
    finding.caused()

    # Then it is killed after half a minute of silence, and all that it had is done by others
    site.wait_done(35)
    finding.note(f"taken over {time.monotonic() - held_at:.1f} s after it was held")
    wait_until(lambda: not held.is_running(), 50, "it wasn't killed")
    time.sleep(max(0.0, seconds - (time.monotonic() - held_at)))
    tell([held], signal.SIGCONT)
    site.send(["later"])
    site.wait_done()
    assert held.pid not in [process.pid for process in site.consumers(command)]
    assert command.running
    site.end(command)
    check_told(command, begins=KILLED, over=TAKEN_OVER, at_most=3)
    check_told(command, begins=DIED)
    finding.add(site.oracle.judge(letter.n for letter in site.take()), duplicates=2 * 4)


@pytest.mark.slow
def test_consumer_that_is_held_is_killed_and_its_work_taken_over(site: Site, finding: Finding) -> None:
    hold_consumer(site, finding, seconds=0)


@pytest.mark.soak
@pytest.mark.timeout(300)
def test_consumer_that_is_held_for_a_minute_is_taken_over(row_site: Site, finding: Finding) -> None:
    hold_consumer(row_site, finding, seconds=60)


def write(site: Site, heartbeat: str = "30s") -> None:
    """Write the file; RabbitMQ takes a connection for dead after two to three heartbeats."""
    site.write(
        broker={"url": site.url, "heartbeat": heartbeat},
        tasks={"work": {"python": "tasks:work"}},
        events={"happened": {"tasks": ["work"]}},
        consumers={"all": {"concurrency": 2, "prefetch": 2}},
    )


def is_writing(site: Site) -> bool:
    """Return whether some process is in the middle of a write to the embedded broker."""
    path = locks_of(site) / "lock"
    if not path.exists():
        return False
    with path.open("r+b") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def locks_of(site: Site) -> Path:
    """Return the folder with the locks of the embedded broker; it isn't there on another one."""
    return Path(site.url.removeprefix("sqlite:///") + ".d")


def hold_runner(site: Site, command: RunningCommand) -> list[psutil.Process]:
    """Hold all processes of a run, and return them; not amidst a write, which would hold up everybody."""
    while True:
        family = command.family()
        tell(family, signal.SIGSTOP)
        if not is_writing(site):
            return family
        tell(family, signal.SIGCONT)
        time.sleep(0.05)


@forms(0, 60)
def test_what_a_held_runner_settles_late_stays_with_its_new_owner(
    row_site: Site, finding: Finding, form: int
) -> None:
    # Given a runner with a message at work
    site = row_site
    write(site, heartbeat="3s")
    sleeper = site.start()
    site.send(["m-0"], do="hang_second")
    site.wait_started(1)

    # When all of it is held until another runner has the message: RabbitMQ finds the connection dead,
    # while on the embedded broker the locks live as long as their process, but not without their file
    family = hold_runner(site, sleeper)
    finding.caused()
    held_at = time.monotonic()
    (locks_of(site) / "owners").unlink(missing_ok=True)
    write(site)
    owner = site.start()
    site.wait_started(2, deadline_s=60)
    finding.note(f"taken over {time.monotonic() - held_at:.1f} s after its runner was held")
    time.sleep(max(0.0, form - (time.monotonic() - held_at)))
    tell(family, signal.SIGCONT)

    # Then the first one ends its run, is refused when it acknowledges, and says so
    site.wait_done()
    sleeper.wait_for_output("connected to the broker again")
    check_told(
        sleeper,
        begins=r" all#1 +the connection to the broker was lost: .",
        over=r" all#1 +connected to the broker again, after",
        at_most=4,
    )
    if form:
        check_told(sleeper, begins=r" runner +was stopped for \d\d s, and goes on")
    assert not told(sleeper.output, "died|cut short")
    assert len(site.oracle.started()) == 2

    # And the message is still its new owner's: it comes back when both have died
    sleeper.kill_all()
    assert site.ready("work") == 0
    owner.kill_all()
    site.run("--fail-on-dead")
    runs = site.oracle.started()
    assert [run["n"] for run in runs] == ["m-0"] * 3
    assert len({run["pid"] for run in runs}) == 3
    finding.add(site.oracle.judge(), duplicates=1)


@pytest.mark.slow
def test_what_a_held_runner_has_done_is_not_done_again_by_itself(site: Site, finding: Finding) -> None:
    # Given a runner that was held for so long that another one has its message
    write(site, heartbeat="3s")
    sleeper = site.start()
    site.send(["m-0"], do="hang_second")
    site.wait_started(1)
    family = hold_runner(site, sleeper)
    finding.caused()
    (locks_of(site) / "owners").unlink(missing_ok=True)
    write(site)
    owner = site.start()
    site.wait_started(2, deadline_s=60)
    tell(family, signal.SIGCONT)
    site.wait_done()
    sleeper.wait_for_output("connected to the broker again")

    # When the message comes back to it
    owner.kill_all()

    # Then it knows that it is done, and acknowledges it
    site.send(["next"])
    site.wait_done()
    wait_until(lambda: is_empty(site), 20, "the message is still there")
    site.end(sleeper)
    assert sorted(run["n"] for run in site.oracle.started()) == ["m-0", "m-0", "next"]
    finding.add(site.oracle.judge(letter.n for letter in site.take()), duplicates=0)


@forms(4, 60)
def test_held_parent_holds_up_nobody(site: Site, finding: Finding, form: int) -> None:
    # Given a run whose parent alone is held
    site.write_work({"processes": 2, "concurrency": 2, "prefetch": 4})
    command = site.start()
    wait_until(lambda: len(site.consumers(command)) == 2, 20, "two consumers")
    command.process.send_signal(signal.SIGSTOP)
    held_at = time.monotonic()
    finding.caused()

    # When there is work, and one of its processes dies meanwhile
    site.send([f"m-{number}" for number in range(20)], seconds=0.1)
    site.wait_done()
    first, second = site.consumers(command)
    first.kill()
    site.send([f"n-{number}" for number in range(20)], seconds=0.1)
    site.wait_done()
    time.sleep(max(0.0, form - (time.monotonic() - held_at)))
    command.process.send_signal(signal.SIGCONT)

    # Then it replaces the one that died, and takes the other for what it is: alive
    command.wait_for_output("another one begins in")
    wait_until(lambda: len(site.consumers(command)) == 2, 40, "the dead one wasn't replaced")
    assert second.pid in [process.pid for process in site.consumers(command)]
    site.send(["later"])
    site.wait_done()
    site.end(command)
    assert not told(command.output, "has been silent")
    if form > 30:
        check_told(command, begins=r" runner +was stopped for \d\d s, and goes on")
    finding.add(site.oracle.judge(letter.n for letter in site.take()), duplicates=4)


def start_and_hold(site: Site) -> RunningCommand:
    """Start a run whose only consumer is held in the middle of a task."""
    site.write_work({"concurrency": 2, "prefetch": 4})
    command = site.start()
    site.send(["m-0"], do="hang_once")
    site.wait_started(1)
    (held,) = site.consumers(command)
    held.send_signal(signal.SIGSTOP)
    return command


@pytest.mark.slow
def test_held_consumer_goes_with_its_parent(local_site: Site, finding: Finding) -> None:
    site = local_site
    command = start_and_hold(site)
    finding.caused()

    command.kill()

    wait_until(lambda: not command.family(), 10, lambda: f"still there: {command.family()}")
    site.run("--fail-on-dead")
    finding.add(site.oracle.judge(), duplicates=0)


@pytest.mark.soak
@pytest.mark.timeout(300)
def test_run_with_a_held_consumer_ends_when_it_is_told_to(row_site: Site, finding: Finding) -> None:
    site = row_site
    command = start_and_hold(site)
    finding.caused()

    command.terminate()

    # The grace time, and what is left for the broker's answers.
    assert command.wait(25) == 1
    wait_until(lambda: not command.family(), 10, "processes were left behind")
    site.run("--fail-on-dead")
    finding.add(site.oracle.judge(), duplicates=0)


def is_empty(site: Site) -> bool:
    """Return whether a queue has nothing, neither ready nor in somebody's hand: it can be deleted so."""
    with closing(Wire(site.url)) as wire:
        return bool(wire.channel.queue_purge(f"{site.name}.work") == 0)
