"""Tasks that take too long: those that can be cancelled, those that can't, those that stop all threads."""

import time

import pytest

from tests.faults.site import Site
from tests.waiting import wait_until


def test_hung_sync_task_costs_its_process_and_nobody_else(site: Site) -> None:
    # Given a task that hangs, one beside it that takes a while, and others that follow
    site.write_work({"concurrency": 3, "prefetch": 6}, timeout="1500ms", retry=["200ms"])
    command = site.start()
    (process,) = site.consumers(command)
    site.send(["hung"], do="hang_once")
    site.send(["neighbour"], seconds=1)
    site.send([f"m-{number}" for number in range(20)], seconds=0.3)

    # Then all is done, the hung one in its second attempt, by another process
    site.wait_done()
    wait_until(lambda: site.consumers(command), 20, "the process wasn't replaced")
    assert process.pid not in [other.pid for other in site.consumers(command)]
    site.end(command)
    site.oracle.judge().check(duplicates=0)
    runs = [run for run in site.oracle.started() if run["n"] == "hung"]
    assert [run["attempt"] for run in runs] == [1, 2]
    assert runs[0]["pid"] != runs[1]["pid"]
    (neighbour,) = [run for run in site.oracle.started() if run["n"] == "neighbour"]
    assert neighbour["pid"] == runs[0]["pid"]
    (retry,) = [record for record in site.records() if record["outcome"] == "retry"]
    assert (retry["error"], retry["attempt"]) == ("TimeoutError", 1)
    assert not site.take()
    assert "died" not in command.output


def test_hung_sync_task_without_a_ladder_is_dead_by_its_timeout(site: Site) -> None:
    site.write_work(timeout="1s")
    site.declare()
    site.send(["hung"], do="hang_once")

    site.run("--fail-on-dead", code=1)

    (letter,) = site.take()
    assert (letter.headers["ebats-reason"], letter.headers["ebats-error"]) == ("timeout", "TimeoutError")
    assert "ebats-crashes" not in letter.headers


def test_hung_async_task_is_cancelled_and_settled_at_once(site: Site) -> None:
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


@pytest.mark.slow
@pytest.mark.timeout(150)
def test_task_that_holds_the_interpreter_is_killed_and_counts_as_a_crash(site: Site) -> None:
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
    site.oracle.judge().check(duplicates=0)
