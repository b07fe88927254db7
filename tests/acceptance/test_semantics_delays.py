"""Delays that a message or a task chooses: never early, soon after, on the queue that was chosen."""

import time
from dataclasses import replace
from itertools import pairwise
from typing import Any

from tests.faults.send import Message
from tests.faults.site import Site


def delayed(site: Site, name: str, wait_s: float, key: str = "work", **payload: Any) -> Message:
    """Return a message for one task that is due in a while, as any AMQP client can make it."""
    message = site.message(name, "tasks", key, **payload)
    return Message(name, message.exchange, key, message.body, {"ebats-due": time.time() + wait_s})


def test_message_runs_when_it_is_due_and_not_before(site: Site) -> None:
    # Given messages for one task that are due at odd times
    site.write_work()
    site.declare()
    messages = [delayed(site, f"m-{wait_s}", wait_s) for wait_s in (0.001, 0.3, 1.7, 3.2, 4.6)]
    # One of its own accord leaves its first rung, for a month, at once.
    hasty = delayed(site, "hasty", 2.5).with_properties(expiration="100")
    messages.append(replace(hasty, exchange=f"{site.name}.delay.30d"))
    site.send_messages(messages)

    # When the pipeline runs until it is idle
    site.run("--fail-on-dead")

    # Then each ran once, at its first attempt, when it was due
    due = {message.name: float(message.headers["ebats-due"]) for message in messages}
    runs = {run["n"]: run for run in site.oracle.done()}
    assert runs.keys() == due.keys()
    for name, run in runs.items():
        assert run["attempt"] == 1
        # Less than a second, and what a busy machine takes; the arithmetic has a test of its own.
        assert 0 <= run["at"] - due[name] < 30, name
    site.oracle.judge().check(duplicates=0)
    # One record each: a hop is no attempt; and what it waited counts from when it was due
    records = site.records()
    assert len(records) == len(messages)
    assert all(record["wait_s"] < 30 for record in records)


def test_event_that_is_not_due_waits_for_each_of_its_tasks(site: Site) -> None:
    site.write(
        queues={"both": None},
        tasks={
            "work": {"python": "tasks:work", "queue": "both"},
            "other": {"python": "tasks:other", "queue": "both"},
        },
        events={"happened": {"tasks": ["work", "other"]}},
    )
    site.declare()
    message = site.message("m-0")
    due = time.time() + 2
    site.send_messages([Message("m-0", message.exchange, message.key, message.body, {"ebats-due": due})])

    site.run("--fail-on-dead")

    runs = site.oracle.done()
    assert sorted(run["task"] for run in runs) == ["other", "work"]
    assert all(run["at"] >= due and run["event"] == "happened" for run in runs)
    assert len({run["id"] for run in runs}) == 1


def test_moment_that_cannot_be_read_is_a_dead_letter(site: Site) -> None:
    site.write_work()
    site.declare()
    garbage: list[Any] = ["soon", "nan", 1_800_000_000_000, [1], -1]
    for number, due in enumerate(garbage):
        message = site.message(f"m-{number}", "tasks", "work")
        site.send_messages(
            [Message(message.name, message.exchange, message.key, message.body, {"ebats-due": due})]
        )

    site.run("--fail-on-dead", code=1)

    # A moment in the past is no garbage.
    assert site.oracle.done_names() == {"m-4"}
    letters = {letter.n: letter.headers for letter in site.take()}
    assert letters.keys() == {"m-0", "m-1", "m-2", "m-3"}
    assert {headers["ebats-reason"] for headers in letters.values()} == {"undecodable"}
    assert "ebats-due is 'soon', and has to be a Unix time" in letters["m-0"]["ebats-text"]


def test_task_chooses_how_long_it_waits_and_its_ladder_how_often(site: Site) -> None:
    site.write(
        tasks={
            "work": {"python": "tasks:work", "retry": ["100ms", "100ms"]},
            "bare": {"python": "tasks:work"},
        },
        events={"happened": {"tasks": ["work"]}, "bare": {"tasks": ["bare"]}},
    )
    site.declare()
    site.send(["laddered"], do="retry_after", after=1.2)
    site.send(["bare"], key="bare", do="retry_after", after="700ms")
    site.send(["odd"], do="retry_after", after="120")

    site.run("--fail-on-dead", code=1)

    runs: dict[str, list[float]] = {}
    for run in site.oracle.started():
        runs.setdefault(run["n"], []).append(run["at"])
    assert {name: len(at) for name, at in runs.items()} == {"laddered": 3, "bare": 6, "odd": 3}
    waits = {name: [b - a for a, b in pairwise(at)] for name, at in runs.items()}
    assert min(waits["laddered"]) >= 1.2
    assert min(waits["bare"]) >= 0.7
    letters = {letter.n: letter.headers for letter in site.take()}
    assert {letter["ebats-reason"] for letter in letters.values()} == {"exhausted"}
    assert letters["odd"]["ebats-error"] == "ValueError"
    assert "can't be '120': write seconds" in letters["odd"]["ebats-text"]


def test_chosen_queue_is_kept_over_retries_hops_and_delays(site: Site) -> None:
    # Given two tasks whose queue an event chooses, with and without a delay
    site.write(
        queues={"fast": None, "slow": None},
        tasks={
            "work": {"python": "tasks:work", "queues": ["fast", "slow"], "retry": ["200ms", "200ms"]},
            "other": {"python": "tasks:other", "queues": ["fast", "slow"]},
        },
        events={
            "happened": {"tasks": [{"task": "work", "queue": "slow"}, {"task": "other", "queue": "slow"}]},
            "later": {"tasks": [{"task": "work", "queue": "slow", "delay": "500ms"}]},
            "usual": {"tasks": ["work"]},
        },
        consumers={"quick": {"queues": ["fast"]}, "lazy": {"queues": ["slow"]}},
    )
    site.declare()
    site.send(["plain"], do="fail_once")
    site.send(["late"], key="later", do="fail_once")
    site.send(["usual"], key="usual", do="fail_once")
    site.send(["after"], do="retry_after_once", after=0.9)
    site.send_messages([delayed(site, "addressed", 1.3, "work@slow", do="fail_once")])

    # When they run, with a failure each
    site.run("--fail-on-dead")

    # Then all attempts of a message ran on its queue
    queues = {
        (record["task"], record["queue"]) for record in site.records() if record.get("event") != "usual"
    }
    assert queues == {("work", "slow"), ("other", "slow")}
    assert {record["queue"] for record in site.records() if record.get("event") == "usual"} == {"fast"}
    attempts = sorted((run["n"], run["attempt"]) for run in site.oracle.started() if run["task"] == "work")
    names = ["addressed", "after", "late", "plain", "usual"]
    assert attempts == [(name, attempt) for name in names for attempt in (1, 2)]
    site.oracle.judge().check(duplicates=2)  # `plain` and `after` are for two tasks


def test_one_that_kills_its_process_on_a_chosen_queue_stays_there_through_the_lane(site: Site) -> None:
    # Given a message that kills its process twice, and then fails once
    site.write(
        queues={"fast": None, "slow": None},
        tasks={"work": {"python": "tasks:work", "queues": ["fast", "slow"], "retry": ["200ms"]}},
        events={"happened": {"tasks": [{"task": "work", "queue": "slow"}]}},
        consumers={"quick": {"queues": ["fast"]}, "lazy": {"queues": ["slow"]}},
    )
    site.declare()
    site.send(["m-0"], do="kill_thrice_fail_once")

    # When it has passed through the lane
    output = site.run("--fail-on-dead")

    # Then its next attempt ran on its queue again
    assert "it runs alone from now on" in output
    assert [(record["outcome"], record["queue"]) for record in site.records()] == [
        ("retry", "slow"),
        ("success", "slow"),
    ]
    assert {record["process"].partition("#")[0] for record in site.records()} == {"lane", "lazy"}
