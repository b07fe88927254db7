"""A file that is edited while messages wait: each is done by what the new file says, once, or is dead."""

from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.faults.send import Message
from tests.faults.site import Site
from tests.integration.wire import Wire
from tests.waiting import wait_until

#: One function for each task: a task of another name that does the same is a renamed one.
FUNCTIONS = """
from ebats import Context
from tasks import work

def a(context: Context, n: str, do: str = "", seconds: float = 0.0): return work(context, n, do, seconds)
def b(context: Context, n: str, do: str = "", seconds: float = 0.0): return work(context, n, do, seconds)
def c(context: Context, n: str): return work(context, n)
def d(context: Context, n: str): return work(context, n)
"""

#: `a` and `b` share a queue.
FILE: dict[str, dict[str, Any]] = {
    "exchanges": {"trade": {"type": "topic"}},
    "queues": {"one": None},
    "tasks": {
        "a": {"python": "more:a", "queue": "one", "retry": ["1s"]},
        "b": {"python": "more:b", "queue": "one"},
        "c": {"python": "more:c"},
        "d": {"python": "more:d"},
    },
    "events": {
        "happened": {"tasks": ["a", "c"]},
        "later": {"tasks": [{"task": "a", "delay": "1s"}]},
        "matched": {"exchange": "trade", "key": "x.*", "tasks": ["b"]},
    },
}
#: Where messages wait, and who does them while the file stays as it is.
UNCHANGED = {
    "fresh": "ac",
    "matched": "b",
    "delayed": "a",
    "second": "a",
    "back": "a",
    "suspect": "a",
    "named": "a",
    "after": "ac",
}


def write(site: Site, **edits: Mapping[str, Any]) -> None:
    """Write the file with edits: what an entry is now; None: it is taken out."""
    (site.folder / "more.py").write_text(FUNCTIONS)
    sections = {}
    for name, section in {**FILE, **{name: {} for name in edits if name not in FILE}}.items():
        edited = {**section, **edits.get(name, {})}
        sections[name] = {key: value for key, value in edited.items() if value != "out"}
    site.write(**sections)


def fill(site: Site) -> None:
    """Let a message wait in each place."""
    origin = {"ebats-event": "happened", "ebats-exchange": f"{site.name}.events", "ebats-key": "happened"}
    first = {**origin, "ebats-task": "a", "ebats-attempt": 1}

    def put(name: str, exchange: str, key: str, headers: dict[str, Any]) -> Message:
        message = site.message(name, exchange, key)
        return Message(
            name=name,
            exchange=message.exchange if exchange else "",
            key=key,
            body=message.body,
            headers=headers,
        )

    site.send_messages(
        [
            site.message("fresh"),
            site.message("matched", "trade", "x.1"),
            site.message("delayed", key="later"),
            put(
                "second",
                "delay.1s",
                "a",
                {**first, "ebats-attempt": 2, "ebats-first": 1.0, "ebats-last": 2.0},
            ),
            put("back", "", f"{site.name}.one", first),
            put("suspect", "", f"{site.name}.suspects", {**first, "ebats-queue": f"{site.name}.one"}),
            site.message("named", "tasks", "a"),
        ]
    )


@dataclass(frozen=True)
class Edit:
    """What is edited, and who does a message then; small letters are tasks, `!` is a dead letter."""

    sections: Mapping[str, Mapping[str, Any]]
    done: Mapping[str, str] = field(default_factory=dict)


def a(**more: Any) -> dict[str, Any]:
    """Return the task `a` with other keys."""
    return {**FILE["tasks"]["a"], **more}


RENAMED = {
    "tasks": {"a": "out", "z": a()},
    "events": {"happened": {"tasks": ["z", "c"]}, "later": {"tasks": [{"task": "z", "delay": "1s"}]}},
}
EDITS = {
    "delay": Edit({"events": {"later": {"tasks": [{"task": "a", "delay": "700ms"}]}}}),
    "no_delay": Edit({"events": {"later": {"tasks": ["a"]}}}),
    "queue_of_a_task": Edit({"queues": {"two": None}, "tasks": {"a": a(queue="two")}}),
    "ladder": Edit({"tasks": {"a": a(retry=["3s", "5s"])}}),
    "task_added": Edit(
        {"events": {"happened": {"tasks": ["a", "c", "d"]}}}, {"fresh": "acd", "back": "ad", "after": "acd"}
    ),
    "task_added_on_the_queue": Edit(
        {"events": {"happened": {"tasks": ["a", "c", "b"]}}}, {"fresh": "acb", "back": "ab", "after": "acb"}
    ),
    "task_added_behind_a_delay": Edit(
        {"events": {"later": {"tasks": [{"task": "a", "delay": "1s"}, "d"]}}}, {"delayed": "ad"}
    ),
    "task_taken_out": Edit(
        {"events": {"happened": {"tasks": ["c"]}}}, {"fresh": "c!", "back": "!", "after": "c"}
    ),
    "task_swapped": Edit(
        {"events": {"happened": {"tasks": ["b", "c"]}}}, {"fresh": "bc", "back": "b", "after": "bc"}
    ),
    "key": Edit({"events": {"matched": {**FILE["events"]["matched"], "key": "y.*"}}}, {"matched": "!"}),
    "task_renamed": Edit(
        RENAMED,
        {place: tasks.replace("a", "z") for place, tasks in UNCHANGED.items()},
    ),
    "task_removed": Edit(
        {"tasks": {"a": "out"}, "events": {"happened": {"tasks": ["c"]}, "later": "out"}},
        {
            "fresh": "c!",
            "delayed": "!",
            "second": "!",
            "back": "!",
            "suspect": "!",
            "named": "!",
            "after": "c",
        },
    ),
    "event_renamed": Edit({"events": {"happened": "out", "occurred": {"tasks": ["a", "c"]}}}, {"after": ""}),
    "event_removed": Edit({"events": {"happened": "out"}}, {"fresh": "!!", "back": "!", "after": ""}),
    "queue_renamed": Edit(
        {
            "queues": {"one": "out", "uno": None},
            "tasks": {"a": a(queue="uno"), "b": {"python": "more:b", "queue": "uno"}},
        }
    ),
    "queue_in_a_new_generation": Edit({"generations": {"one": 2, "delay.1s": 2, "suspects": 2}}),
}


@pytest.mark.parametrize("name", EDITS)
def test_each_message_is_done_by_what_the_new_file_says_once(site: Site, name: str) -> None:
    edit = EDITS[name]
    expected = {**UNCHANGED, **edit.done}
    write(site)
    site.declare()
    fill(site)
    site.wait_ready("suspects", 1)
    write(site, **edit.sections)
    site.declare()
    if expected["after"]:
        site.send(["after"])

    output = site.run()

    letters = site.take()
    found = Counter((run["n"], run["task"]) for run in site.oracle.done())
    found.update((letter.n, "!") for letter in letters)
    wanted = Counter((place, task) for place, tasks in expected.items() for task in tasks)
    assert found == wanted, output[-3000:]
    assert {letter.headers["ebats-reason"] for letter in letters} <= {"gone"}


def test_what_nobody_knew_is_done_when_the_file_knows_it(site: Site) -> None:
    write(site)
    site.declare()
    # As a runner with an older file leaves them.
    headers = {"ebats-exchange": f"{site.name}.events", "ebats-attempt": 1}
    unknown = [
        ("task", {**headers, "ebats-task": "z", "ebats-key": "z", "ebats-exchange": f"{site.name}.tasks"}),
        ("event", {**headers, "ebats-key": "happened"}),
    ]
    site.send_messages(
        Message(
            name=name,
            exchange=f"{site.name}.delay.10s",
            key="@one",
            body=site.message(name).body,
            headers=each,
        )
        for name, each in unknown
    )
    write(
        site,
        queues={"one": "out", "uno": None},
        tasks={"a": a(queue="uno"), "b": "out", "z": {"python": "more:b"}},
        events={"matched": "out"},
    )

    site.run()

    assert sorted((run["n"], run["task"]) for run in site.oracle.done()) == [("event", "a"), ("task", "z")]
    assert not site.take()


def test_what_a_stopped_runner_handed_back_is_for_the_new_file(site: Site) -> None:
    write(site, consumers={"all": {"concurrency": 1, "prefetch": 30}})
    command = site.start()
    site.send(["long"], "tasks", "a", seconds=3)
    site.wait_started(1)
    site.send([f"m-{number}" for number in range(5)])
    wait_until(lambda: site.ready("one") == 0, 10, "the runner didn't take them")
    site.end(command)
    write(site, events={"happened": {"tasks": ["b", "c", "d"]}})

    site.run()

    found = Counter((run["n"], run["task"]) for run in site.oracle.done())
    names = [f"m-{number}" for number in range(5)]
    assert found == Counter([("long", "a"), *((name, task) for name in names for task in "bcd")])


def test_a_change_back_and_forth_loses_nothing(site: Site) -> None:
    for number, tasks in enumerate((["a"], ["b"], ["c", "a"], ["a"])):
        write(site, events={"happened": {"tasks": tasks}})
        site.declare()
        site.send([f"m-{number}"])

    site.run()

    # Before the last edit all of them but the last were for `c`, too.
    assert sorted((run["n"], run["task"]) for run in site.oracle.done()) == [
        (f"m-{number}", "a") for number in range(4)
    ]
    assert sorted(letter.n for letter in site.take()) == ["m-0", "m-1", "m-2"]


def test_a_message_published_after_a_change_runs_no_task_of_the_old_file(site: Site) -> None:
    write(site)
    site.declare()
    write(site, events={"happened": {"tasks": ["d"]}})
    site.declare()
    site.send(["m"])
    with closing(Wire(site.url)) as wire:
        assert wire.ready(f"{site.name}.one") == 0

    site.run("--fail-on-dead")

    assert [(run["n"], run["task"]) for run in site.oracle.done()] == [("m", "d")]
