"""A file that is edited while things go on: an older runner stops, rungs let go."""

from collections import Counter
from typing import Any

import pytest

from ebats import Publisher
from ebats.runner.broker.change import Mover
from tests.acceptance.test_run_changes import write
from tests.faults.site import Site
from tests.waiting import wait_until


@pytest.mark.parametrize("tasks", ["acd", "abc", "c", "bc"])
def test_what_an_older_runner_hands_back_after_the_change_is_for_the_new_file(site: Site, tasks: str) -> None:
    write(site, consumers={"all": {"concurrency": 1, "prefetch": 30}})
    old = site.start()
    site.send(["long"], "tasks", "a", seconds=8)
    site.wait_started(1)
    names = [f"m-{number}" for number in range(3)]
    site.send(names)
    wait_until(lambda: site.ready("one") + site.ready("c") == 0, 10, "the runner didn't take them")
    write(site, events={"happened": {"tasks": [*tasks]}})
    site.declare()
    site.end(old)

    site.run()

    done = Counter((run["n"], run["task"]) for run in site.oracle.done() if run["n"] != "long")
    assert done == Counter((name, task) for name in names for task in tasks)
    # The copy that is for nothing any more.
    assert [letter.headers["ebats-reason"] for letter in site.take()] == ["gone"] * (3 if tasks == "c" else 0)


def test_a_rung_that_empties_during_a_long_change_lets_nothing_go_without_its_new_task(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    delayed = {"task": "a", "delay": "2s"}
    write(site, events={"later": {"tasks": [delayed]}, "happened": {"tasks": ["c"]}})
    site.declare()
    site.send(["fresh"])
    site.send(["late"], key="later")
    quick = Mover.move

    def slow(self: Mover, queue: str, *args: Any, **more: Any) -> int:
        wait_until(lambda: site.ready("one") == 1, 10, "nothing has left the rung")
        return quick(self, queue, *args, **more)

    monkeypatch.setattr(Mover, "move", slow)
    write(site, events={"later": {"tasks": [delayed, "d"]}, "happened": {"tasks": ["d"]}})
    site.declare()

    site.run()

    done = sorted((run["n"], run["task"]) for run in site.oracle.done())
    assert done == [("fresh", "d"), ("late", "a"), ("late", "d")]


def test_a_task_that_took_the_place_of_another_gets_what_a_publisher_delayed(site: Site) -> None:
    write(site)
    site.declare()
    with Publisher(site.file) as publisher:
        publisher.publish("happened", {"n": "m"}, delay=4)
    write(site, events={"happened": {"tasks": ["b", "c"]}})

    site.run("--fail-on-dead")

    assert sorted((run["n"], run["task"]) for run in site.oracle.done()) == [("m", "b"), ("m", "c")]


def test_what_a_killed_runner_held_is_done_for_each_file_since(site: Site) -> None:
    write(site, consumers={"all": {"concurrency": 1, "prefetch": 30}})
    old = site.start()
    site.send(["long"], "tasks", "a", seconds=30)
    site.wait_started(1)
    names = [f"m-{number}" for number in range(3)]
    site.send(names)
    wait_until(lambda: site.ready("one") + site.ready("c") == 0, 10, "the runner didn't take them")
    for more in ({}, {"matched": {"tasks": ["a"]}}):
        write(site, events={"happened": {"tasks": ["a", "c", "d"]}, **more})
        site.declare()
    old.kill_all()

    site.run()

    done = Counter((run["n"], run["task"]) for run in site.oracle.done())
    assert {(name, task) for name in names for task in "acd"} <= done.keys()
