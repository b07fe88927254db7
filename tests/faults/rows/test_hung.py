"""Row 17, tasks that hang: those that can be cancelled, those that can't, those that stop all threads."""

import time

import pytest

from tests.faults.rows.finding import Finding
from tests.faults.rows.lines import check_told
from tests.faults.site import Site
from tests.waiting import wait_until

pytestmark = pytest.mark.row(17)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["hang_once", "deafen_once"])
def test_hung_task_costs_its_process_and_nobody_else(row_site: Site, finding: Finding, how: str) -> None:
    # Given a task that hangs, deaf to signals or not, one beside it that takes a while, others that follow
    site = row_site
    site.write_work({"concurrency": 3, "prefetch": 6}, timeout="1500ms", retry=["200ms"])
    command = site.start()
    (process,) = site.consumers(command)
    site.send(["hung"], do=how)
    site.send(["neighbour"], seconds=1)
    site.send([f"m-{number}" for number in range(20)], seconds=0.3)

    # Then all is done, the hung one in its second attempt, by another process
    site.wait_done()
    wait_until(lambda: site.consumers(command), 20, "the process wasn't replaced")
    assert process.pid not in [other.pid for other in site.consumers(command)]
    site.end(command)
    finding.caused()
    finding.add(site.oracle.judge(), duplicates=0)
    runs = [run for run in site.oracle.started() if run["n"] == "hung"]
    assert [run["attempt"] for run in runs] == [1, 2]
    assert runs[0]["pid"] != runs[1]["pid"]
    (neighbour,) = [run for run in site.oracle.started() if run["n"] == "neighbour"]
    assert neighbour["pid"] == runs[0]["pid"]
    (retry,) = [record for record in site.records() if record["outcome"] == "retry"]
    assert (retry["error"], retry["attempt"]) == ("TimeoutError", 1)
    assert not site.take()
    assert "died" not in command.output
    check_told(command, begins="WARN .* work doesn't end: its process leaves", over="leaves: timeout")


@pytest.mark.slow
def test_task_that_is_deaf_to_signals_does_not_keep_a_run_from_its_end(site: Site, finding: Finding) -> None:
    site.write(
        grace="1s",
        tasks={"work": {"python": "tasks:work", "timeout": "none"}},
        events={"happened": {"tasks": ["work"]}},
    )
    command = site.start()
    site.send(["hung"], do="deafen_once")
    site.wait_started(1)

    site.end(command)

    # Its message went back, uncounted.
    finding.caused()
    (letter,) = site.take("work")
    finding.add(site.oracle.judge(waiting=[letter.n]), duplicates=0)
    assert letter.headers["ebats-attempt"] == 1
    assert not letter.headers.get("x-delivery-count")
    assert "ebats-cut" not in letter.headers


def test_hung_sync_task_without_a_ladder_is_dead_by_its_timeout(site: Site, finding: Finding) -> None:
    site.write_work(timeout="1s")
    site.declare()
    site.send(["hung"], do="hang_once")

    site.run("--fail-on-dead", code=1)

    (letter,) = site.take()
    assert (letter.headers["ebats-reason"], letter.headers["ebats-error"]) == ("timeout", "TimeoutError")
    assert "ebats-crashes" not in letter.headers
    finding.caused()
    finding.add(site.oracle.judge([letter.n]), duplicates=0)


def test_hung_async_task_is_cancelled_and_settled_at_once(site: Site, finding: Finding) -> None:
    site.write(tasks={"work_async": {"python": "tasks:work_async", "timeout": "1s"}})
    command = site.start()
    (process,) = site.consumers(command)
    site.send(["hung"], "tasks", "work_async", seconds=600)
    site.send(["neighbour"], "tasks", "work_async", seconds=0.5)

    site.wait_ready("dead", 1, deadline_s=15)

    assert (site.folder / "cancelled").exists()
    assert site.oracle.done_names() == {"neighbour"}
    # The process goes on.
    assert [other.pid for other in site.consumers(command)] == [process.pid]
    site.send(["next"], "tasks", "work_async")
    wait_until(lambda: "next" in site.oracle.done_names(), 15, "the next one")
    site.end(command)
    (letter,) = site.take()
    assert (letter.n, letter.headers["ebats-reason"]) == ("hung", "timeout")
    finding.caused()
    finding.add(site.oracle.judge([letter.n]), duplicates=0)


@pytest.mark.slow
@pytest.mark.timeout(150)
def test_task_that_holds_the_interpreter_is_killed_and_counts_as_a_crash(
    site: Site, finding: Finding
) -> None:
    # Given a task that lets no other thread run, the first time
    site.write_work({"concurrency": 2}, timeout="2s", retry=["100ms"])
    command = site.start()
    (process,) = site.consumers(command)
    site.send(["held"], do="hold_once")
    site.wait_started(1)
    began = time.monotonic()
    site.send(["m-0", "m-1"])

    # Then its process is killed after half a minute of silence, and all goes on in another one
    site.wait_done(deadline_s=70)
    assert time.monotonic() - began > 25
    assert "has been silent for 30 s: killed" in command.output
    assert not process.is_running()
    held = [run for run in site.oracle.started() if run["n"] == "held"]
    # It was cut short, which is no failed attempt.
    assert [run["attempt"] for run in held] == [1, 1]
    assert held[1]["headers"]["x-delivery-count"] == 1
    site.end(command)
    finding.caused()
    finding.add(site.oracle.judge(), duplicates=0)
    check_told(command, begins="has been silent for 30 s: killed", over="died: killed by SIGKILL")
