"""Two runners of one file: they share the work, and when one of them is killed, the other one goes on."""

import time

import pytest

from tests.faults.rows.finding import Finding
from tests.faults.rows.forms import forms
from tests.faults.rows.lines import told
from tests.faults.rows.test_kills import load
from tests.faults.site import Site

pytestmark = pytest.mark.row(22)

PREFETCH = 4


@pytest.mark.slow
def test_two_runs_of_one_file_share_the_work(site: Site, finding: Finding) -> None:
    site.write_work({"concurrency": 2, "prefetch": 2})
    first, second = site.start(), site.start()
    site.send([f"m-{number}" for number in range(60)], seconds=0.02)
    site.wait_done()

    assert len({run["pid"] for run in site.oracle.done()}) == 2
    finding.caused()
    site.end(first)
    site.send(["late"])
    site.wait_done()
    site.end(second)
    finding.add(site.oracle.judge(), duplicates=0)


@forms(2, 4)
def test_runners_that_start_at_the_same_moment_wait_for_each_other(
    site: Site, finding: Finding, form: int
) -> None:
    # Given several runs that begin at once, on a broker that has nothing of theirs
    site.write_work({"concurrency": 2, "prefetch": 2})
    commands = [site.launch() for _ in range(form)]
    for command in commands:
        command.wait_for_output("takes from", 60)

    # Then each works, and none has anything to complain about
    site.send([f"m-{number}" for number in range(60 * form)], seconds=0.05)
    site.wait_done()
    assert len({run["pid"] for run in site.oracle.done()}) == form
    for command in commands:
        finding.caused()
        site.end(command)
        assert not told(command.output, "WARN|ERROR"), command.output
    finding.add(site.oracle.judge(), duplicates=0)


@forms(2, 12)
def test_when_one_of_two_runners_is_killed_the_other_one_goes_on(
    row_site: Site, finding: Finding, form: int
) -> None:
    # Given two runs under load
    site = row_site
    site.write_work({"concurrency": PREFETCH, "prefetch": PREFETCH})
    staying, other = site.start(), site.start()
    with load(site, batches=None, pause_s=0.5, seconds=0.02):
        for number in range(form):
            before = len(site.oracle.started())
            site.wait_started(before + 20)

            # When one of them is killed with all its processes, while both work, again and again
            other.kill_all()
            finding.caused()
            if number < form - 1:
                other = site.start()
    last = time.monotonic()
    site.wait_done()
    finding.note(f"all done {time.monotonic() - last:.1f} s after the last message")

    # Then the other one has nothing to say about it, and what was done twice was in flight
    assert not told(staying.output, "WARN|ERROR"), staying.output
    assert staying.running
    site.end(staying)
    finding.add(site.oracle.judge(letter.n for letter in site.take()), duplicates=form * PREFETCH)
