"""Chains of results under kill -9 and restarts of the broker: none is lost, repeats have the same ids."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from tests.brokers import RabbitNode
from tests.faults.site import Site
from tests.waiting import wait_until

COUNT = 60
TASKS = ("one", "two", "three", "mark")


def write_chain(site: Site) -> None:
    """Write a file in which two successes and a death follow from each other."""
    link = {"python": "tasks:link"}
    site.write(
        tasks={
            "one": {**link, "then": "one_done"},
            "two": {**link, "then": "two_done", "retry": ["200ms"]},
            "three": {**link, "on_dead": "lost"},
            "mark": link,
        },
        events={
            "happened": {"tasks": ["one"]},
            "one_done": {"tasks": [{"task": "two", "delay": "300ms"}]},
            "two_done": {"tasks": ["three"]},
            "lost": {"tasks": ["mark"]},
        },
        consumers={"all": {"processes": 2, "concurrency": 2, "prefetch": 8}},
    )


def done(site: Site, task: str) -> int:
    return sum(1 for run in site.oracle.done() if run["task"] == task)


def check(site: Site) -> None:
    """Check that each chain came to its end, and that a repeat has the id of what it repeats."""
    ids: dict[tuple[str, str], set[str]] = {}
    for run in site.oracle.started():
        ids.setdefault((run["n"], run["task"]), set()).add(run["id"])
    assert ids.keys() == {(f"m-{number}", task) for number in range(COUNT) for task in TASKS}
    assert all(len(found) == 1 for found in ids.values()), ids
    assert {run["n"] for run in site.oracle.done() if run["task"] == "mark"} == site.oracle.confirmed_names()
    letters = site.take()
    # The dead letters themselves are a chain's end too: none lost.
    assert {letter.properties["message_id"] for letter in letters} == {
        run["id"] for run in site.oracle.started() if run["task"] == "three"
    }


def with_ids(site: Site) -> None:
    """Publish first messages with ids of their own."""
    acts: dict[str, Any] = {"two": "fail_once", "three": "raise"}
    messages = [site.message(f"m-{number}", acts=acts, seconds=0.01) for number in range(COUNT)]
    site.send_messages(message.with_properties(message_id=message.name) for message in messages)


@pytest.mark.slow
def test_killed_in_the_middle_of_chains_they_all_come_to_their_end(site: Site) -> None:
    # Given chains on their way
    write_chain(site)
    site.declare()
    with_ids(site)
    for task, count in (("one", 10), ("two", 10), ("mark", 10)):
        command = site.start()
        wait_until(lambda task=task, count=count: done(site, task) >= count, 40, f"{count} of {task}")

        # When all processes are killed, once in each part of the chain
        command.kill_all()

    # Then the next run brings all to their end
    site.run()
    check(site)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["stop", "kill"])
def test_broker_that_goes_in_the_middle_of_chains_loses_none(
    own_node: Callable[..., RabbitNode], make_site: Callable[[str], Site], how: str
) -> None:
    node = own_node()
    site = make_site(node.url)
    write_chain(site)
    site.declare()
    with_ids(site)
    command = site.start()
    for task in ("one", "two"):
        wait_until(lambda task=task: done(site, task) >= 10, 40, f"some of {task}")
        node.stop() if how == "stop" else node.kill()
        threading.Event().wait(0.5)
        node.start()
    wait_until(
        lambda: (
            {run["n"] for run in site.oracle.done() if run["task"] == "mark"} >= site.oracle.confirmed_names()
        ),
        60,
        lambda: f"{done(site, 'mark')} chains came to their end",
    )
    site.end(command)
    site.run()
    check(site)
