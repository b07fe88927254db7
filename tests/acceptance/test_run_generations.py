"""A queue that can't change: a new generation takes its place, and gets what waits in the old one."""

import re
from collections import Counter
from contextlib import closing
from typing import Any

from tests.faults.site import Site
from tests.integration.wire import QUORUM, Wire, work_arguments


def write(site: Site, queue: dict[str, Any] | None = None, **more: Any) -> None:
    """Write a file whose two tasks share a queue, and have a ladder."""
    task = {"queue": "one", "retry": ["1s"]}
    site.write(
        queues={"one": queue},
        tasks={"work": {"python": "tasks:work", **task}, "other": {"python": "tasks:other", **task}},
        events={"happened": {"tasks": ["work", "other"]}},
        **more,
    )


def refused(site: Site) -> str:
    """Start a run that can't begin, and return what it says."""
    command = site.launch()
    assert command.wait(40) == 78, command.output
    return command.output


def runs(site: Site) -> Counter[tuple[str, str]]:
    """Count the runs by message and task."""
    return Counter((run["n"], run["task"]) for run in site.oracle.done())


def test_a_classic_queue_becomes_a_quorum_queue_with_its_messages(site: Site) -> None:
    write(site, {"type": "classic"})
    command = site.start()
    site.send(["retried"], "tasks", "work", do="fail_once")
    site.wait_ready("delay.1s", 1)
    site.end(command)
    site.send(["m-0", "m-1"])
    write(site)
    said = refused(site)
    assert f"the queue {site.name}.one differs: " in said
    assert "x-queue-type is classic on the broker and quorum for this file" in said
    assert "write `generations: {one: 2}` at the top of the file" in said
    write(site, generations={"one": 2})

    output = site.run("--fail-on-dead")

    assert re.search(rf"moved [23] messages of {site.name}\.one to where the file wants it now", output)
    both = [(n, task) for n in ("m-0", "m-1") for task in ("work", "other")]
    assert runs(site) == Counter([("retried", "work"), *both])
    assert site.ready("one") == 0
    assert site.ready("one~2") == 0


def test_what_somebody_made_with_another_ttl_is_replaced(site: Site) -> None:
    with closing(Wire(site.url)) as wire:
        dead = {**work_arguments(f"{site.name}.dead"), "x-message-ttl": 3_600_000}
        wire.queue(f"{site.name}.one", dead)
        wire.queue(f"{site.name}.delay.1s", {**QUORUM, "x-message-ttl": 3_600_000})
        wire.publish(b'{"n": "straight"}', "", f"{site.name}.one", {"ebats-task": "work"})
        wire.wait_ready(f"{site.name}.one", 1)
    write(site)
    said = refused(site)
    assert said.count("x-message-ttl is 3600000 on the broker and none for this file") == 1
    assert "`generations: {one: 2}`" in said
    assert "`generations: {delay.1s: 2}`" in said
    write(site, generations={"one": 2, "delay.1s": 2})
    site.declare()
    site.send(["m"], do="fail_once")

    site.run("--fail-on-dead")

    assert runs(site) == Counter([("straight", "work"), ("m", "work"), ("m", "other")])


def test_dead_letters_and_suspects_go_along_as_they_are(site: Site) -> None:
    write(site)
    command = site.start()
    site.send(["rejected"], "tasks", "work", do="reject")
    site.send(["nobody"], "tasks", "nobody")
    site.wait_ready("dead", 2)
    site.end(command)
    with closing(Wire(site.url)) as wire:
        headers = {"ebats-task": "work", "ebats-queue": f"{site.name}.one", "ebats-crashes": 1}
        wire.publish(b'{"n": "suspect"}', "", f"{site.name}.suspects", headers)
        wire.wait_ready(f"{site.name}.suspects", 1)
    write(site, generations={"dead": 2, "suspects": 3})

    output = site.run()

    assert runs(site) == Counter([("suspect", "work")]), output
    assert site.ready("dead") == 0
    letters = {letter.n: letter.headers for letter in site.take("dead~2")}
    assert letters.keys() == {"rejected", "nobody"}
    assert letters["rejected"]["ebats-reason"] == "rejected"
    assert letters["nobody"]["ebats-exchange"] == f"{site.name}.tasks"
    assert letters["nobody"]["ebats-key"] == "nobody"
