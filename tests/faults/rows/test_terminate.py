"""SIGTERM: what runs comes to its end within the grace time, the rest goes back uncounted."""

import time
from dataclasses import dataclass

import pytest

from tests.faults.rows.finding import Finding
from tests.faults.rows.forms import forms
from tests.faults.rows.lines import check_told
from tests.faults.site import Letter, Site
from tests.waiting import wait_until

pytestmark = pytest.mark.row(5)

STOPS, STOPPED = r" runner +stops: what runs may finish, the rest is handed back$", r" runner +stopped$"


def check_uncounted(letters: list[Letter]) -> None:
    """Check that messages look as if they had never been delivered, but for what names them."""
    for letter in letters:
        assert not letter.headers.get("x-delivery-count"), letter.headers
        assert letter.headers.get("ebats-attempt", 1) == 1, letter.headers
        assert "ebats-crashes" not in letter.headers
        assert "ebats-error" not in letter.headers


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What is at work when the signal comes."""

    concurrency: int
    seconds: float
    grace_s: int

    @property
    def messages(self) -> int:
        """How many there are: some run, some wait in the process, some in the queue."""
        return 5 * self.concurrency


@forms(Work(concurrency=4, seconds=1.5, grace_s=5), Work(concurrency=20, seconds=5, grace_s=10))
def test_sigterm_lets_running_tasks_finish_and_hands_the_rest_back(
    row_site: Site, finding: Finding, form: Work
) -> None:
    # Given tasks that run and twice as many that wait in the process, and more in the queue
    site = row_site
    site.write(
        grace=f"{form.grace_s}s",
        tasks={"work": {"python": "tasks:work"}},
        events={"happened": {"tasks": ["work"]}},
        consumers={"all": {"concurrency": form.concurrency, "prefetch": 3 * form.concurrency}},
    )
    site.declare()
    site.send([f"m-{number}" for number in range(form.messages)], seconds=form.seconds)
    command = site.start()
    site.wait_started(form.concurrency)

    # When the run is told to end
    began = time.monotonic()
    finding.caused()
    site.end(command, deadline_s=form.grace_s + 2)
    finding.note(f"over {time.monotonic() - began:.1f} s after SIGTERM, tasks of {form.seconds:g} s")

    # Then what ran is done, and nothing else has begun; the rest is in the queue, uncounted
    done = site.oracle.done_names()
    assert {run["n"] for run in site.oracle.started()} == done
    assert form.concurrency <= len(done) < 3 * form.concurrency
    check_told(command, begins=STOPS, over=STOPPED)
    check_told(command, begins=r" all#1 +handed \d+ messages back$", over=r" all#1 +leaves: stop$")
    site.wait_ready("work", form.messages - len(done))
    letters = site.take("work")
    check_uncounted(letters)
    assert not site.take()
    finding.add(site.oracle.judge(waiting=[letter.n for letter in letters]), duplicates=0)


@pytest.mark.slow
def test_task_longer_than_the_grace_time_is_handed_back(site: Site, finding: Finding) -> None:
    site.write(
        grace="1s",
        tasks={
            "work": {"python": "tasks:work", "queue": "both"},
            "work_async": {"python": "tasks:work_async", "queue": "both"},
        },
        queues={"both": None},
    )
    command = site.start()
    site.send(["slow"], "tasks", "work", seconds=600)
    site.send(["slow-async"], "tasks", "work_async", seconds=600)
    site.wait_started(2)

    began = time.monotonic()
    finding.caused()
    site.end(command, deadline_s=3)
    finding.note(f"over {time.monotonic() - began:.1f} s after SIGTERM, tasks of 600 s, grace 1 s")

    site.wait_ready("both", 2)
    letters = site.take("both")
    assert sorted(letter.n for letter in letters) == ["slow", "slow-async"]
    check_uncounted(letters)
    assert {letter.properties["message_id"] for letter in letters} == {
        run["id"] for run in site.oracle.started()
    }
    assert not site.take()
    check_told(command, begins=STOPS, over=STOPPED)
    check_told(command, begins=r" all#1 +handed 2 messages back$")
    finding.add(site.oracle.judge(waiting=[letter.n for letter in letters]), duplicates=0)


@pytest.mark.slow
def test_what_was_handed_back_goes_on_as_if_nothing_had_been(site: Site, finding: Finding) -> None:
    site.write_work({"concurrency": 2}, retry=["100ms"])
    command = site.start()
    site.send(["m-0", "m-1"], do="fail_once", seconds=600)
    # Given two messages in their second attempt
    site.wait_started(4)
    finding.caused()
    site.end(command)

    # When they are handed back and run again
    command = site.start()
    site.wait_started(6)

    again = site.oracle.started()[4:]
    assert {run["attempt"] for run in again} == {2}
    assert {run["event"] for run in again} == {"happened"}
    assert {(run["exchange"], run["key"]) for run in again} == {(f"{site.name}.events", "happened")}
    command.kill_all()
    site.wait_ready("work", 2)
    finding.add(site.oracle.judge(waiting=[letter.n for letter in site.take("work")]), duplicates=0)


@pytest.mark.slow
def test_second_sigterm_ends_at_once_and_loses_nothing(site: Site, finding: Finding) -> None:
    site.write(
        grace="60s",
        tasks={"work": {"python": "tasks:work"}},
        events={"happened": {"tasks": ["work"]}},
        consumers={"all": {"concurrency": 2, "prefetch": 6}},
    )
    command = site.start()
    site.send(["m-0", "m-1"], do="hang_once")
    site.send([f"m-{number}" for number in range(2, 10)])
    site.wait_started(2)
    command.terminate()
    command.wait_for_output("stops: ")

    began = time.monotonic()
    finding.caused(2)
    command.terminate()

    assert command.wait(10) == 1
    finding.note(f"over {time.monotonic() - began:.1f} s after the second SIGTERM")
    wait_until(lambda: not command.family(), 10, "processes were left behind")
    check_told(command, begins=STOPS, over=STOPPED)
    # Nobody is to look for memory that ran out.
    check_told(command, begins=r" all#1 \(pid \d+\) died: killed by SIGKILL$")
    site.run("--fail-on-dead")
    # What was being handed back may be there twice: the copy, and what wasn't acknowledged yet.
    finding.add(site.oracle.judge(), duplicates=6)


@pytest.mark.slow
def test_sigterm_to_all_processes_at_once_is_the_same(site: Site, finding: Finding) -> None:
    # Given a run as a service of systemd, which tells all processes of a service to end
    site.write_work({"processes": 2, "concurrency": 2, "prefetch": 6})
    site.declare()
    site.send([f"m-{number}" for number in range(20)], seconds=1)
    command = site.start()
    site.wait_started(4)

    finding.caused()
    for process in command.family():
        process.terminate()

    assert command.wait(40) == 0
    wait_until(lambda: not command.family(), 10, "processes were left behind")
    done = site.oracle.done_names()
    site.wait_ready("work", 20 - len(done))
    letters = site.take("work")
    check_uncounted(letters)
    check_told(command, begins=STOPS, over=STOPPED)
    assert "died" not in command.output
    finding.add(site.oracle.judge(waiting=[letter.n for letter in letters]), duplicates=0)


def test_ctrl_c_is_the_same_as_sigterm(site: Site, finding: Finding) -> None:
    site.write_work()
    command = site.start()
    site.send(["m-0"], seconds=1)
    site.wait_started(1)

    finding.caused()
    command.interrupt()

    assert command.wait(20) == 0
    finding.add(site.oracle.judge(), duplicates=0)
    assert site.oracle.done_names() == {"m-0"}
