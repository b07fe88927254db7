"""Events that come from queues, our own and other people's: everything in them is moved, and runs once."""

import json
import os
import signal
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any

import pytest

from tests.commands import RunningCommand, run_ebats
from tests.faults.send import Message
from tests.faults.site import Site
from tests.integration.wire import Wire
from tests.waiting import wait_until

CLASSIC = {"x-queue-type": "classic"}
QUORUM = {"x-queue-type": "quorum"}


@pytest.fixture
def wire(site: Site) -> Iterator[Wire]:
    """A connection of the queues' owner."""
    with closing(Wire(site.url)) as wire:
        yield wire


def write(site: Site, queue: Mapping[str, Any], **sections: Any) -> None:
    """Write a file whose event `wanted` comes from a queue: two tasks of one queue, and a delayed one."""
    tasks = ["work", "other", {"task": "later", "delay": "1500ms"}]
    site.write(
        queues={"orders": dict(queue), "both": None},
        tasks={
            "work": {"python": "tasks:work", "queue": "both"},
            "other": {"python": "tasks:other", "queue": "both"},
            "later": {"python": "tasks:work"},
        },
        events={"wanted": {"queue": "orders", "tasks": tasks, "labels": {"n": "{{ n }}"}}},
        **sections,
    )


def to_queue(name: str, queue: str, headers: Mapping[str, Any] | None = None, **properties: Any) -> Message:
    """Return a message straight into a queue."""
    body = json.dumps({"n": name}).encode()
    return Message(name, "", queue, body, headers or {}, properties)


ODD: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {}),
    ({}, {"content_type": "application/x-php", "content_encoding": "utf-8", "type": "t", "app_id": "them"}),
    ({"CC": ["orders.v1"], "x-death": "nonsense"}, {"expiration": "60000", "priority": 3}),
    ({"ebats-task": "nobody", "ebats-event": "none", "ebats-attempt": 7, "ebats-due": 9e12}, {}),
    ({"x-death": [{"queue": "a", "reason": "expired", "exchange": "", "routing-keys": ["k"]}]}, {}),
    ({"none": None, "bytes": b"\xff", "list": [1, {"a": 1.5}]}, {"message_id": "theirs-1"}),
    ({"wide": "x" * 70_000}, {"message_id": "theirs-2", "delivery_mode": 1}),
]


@pytest.mark.parametrize("arguments", [CLASSIC, QUORUM, CLASSIC | {"x-max-priority": 5}])
def test_each_message_of_somebody_elses_queue_runs_once_for_each_task(
    site: Site, wire: Wire, arguments: dict[str, Any]
) -> None:
    if "x-max-priority" in arguments and site.url.startswith("sqlite:"):
        pytest.skip("the embedded broker has no priorities")
    wire.channel.exchange_declare("trade", "topic", durable=True, auto_delete=False)
    is_durable = arguments is not CLASSIC
    wire.channel.queue_declare("orders.v1", durable=is_durable, auto_delete=False, arguments=arguments)
    wire.channel.queue_bind("orders.v1", "trade", "cn.#")
    write(site, {"external": True, "name": "orders.v1"})
    site.declare()
    messages = [to_queue(f"odd-{n}", "orders.v1", *odd[:1], **odd[1]) for n, odd in enumerate(ODD)]
    by_key = Message("by-key", "trade", "cn.1.WAIT", b'{"n": "by-key"}')
    site.send_messages([*messages, by_key])

    site.run("--fail-on-dead")

    runs = site.oracle.done()
    names = [message.name for message in (*messages, by_key)]
    expected = {(name, task): 1 for name in names for task in ("work", "other", "later")}
    assert Counter((run["n"], run["task"]) for run in runs) == expected
    for run in runs:
        assert run["event"] == "wanted"
        where = ("trade", "cn.1.WAIT") if run["n"] == "by-key" else ("", "orders.v1")
        assert (run["exchange"], run["key"]) == where
        assert run["attempt"] == 1
        assert not {"CC", "ebats-due"} & run["headers"].keys()
    ids = {name: {run["id"] for run in runs if run["n"] == name} for name in names}
    assert {len(found) for found in ids.values()} == {1}
    assert (ids["odd-5"], ids["odd-6"]) == ({"theirs-1"}, {"theirs-2"})
    assert {record["labels"]["n"] for record in site.records()} == {*names}
    wire.wait_ready("orders.v1", 0)
    wire.channel.queue_declare("orders.v1", durable=is_durable, auto_delete=False, arguments=arguments)


def test_an_intake_of_our_own_is_declared_filled_by_name_and_counted(site: Site, wire: Wire) -> None:
    write(site, {"type": "classic"}, consumers={"in": {"queues": ["orders"]}, "rest": None})
    environ = {"EBATS_STATE_DIR": str(site.folder / "state")}
    for n in range(3):
        words = ["wanted", "-d", json.dumps({"n": f"m-{n}"}), "--id", f"id-{n}"]
        assert run_ebats("publish", site.file, *words, env=environ).returncode == 0
    assert wire.ready(f"{site.name}.orders") == 3
    status = run_ebats("status", site.file, "--format", "json", env=environ)
    assert json.loads(status.stdout)["queues"] == {"orders": 3, "both": 0, "later": 0}

    site.run("--fail-on-dead")

    runs = Counter((run["id"], run["task"]) for run in site.oracle.done())
    assert runs == {(f"id-{n}", task): 1 for n in range(3) for task in ("work", "other", "later")}


def test_an_undecodable_message_is_dead_once_for_each_task_and_the_others_go_on(
    site: Site, wire: Wire
) -> None:
    wire.queue("orders.v1", CLASSIC)
    write(site, {"external": True, "name": "orders.v1"})
    site.declare()
    site.send_messages([Message("bad", "", "orders.v1", b"\xff{"), to_queue("good", "orders.v1")])

    site.run("--fail-on-dead", code=1)

    letters = site.take()
    assert Counter(letter.headers["ebats-task"] for letter in letters) == {"work": 1, "other": 1, "later": 1}
    assert {letter.headers["ebats-reason"] for letter in letters} == {"undecodable"}
    assert {letter.headers["ebats-event"] for letter in letters} == {"wanted"}
    assert len({letter.properties["message_id"] for letter in letters}) == 1
    assert site.oracle.done_names() == {"good"}


def test_killed_movers_lose_nothing_and_make_no_suspects(site: Site, wire: Wire) -> None:
    wire.queue("orders.v1", QUORUM)
    write(
        site,
        {"external": True, "name": "orders.v1"},
        consumers={"in": {"queues": ["orders"]}, "rest": {"concurrency": 20}},
    )
    site.declare()
    command = site.start()
    for batch in range(4):
        site.send_messages(to_queue(f"m-{batch}-{n}", "orders.v1") for n in range(300))
        for process in site.consumers(command, "in#"):
            os.kill(process.pid, signal.SIGKILL)
    site.wait_done()
    wire.wait_ready("orders.v1", 0)
    wait_until(lambda: len(site.oracle.done_names()) == 1200, 30)
    site.end(command)

    assert not site.take()
    assert "runs alone from now on" not in command.output
    tasks = {
        task: {run["n"] for run in site.oracle.done() if run["task"] == task} for task in ("work", "other")
    }
    assert len(tasks["work"]) == len(tasks["other"]) == 1200


def test_an_owner_may_delete_his_queue_and_make_it_again(site: Site, wire: Wire) -> None:
    wire.queue("orders.v1", CLASSIC)
    write(site, {"external": True, "name": "orders.v1"})
    command = site.start()
    site.send_messages([to_queue("before", "orders.v1")])
    site.wait_done()
    wire.channel.queue_delete("orders.v1")
    command.wait_for_output("the queue orders.v1 was deleted")
    # The other queues of the process go on.
    site.send_messages([Message("between", f"{site.name}.tasks", "work", b'{"n": "between"}')])
    site.wait_done()
    wire.queue("orders.v1", QUORUM)
    site.send_messages([to_queue("after", "orders.v1")])
    site.wait_done()
    command.wait_for_output("takes from the queue orders.v1 again")
    site.end(command)

    assert command.output.count("orders.v1 was deleted") == 1
    assert "the connection to the broker was lost" not in command.output
    assert "died" not in command.output


def test_a_message_that_matches_two_keys_of_an_event_runs_once(site: Site) -> None:
    site.write(
        exchanges={"topic": None, "direct": {"type": "direct"}, "all": {"type": "fanout", "name": "all.of"}},
        tasks={"work": {"python": "tasks:work"}, "other": {"python": "tasks:other"}},
        events={
            "by_topic": {"exchange": "topic", "key": ["a.*", "*.b", "#.b"], "tasks": ["work"]},
            "by_key": {"exchange": "direct", "key": ["a", "b"], "tasks": ["work", "other"]},
            "by_fanout": {"exchange": "all", "tasks": [{"task": "work", "delay": "500ms"}]},
        },
    )
    site.declare()
    site.send(["t-ab"], "topic", "a.b")
    site.send(["t-ac"], "topic", "a.c")
    site.send(["t-xb"], "topic", "x.b")
    site.send(["d-a"], "direct", "a")
    site.send(["d-b"], "direct", "b")
    site.send_messages([Message("f", "all.of", "anything", b'{"n": "f"}')])

    site.run("--fail-on-dead")

    runs = Counter((run["n"], run["task"], run["event"]) for run in site.oracle.done())
    assert runs == {
        **{(name, "work", "by_topic"): 1 for name in ("t-ab", "t-ac", "t-xb")},
        **{(name, task, "by_key"): 1 for name in ("d-a", "d-b") for task in ("work", "other")},
        ("f", "work", "by_fanout"): 1,
    }


def test_what_is_missing_ends_the_start_with_all_of_it(site: Site) -> None:
    write(site, {"external": True, "name": "orders.v1"}, exchanges={"trade": {"external": True}})

    command: RunningCommand = site.launch()

    assert command.wait(40) == 78
    for what in ("the queue orders.v1", "the exchange trade"):
        assert f"error[EB313]: {what} isn't on the broker, and is external here" in command.output


def test_an_auto_delete_queue_is_an_intake_as_long_as_it_is_there(site: Site, wire: Wire) -> None:
    wire.channel.queue_declare("orders.v1", durable=True, auto_delete=True, arguments=CLASSIC)
    write(site, {"external": True, "name": "orders.v1"})
    site.send_messages([to_queue("waits", "orders.v1")])
    # Looking at it is no consumer, with which it would go.
    site.declare()
    site.declare()
    assert wire.ready("orders.v1") == 1
    command = site.start()
    site.send_messages([to_queue("comes", "orders.v1")])
    wait_until(lambda: len(site.oracle.done()) == 6, 20)
    site.end(command)

    runs = Counter((run["n"], run["task"]) for run in site.oracle.done())
    assert runs == {(n, task): 1 for n in ("waits", "comes") for task in ("work", "other", "later")}
    command = site.launch()
    assert command.wait(40) == 78
    assert "the queue orders.v1 isn't on the broker, and is external here" in command.output
