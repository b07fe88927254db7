"""Two versions of a file run at once: nothing is lost, and in the end the newer one counts."""

from collections import Counter
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from ebats.pipelines.load import load
from ebats.pipelines.stored_topology import from_json
from ebats.pipelines.topology import derive
from ebats.runner.broker import change
from tests.commands import RunningCommand
from tests.faults.site import Site
from tests.integration.wire import Wire
from tests.waiting import wait_until

ENDS: dict[str, Callable[[RunningCommand], object]] = {
    "terminated": RunningCommand.terminate,
    "killed": RunningCommand.kill_all,
}


def write(site: Site, queue: str, ladder: list[str], tasks: list[Any], *others: str) -> None:
    """Write a version of the file: the task's queue and ladder, and what follows from the event."""
    more = {name: {"python": f"tasks:{name}"} for name in others}
    site.write(
        queues={queue: None},
        tasks={"work": {"python": "tasks:work", "queue": queue, "retry": ladder}, **more},
        events={"happened": {"tasks": tasks}},
        consumers={"all": {"concurrency": 4, "prefetch": 40}},
    )


def check_topology(site: Site) -> None:
    """Check that what the broker keeps is what the file says now, alone."""
    pipeline = load(str(site.file), {})
    with closing(Wire(site.url)) as wire:
        message = wire.get(pipeline.on_broker("topology"))
        assert from_json(message.body) == derive(pipeline)
        assert wire.channel.basic_get(pipeline.on_broker("topology")) is None


@pytest.mark.parametrize("end", ENDS)
def test_nothing_is_lost_while_an_old_runner_ends_beside_a_new_one(site: Site, end: str) -> None:
    write(site, "first", ["1s"], ["work"])
    old = site.start()
    number = iter(range(10_000))

    def publish(count: int, **payload: Any) -> None:
        site.send([f"m-{next(number)}" for _ in range(count)], **payload)

    publish(40, seconds=0.2)
    publish(10, do="fail_once")
    site.wait_started(4)
    write(site, "second", ["2s"], ["work", "other"], "other")
    new = site.launch()
    while "takes from" not in new.output:
        publish(5, seconds=0.05)
        assert new.running, new.output
    publish(20, do="fail_once")

    ENDS[end](old)

    old.wait(40)
    publish(20)
    site.wait_done()
    wait_until(lambda: site.ready("first") == 0, 40, "the queue that left the file isn't emptied")
    site.end(new)
    check_topology(site)
    assert not site.take()


def test_what_an_old_runner_held_when_it_was_killed_is_for_both_files(site: Site) -> None:
    write(site, "first", ["1s"], ["work"])
    old = site.start()
    names = {f"m-{number}" for number in range(4)}
    site.send(names, do="hang_once")
    site.wait_started(4)
    write(site, "first", ["1s"], ["work", "other"], "other")
    new = site.start()

    old.kill_all()

    # They come back as they were first published, and their event has come to mean more.
    wanted = {(name, task) for name in names for task in ("work", "other")}
    wait_until(
        lambda: {(run["n"], run["task"]) for run in site.oracle.done()} == wanted,
        60,
        lambda: str(sorted((run["n"], run["task"]) for run in site.oracle.done())),
    )
    site.end(new)


def test_a_crash_in_the_middle_of_a_change_loses_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    write(site, "first", ["1s"], ["work"])
    site.declare()
    site.send([f"m-{number}" for number in range(5)])
    write(site, "second", ["1s"], ["other", "work"], "other")
    with monkeypatch.context() as patch:

        def die(*_: object) -> None:
            raise KeyboardInterrupt

        patch.setattr(change, "empty", die)
        with pytest.raises(KeyboardInterrupt):
            site.declare()
    site.send(["between"])
    write(site, "third", ["1s"], ["other", "work"], "other")

    site.run("--fail-on-dead")

    names = [*(f"m-{number}" for number in range(5)), "between"]
    done = Counter((run["n"], run["task"]) for run in site.oracle.done())
    assert done.keys() == {(name, task) for name in names for task in ("work", "other")}
    check_topology(site)


def test_who_is_killed_while_messages_move_loses_none(
    site: Site, start_ebats: Callable[..., RunningCommand]
) -> None:
    write(site, "first", ["1s"], ["work"])
    site.declare()
    names = [f"m-{number}" for number in range(3000)]
    site.send(names)
    write(site, "second", ["1s"], ["work"])
    command = start_ebats("apply", site.file)
    wait_until(lambda: site.exists("second") and site.ready("second") > 200, 40, "nothing is moved")

    command.kill_all()

    assert site.ready("first") > 0
    site.run("--fail-on-dead")
    done = Counter(run["n"] for run in site.oracle.done())
    assert done.keys() == {*names}
    # What was published and not acknowledged is there again: no more than one batch.
    assert sum(done.values()) - len(names) <= 500
    check_topology(site)
