"""A file that is edited between two runs: no task is run twice, or not at all, because of what it was."""

from typing import Any

from tests.faults.site import Site


def write(site: Site, task: dict[str, Any] | None = None, event: Any = "work", **more: Any) -> None:
    """Write a file with one task, and one event that has it."""
    definition = event if isinstance(event, dict) and "tasks" in event else {"tasks": [event]}
    site.write(
        tasks={"work": {"python": "tasks:work", **(task or {})}}, events={"happened": definition}, **more
    )


def check_each_is_done_once(site: Site, count: int) -> None:
    """Check that as many messages were done, each once, and nothing died."""
    assert sorted(run["n"] for run in site.oracle.done()) == [f"m-{number}" for number in range(count)]
    assert not site.take()


def test_edited_delay_doesnt_run_a_task_twice(site: Site) -> None:
    for number, delay in enumerate(("500ms", "700ms", None)):
        write(site, event={"task": "work", "delay": delay} if delay else "work")
        site.declare()
        site.send([f"m-{number}"])
        site.run("--fail-on-dead")

    check_each_is_done_once(site, 3)


def test_what_waits_on_a_rung_that_left_the_file_is_done_once(site: Site) -> None:
    write(site, event={"task": "work", "delay": "2s"})
    site.declare()
    site.send(["m-0"])
    write(site, event={"task": "work", "delay": "100ms"})
    site.declare()
    site.send(["m-1"])

    command = site.start()
    site.wait_done()

    site.end(command)
    check_each_is_done_once(site, 2)


def test_edited_queue_doesnt_run_a_task_twice(site: Site) -> None:
    queues = {"first": None, "second": None}
    for number, queue in enumerate(("first", "second", "first")):
        write(site, {"queue": queue}, queues={queue: queues[queue]})
        site.declare()
        site.send([f"m-{number}"])
        site.run("--fail-on-dead")

    check_each_is_done_once(site, 3)


def test_edited_key_takes_only_what_it_says(site: Site) -> None:
    exchanges = {"trade": {"type": "topic"}}
    for number, key in enumerate(("a.*", "b.*")):
        write(site, event={"exchange": "trade", "key": key, "tasks": ["work"]}, exchanges=exchanges)
        site.declare()
        # What the key doesn't say goes nowhere: the exchange is the publishers'.
        for letter in "ab":
            name = f"m-{number}" if letter == key[0] else f"not-{number}"
            site.send([name], "trade", f"{letter}.x")
        site.run("--fail-on-dead")

    check_each_is_done_once(site, 2)


def test_removed_ladder_lets_what_waits_on_it_come_back(site: Site) -> None:
    write(site, {"retry": ["3s"]})
    command = site.start()
    site.send(["m-0"], do="fail_once")
    site.wait_ready("delay.3s", 1)
    site.end(command)

    write(site)
    command = site.start()
    site.wait_done()

    site.end(command)
    check_each_is_done_once(site, 1)


def test_removed_task_goes_to_the_dead_letters_and_blocks_nobody(site: Site) -> None:
    site.write(
        tasks={
            "work": {"python": "tasks:work", "retry": ["8s"]},
            "other": {"python": "tasks:other", "retry": ["8s"]},
        },
        events={"happened": {"tasks": ["work"]}},
    )
    command = site.start()
    site.send(["removed"], "tasks", "other", other_do="raise")
    site.wait_ready("delay.8s", 1)
    site.send(["m-0"], do="fail_once")
    site.wait_ready("delay.8s", 2)
    site.end(command)

    write(site, {"retry": ["8s"]})
    command = site.start()
    site.wait_done_but("removed")
    site.wait_ready("dead", 1)
    site.end(command)

    assert [run["n"] for run in site.oracle.done()] == ["m-0"]
    assert [letter.n for letter in site.take()] == ["removed"]
