"""SIGSTOP in the middle of a write to the embedded broker: all others wait, and it is told for whom."""

import signal
import time

import psutil
import pytest

from ebats.runner.broker.sqlite import kernel_locks
from tests.commands import RunningCommand, run_ebats
from tests.faults.rows.finding import Finding
from tests.faults.rows.lines import check_told, told
from tests.faults.rows.test_held import locks_of, tell, write
from tests.faults.rows.test_kills import load
from tests.faults.site import Site
from tests.waiting import wait_until

pytestmark = [pytest.mark.row(6), pytest.mark.slow]


def hold_amidst_write(site: Site, command: RunningCommand) -> tuple[list[psutil.Process], int]:
    """Hold all processes of a run when one of them writes to the embedded broker; return them, and its id."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        family = command.family()
        tell(family, signal.SIGSTOP)
        time.sleep(0.01)
        writing = {lock.pid for lock in kernel_locks.on(str(locks_of(site) / "lock")) if not lock.is_waiting}
        if caught := writing & {process.pid for process in family}:
            return family, caught.pop()
        tell(family, signal.SIGCONT)
        time.sleep(0.02)
    raise AssertionError("it was never caught while it writes")


def test_runner_that_is_held_amidst_a_write_is_told_and_all_goes_on_when_it_does(
    local_site: Site, finding: Finding
) -> None:
    # Given two runs on the embedded broker, under load
    site = local_site
    write(site)
    staying, sleeper = site.start(), site.start()
    with load(site, batches=None, pause_s=0.05, seconds=0):
        site.wait_started(100)

        # When one is held in the middle of a write, for which all others wait
        family, pid = hold_amidst_write(site, sleeper)
        finding.caused()

        # Then the other one says who it is, and what to do
        stopped = rf"process {pid} \(ebats: .*\) was stopped in the middle of a write.*kill -CONT {pid}"
        wait_until(lambda: told(staying.output, stopped), 40, lambda: staying.output)
        # And so does whoever comes
        late = run_ebats(
            *("publish", site.file, "happened", "--data", '{"n": "late"}', "--wait", "2s"), env=site.environ()
        )
        assert late.returncode == 1
        check_told(late.stderr, begins=stopped, at_most=2)

        # And all goes on when it does
        tell(family, signal.SIGCONT)
        staying.wait_for_output("is written to again")
        before = len(site.oracle.started())
        site.wait_started(before + 100)
    site.wait_done()
    for command in (staying, sleeper):
        site.end(command)
    check_told(
        staying.output,
        begins=rf"WARN +runner +nothing has been written to the embedded broker for \d+ s: {stopped}",
        over=r"INFO +runner +the embedded broker is written to again, after \d+ s",
    )
    assert not told(staying.output, "was lost|died|can't be reached")
    finding.add(site.oracle.judge(letter.n for letter in site.take()), duplicates=0)
