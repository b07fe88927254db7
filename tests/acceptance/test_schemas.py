"""Payloads that break the schema of their event: not published, and dead where they come from elsewhere."""

import json
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from typing import Any

import pytest

from ebats import BadPayload, Publisher
from tests.acceptance.letters import dead, listed
from tests.commands import run_ebats
from tests.faults.send import Message
from tests.faults.site import Letter, Site
from tests.integration.wire import Wire
from tests.waiting import wait_until

ORDER = {
    "type": "object",
    "required": ["order"],
    "properties": {"order": {"$ref": "#/$defs/order"}},
    "$defs": {"order": {"type": "object", "properties": {"id": {"type": "integer"}}}},
}
GOOD: dict[str, Any] = {"order": {"id": 7}}
BAD: dict[str, Any] = {"order": {"id": "top secret"}}
WHY = "/order/id: must be a whole number, and is a string"

TASKS = """
import sys
from ebats import BadPayload, Context

def publishes(context: Context, n: str) -> str:
    try:
        context.publish("ordered", {"n": n, "order": {"id": None}})
    except ValueError as error:
        assert isinstance(error, BadPayload)
        return context.publish("told", {"pointer": error.pointer, "text": str(error)})

async def publishes_async(context: Context, n: str) -> str:
    await context.publish_async("ordered", {"n": n, "order": 7})

def feed():
    for order in ({"id": 1}, {"id": "2"}, 3, {"id": 4}):
        try:
            yield {"n": "fed", "order": order}
        except BadPayload as error:
            print("told", error.pointer)

def feed_pairs():
    yield "late", {"n": "pair", "order": {"id": 1}}
    yield "late", {"n": "bad pair", "order": {"id": None}}

def heavy() -> list[str]:
    return sorted({"jsonschema", "jsonschema_rs", "referencing"} & sys.modules.keys())
"""


def write(site: Site, schema: Any = "order.schema.json", **sections: Any) -> None:
    """Write a file whose events have schemas: of two tasks, delayed, from another exchange, from a queue."""
    (site.folder / "order.schema.json").write_text(json.dumps(ORDER))
    (site.folder / "more.py").write_text(TASKS)
    tasks = {name: {"python": f"tasks:{name}"} for name in ("work", "other", "work_async", "collect")}
    events = {
        "ordered": {"schema": schema, "tasks": ["work", "work_async"]},
        "late": {"schema": ORDER, "tasks": [{"task": "work", "delay": "200ms"}]},
        "traded": {"schema": ORDER, "exchange": "trade", "key": "*.traded", "tasks": ["work"]},
        "taken": {"schema": ORDER, "queue": "intake", "tasks": ["work"]},
        "plain": {"tasks": ["work"]},
        "told": {"tasks": ["collect"]},
        **sections.pop("events", {}),
    }
    site.write(
        exchanges={"trade": {}},
        queues={"intake": None},
        tasks=tasks | sections.pop("tasks", {}),
        events=events,
        **sections,
    )
    site.declare()


def reasons(letters: list[Letter]) -> Counter[tuple[str, str, str]]:
    """Count letters by task, reason and text."""
    return Counter(
        (letter.headers["ebats-task"], letter.headers["ebats-reason"], letter.headers["ebats-text"])
        for letter in letters
    )


def straight(site: Site, name: str, queue: str, payload: Mapping[str, Any]) -> Message:
    body = json.dumps({"n": name, **payload}).encode()
    return Message(name, "", f"{site.name}.{queue}", body)


def test_what_others_publish_is_dead_with_the_place_and_each_task_alone(site: Site) -> None:
    write(site)
    site.send(["good"], key="ordered", **GOOD)
    site.send(["bad"], key="ordered", **BAD)
    site.send(["good-late"], key="late", **GOOD)
    site.send(["bad-late"], key="late", **BAD)
    site.send(["good-traded"], exchange="trade", key="a.traded", **GOOD)
    site.send(["bad-traded"], exchange="trade", key="b.traded", **BAD)
    site.send_messages(
        [straight(site, "good-taken", "intake", GOOD), straight(site, "bad-taken", "intake", BAD)]
    )
    # Not of an event with a schema: taken as they are.
    site.send(["plain"], key="plain", **BAD)
    site.send(["direct"], exchange="tasks", key="work", **BAD)
    site.send_messages([Message("no-json", f"{site.name}.events", "ordered", b"{")])
    site.run("--fail-on-dead", code=1)

    runs = Counter((run["task"], run["n"]) for run in site.oracle.started())
    well = ("good", "good-late", "good-traded", "good-taken", "plain", "direct")
    assert runs == {("work_async", "good"): 1, **{("work", name): 1 for name in well}}
    letters = site.take()
    place, text = " (events.{}.schema)", "the body is no JSON: "
    found = reasons([letter for letter in letters if letter.headers["ebats-reason"] == "schema"])
    assert found == {
        ("work", "schema", f"{WHY} (order.schema.json)"): 1,
        ("work_async", "schema", f"{WHY} (order.schema.json)"): 1,
        **{("work", "schema", WHY + place.format(event)): 1 for event in ("late", "traded", "taken")},
    }
    others = [letter.headers for letter in letters if letter.headers["ebats-reason"] != "schema"]
    assert {headers["ebats-reason"] for headers in others} == {"undecodable"}
    assert all(headers["ebats-text"].startswith(text) for headers in others)
    died = [record for record in site.records() if record.get("reason") == "schema"]
    assert len(died) == 5
    assert {record["outcome"] for record in died} == {"dead"}
    assert {record["error"] for record in died} == {"BadPayload"}
    assert "top secret" not in json.dumps(site.records())


@pytest.mark.slow
def test_letters_tell_why_and_come_back_as_they_are(site: Site) -> None:
    write(site)
    site.send(["bad"], key="late", **BAD)
    site.run("--fail-on-dead", code=1)
    (letter,) = listed(site)
    assert (letter["task"], letter["event"], letter["reason"]) == ("work", "late", "schema")
    assert letter["text"] == f"{WHY} (events.late.schema)"
    assert "schema" in dead(site, "list").stdout
    assert dead(site, "retry", "--all").returncode == 0
    site.run("--fail-on-dead", code=1)
    assert [letter["reason"] for letter in listed(site)] == ["schema"]
    # Now the file allows it.
    write(site, events={"late": {"schema": {}, "tasks": [{"task": "work", "delay": "200ms"}]}})
    assert dead(site, "retry", "--all").returncode == 0
    site.run()
    assert site.oracle.done_names() == {"bad"}


def test_the_command_publishes_nothing_that_breaks_a_schema(site: Site) -> None:
    write(site, events={"hour": {"schema": ORDER, "tasks": [{"task": "work", "delay": "1h"}]}})
    bad = json.dumps(BAD)
    result = run_ebats("publish", site.file, "ordered", "--data", bad)
    assert result.returncode == 2
    assert result.stderr == f"ebats: the payload breaks the schema of 'ordered': {WHY}\n"
    result = run_ebats("publish", site.file, "--exchange", "trade", "--key", "a.traded", "--data", bad)
    assert (result.returncode, WHY in result.stderr) == (2, True)
    lines = f"{json.dumps(GOOD)}\n\n{bad}\n"
    result = run_ebats("publish", site.file, "hour", "--file", "-", stdin=lines)
    assert result.returncode == 1
    assert f"standard input:3: the payload breaks the schema of 'hour': {WHY}" in result.stderr
    assert run_ebats("publish", site.file, "plain", "--data", bad).returncode == 0
    assert run_ebats("publish", site.file, "--task", "work", "--data", bad).returncode == 0
    # The line before was sent, and waits for its task.
    assert [site.ready(queue) for queue in ("work", "work_async", "delay.1h.hour.work")] == [2, 0, 1]


def test_a_program_publishes_nothing_that_breaks_a_schema(site: Site) -> None:
    write(site)
    with Publisher(site.file) as publisher:
        with pytest.raises(BadPayload) as caught:
            publisher.publish("ordered", BAD)
        assert (caught.value.event, caught.value.pointer) == ("ordered", "/order/id")
        with pytest.raises(ValueError, match="breaks the schema of 'ordered'"):
            publisher.publish_many([("ordered", GOOD), ("ordered", BAD)])
        # What is sent counts: a tuple is an array.
        with pytest.raises(BadPayload, match="/order: must be an object, and is an array"):
            publisher.publish("ordered", {"order": (7,)})
        publisher.run_task("work", BAD)
    assert [site.ready(queue) for queue in ("work", "work_async")] == [2, 1]
    with Publisher(site.url, site.name) as publisher:
        # Nobody here knows the file: whoever takes it does.
        publisher.publish("ordered", BAD)
    assert site.ready("work_async") == 2


def test_a_task_publishes_nothing_that_breaks_a_schema(site: Site) -> None:
    write(
        site,
        tasks={name: {"python": f"more:{name}"} for name in ("publishes", "publishes_async")},
        events={"begun": {"tasks": ["publishes", "publishes_async"]}},
    )
    site.send(["one"], key="begun")
    site.run("--fail-on-dead", code=1)
    (told,) = (run["payload"] for run in site.oracle.started() if run["task"] == "collect")
    why = "/order/id: must be a whole number, and is null"
    assert told == {"pointer": "/order/id", "text": f"the payload breaks the schema of 'ordered': {why}"}
    (letter,) = site.take()
    assert letter.headers["ebats-reason"] == "failed"
    assert letter.headers["ebats-error"] == "ebats.BadPayload"
    assert "/order: must be an object, and is a number" in letter.headers["ebats-text"]


def test_a_producer_publishes_nothing_that_breaks_a_schema(site: Site) -> None:
    producers = {
        "feed": {"python": "more:feed", "event": "ordered"},
        "pairs": {"python": "more:feed_pairs"},
    }
    write(site, tasks={"work_async": {"python": "tasks:work"}}, producers=producers)
    command = site.launch()
    command.wait_for_output("leaves: finished, after 2 items")
    # One that catches it goes on; one that doesn't has failed.
    text = (
        "failed: ebats.BadPayload: the payload breaks the schema of 'late': /order/id: must be a whole number"
    )
    command.wait_for_output(text)
    assert [line for line in command.output.splitlines() if line.startswith("told")] == [
        "told /order/id",
        "told /order",
    ]
    wait_until(lambda: [run["n"] for run in site.oracle.started()].count("fed") == 4, 30)
    site.end(command)
    assert not site.take()
    assert {run["n"] for run in site.oracle.started()} <= {"fed", "pair"}


def test_a_result_that_breaks_the_schema_of_then_is_a_failed_attempt(site: Site) -> None:
    result = {"properties": {"result": {"type": "array"}}}
    write(
        site,
        tasks={"link": {"python": "tasks:link", "then": "linked", "retry": ["100ms"], "on_dead": "lost"}},
        events={
            "begun": {"tasks": ["link"]},
            "linked": {"schema": result, "tasks": ["collect"]},
            "lost": {"schema": {"properties": {"attempts": {"maximum": 1}}}, "tasks": ["collect"]},
        },
    )
    answers = f"{site.name}.answers"
    with closing(Wire(site.url)) as wire:
        wire.queue(answers)
    message = site.message("one", key="begun")
    site.send_messages([message.with_properties(reply_to=answers)])
    site.run("--fail-on-dead", code=1)
    # Two attempts, then a letter; `on_dead` itself can't be published, and a reply is.
    (letter,) = site.take()
    assert (letter.headers["ebats-reason"], letter.headers["ebats-attempt"]) == ("exhausted", 2)
    why = "/result: must be an array, and is an object"
    text = f"`then` can't hand the result on: the payload breaks the schema of 'linked': {why}"
    assert letter.headers["ebats-text"] == text
    assert not [run for run in site.oracle.started() if run["task"] == "collect"]
    said = [record["text"] for record in site.records("log") if record["level"] == "warning"]
    why = "the payload breaks the schema of 'lost': /attempts: must be 1 or less"
    assert f"`on_dead` of link isn't published: {why}" in said
    (reply,) = site.take("answers")
    assert json.loads(reply.body)["reason"] == "exhausted"


def test_what_keeps_the_schema_follows(site: Site) -> None:
    result = {"properties": {"result": {"properties": {"by": {"const": "link"}}}}, "required": ["result"]}
    dead = {"properties": {"reason": {"const": "rejected"}}, "required": ["reason"]}
    write(
        site,
        tasks={"link": {"python": "tasks:link", "then": "linked", "on_dead": "lost"}},
        events={
            "begun": {"schema": {"required": ["n"]}, "tasks": ["link"]},
            "linked": {"schema": result, "tasks": ["collect"]},
            "lost": {"schema": dead, "tasks": ["collect"]},
        },
    )
    site.send(["fine"], key="begun")
    site.send(["dies"], key="begun", acts={"link": "reject"})
    site.run("--fail-on-dead", code=1)
    collected = [run["payload"] for run in site.oracle.started() if run["task"] == "collect"]
    assert sorted(one["payload"]["n"] for one in collected) == ["dies", "fine"]


def test_only_a_process_with_a_schema_on_its_queues_imports_what_checks_it(local_site: Site) -> None:
    site = local_site
    write(
        site,
        tasks={
            "with_schema": {"python": "more:heavy", "then": "seen"},
            "without": {"python": "more:heavy", "then": "seen"},
        },
        events={
            "one": {"schema": {"type": "object"}, "tasks": ["with_schema"]},
            "two": {"tasks": ["without"]},
            "seen": {"tasks": ["collect"]},
        },
        consumers={"checks": {"queues": ["with_schema"]}, "plain": {"queues": ["without"]}, "rest": {}},
    )
    site.send(["1"], key="one")
    site.send(["2"], key="two")
    site.run()
    seen = {run["payload"]["task"]: run["payload"]["result"] for run in site.oracle.started()}
    assert seen == {"with_schema": ["jsonschema_rs"], "without": []}
