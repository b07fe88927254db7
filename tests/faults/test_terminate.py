"""SIGTERM: what runs comes to its end within the grace time, the rest goes back uncounted."""

from tests.faults.site import Letter, Site
from tests.waiting import wait_until


def check_uncounted(letters: list[Letter]) -> None:
    """Check that messages look as if they had never been delivered, but for what names them."""
    for letter in letters:
        assert not letter.headers.get("x-delivery-count"), letter.headers
        assert letter.headers.get("ebats-attempt", 1) == 1, letter.headers
        assert "ebats-crashes" not in letter.headers
        assert "ebats-error" not in letter.headers


def test_sigterm_lets_running_tasks_finish_and_hands_the_rest_back(site: Site) -> None:
    # Given four tasks that run and eight that wait in the process, and more in the queue
    site.write_work({"concurrency": 4, "prefetch": 12})
    site.declare()
    site.send([f"m-{number}" for number in range(20)], seconds=1.5)
    command = site.start()
    site.wait_started(4)

    # When the run is told to end
    site.end(command)

    # Then what ran is done, and nothing else has begun; the rest is in the queue, uncounted
    done = site.oracle.done_names()
    assert {run["n"] for run in site.oracle.started()} == done
    assert 4 <= len(done) < 12
    assert "handed" in command.output
    site.wait_ready("work", 20 - len(done))
    letters = site.take("work")
    check_uncounted(letters)
    assert not site.take()
    site.oracle.judge(letter.n for letter in letters).check(duplicates=0)


def test_task_longer_than_the_grace_time_is_handed_back(site: Site) -> None:
    site.write_work({"concurrency": 2})
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

    site.end(command, deadline_s=20)

    site.wait_ready("both", 2)
    letters = site.take("both")
    assert sorted(letter.n for letter in letters) == ["slow", "slow-async"]
    check_uncounted(letters)
    assert {letter.properties["message_id"] for letter in letters} == {
        run["id"] for run in site.oracle.started()
    }
    assert not site.take()


def test_what_was_handed_back_goes_on_as_if_nothing_had_been(site: Site) -> None:
    site.write_work({"concurrency": 2}, retry=["100ms"])
    command = site.start()
    site.send(["m-0", "m-1"], do="fail_once", seconds=600)
    # Given two messages in their second attempt
    site.wait_started(4)
    site.end(command)

    # When they are handed back and run again
    command = site.start()
    site.wait_started(6)

    again = site.oracle.started()[4:]
    assert {run["attempt"] for run in again} == {2}
    assert {run["event"] for run in again} == {"happened"}
    assert {(run["exchange"], run["key"]) for run in again} == {(f"{site.name}.events", "happened")}
    command.kill_all()


def test_second_sigterm_ends_at_once_and_loses_nothing(site: Site) -> None:
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

    command.terminate()

    command.wait(10)
    wait_until(lambda: not command.family(), 10, "processes were left behind")
    site.run("--fail-on-dead")
    # What was being handed back may be there twice: the copy, and what wasn't acknowledged yet.
    site.oracle.judge().check(duplicates=6)


def test_ctrl_c_is_the_same_as_sigterm(site: Site) -> None:
    site.write_work()
    command = site.start()
    site.send(["m-0"], seconds=1)
    site.wait_started(1)

    command.interrupt()

    assert command.wait(20) == 0
    site.oracle.judge().check(duplicates=0)
    assert site.oracle.done_names() == {"m-0"}
