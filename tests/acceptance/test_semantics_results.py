"""What follows from results and deaths: `then`, `on_dead` and replies, through whole chains."""

import base64
import json
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from tests.conftest import Broker
from tests.faults.send import Message
from tests.faults.site import Letter, Site
from tests.integration.wire import Wire

LINK = "tasks:link"


def write_chain(site: Site, **first: Any) -> None:
    """Write a file in which three tasks follow from each other, and a fourth from a death of any."""
    site.write(
        queues={"shared": None},
        tasks={
            "one": {"python": LINK, "then": "one_done", "on_dead": "lost", **first},
            "two": {"python": "tasks:link_async", "then": "two_done", "on_dead": "lost", "queue": "shared"},
            "three": {"python": LINK, "on_dead": "lost", "queue": "shared", "retry": ["100ms"]},
            "mark": {"python": LINK},
        },
        events={
            "happened": {"tasks": ["one"]},
            "one_done": {"tasks": [{"task": "two", "delay": "700ms"}]},
            "two_done": {"tasks": ["three"]},
            "lost": {"tasks": ["mark"]},
        },
    )


def runs_of(site: Site, task: str) -> dict[str, dict[str, Any]]:
    """Return the runs of a task that came to their end, by the name of the chain."""
    return {run["n"]: run for run in site.oracle.done() if run["task"] == task}


def answers_to(site: Site, message: Message, **properties: Any) -> Message:
    """Return the message of somebody who waits for an answer at the queue `answers`."""
    return message.with_properties(reply_to=f"{site.name}.answers", **properties)


def make_answers(site: Site) -> None:
    """Make the queue of somebody who waits."""
    with closing(Wire(site.url)) as wire:
        wire.queue(f"{site.name}.answers")


def test_chain_of_events_runs_through_before_the_run_is_idle(site: Site) -> None:
    write_chain(site)
    site.declare()
    site.send(["fine"])
    site.send(["dies"], acts={"three": "raise"})
    message = site.message("known").with_properties(message_id="m-1", correlation_id="c-1")
    site.send_messages([message])

    # It ends when the last of the chain has run, over a rung of an event and one of a ladder.
    site.run("--fail-on-dead", code=1)

    assert Counter(run["task"] for run in site.oracle.done()) == {"one": 3, "two": 3, "three": 2, "mark": 1}
    first = {"n": "known"}
    one, two, three = (runs_of(site, task)["known"] for task in ("one", "two", "three"))
    assert (one["id"], one["payload"], two["event"]) == ("m-1", first, "one_done")
    result = {"id": "m-1", "task": "one", "payload": first, "result": {"by": "one"}}
    assert two["payload"] == result
    assert three["payload"] == {"id": two["id"], "task": "two", "payload": result, "result": {"by": "two"}}
    died = runs_of(site, "mark")["dies"]["payload"]
    assert (died["task"], died["reason"], died["attempts"]) == ("three", "exhausted", 2)
    assert died["payload"]["result"] == {"by": "two"}
    (letter,) = site.take()
    assert letter.properties["message_id"] == died["id"]
    # Each follow-up tells since when it waits.
    assert all(record["wait_s"] < 5 for record in site.records() if record["task"] in ("two", "three"))


@pytest.mark.parametrize(
    ("act", "reason"), [("raise", "failed"), ("reject", "rejected"), ("system_exit", "failed")]
)
def test_each_way_to_die_is_told(local_site: Site, act: str, reason: str) -> None:
    site = local_site
    write_chain(site)
    site.declare()
    site.send(["m-0"], acts={"one": act})

    site.run()

    told = runs_of(site, "mark")["m-0"]["payload"]
    assert (told["reason"], told["attempts"]) == (reason, 1)


def test_what_never_ran_is_told_of_too(site: Site) -> None:
    # Given messages without a required argument, that are no JSON, and that take too long
    site.write(
        tasks={
            "named": {"python": "tasks:link_named", "on_dead": "lost"},
            "slow": {"python": "tasks:link_async", "on_dead": "lost", "timeout": "200ms"},
            "mark": {"python": "tasks:collect"},
        },
        events={"happened": {"tasks": ["named"]}, "slow": {"tasks": ["slow"]}, "lost": {"tasks": ["mark"]}},
    )
    site.declare()
    bodies = [b"{}", b"{", b'{"n": "m", "do": 1}\xff']
    events, key = f"{site.name}.events", "happened"
    site.send_messages(Message(f"m-{number}", events, key, body) for number, body in enumerate(bodies))

    site.run()

    told = [run["payload"] for run in site.oracle.started() if run["task"] == "mark"]
    assert sorted(one["reason"] for one in told) == ["arguments", "undecodable", "undecodable"]
    undecodable = [one for one in told if one["reason"] == "undecodable"]
    assert {base64.b64decode(one["body"]) for one in undecodable} == {*bodies[1:]}
    assert {one["payload"] for one in undecodable} == {None}


def test_one_that_kills_its_process_is_told_of(site: Site) -> None:
    site.write(
        queues={"q": {"crashes": 1}},
        tasks={
            "one": {"python": LINK, "on_dead": "lost", "queue": "q"},
            "mark": {"python": LINK},
        },
        events={"happened": {"tasks": ["one"]}, "lost": {"tasks": ["mark"]}},
    )
    site.declare()
    make_answers(site)
    site.send_messages([answers_to(site, site.message("m-0", acts={"one": "kill"}))])

    site.run()

    told = runs_of(site, "mark")["m-0"]["payload"]
    assert (told["task"], told["reason"]) == ("one", "crashed")
    (answer,) = site.take("answers")
    assert json.loads(answer.body)["reason"] == "crashed"


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ("set", ".items.0: a set"),
        ("nan", "the whole: nan"),
        ("surrogate", "half a surrogate pair"),
        ("deep", "nested too deeply"),
        ("unreadable", "nested too deeply"),
        ("huge", "has 40,000,002 bytes, and a message holds 16,000,000"),
    ],
)
def test_result_that_is_not_json_is_a_clear_error_of_that_attempt(
    local_site: Site, result: str, text: str
) -> None:
    site = local_site
    write_chain(site, retry=["100ms"])
    site.declare()
    site.send(["m-0"], result=result)

    output = site.run("--fail-on-dead", code=1)

    assert "died" not in output
    (letter,) = site.take()
    headers = letter.headers
    assert (headers["ebats-reason"], headers["ebats-error"]) == ("exhausted", "BadResult")
    assert (headers["ebats-attempt"], text in headers["ebats-text"]) == (2, True)
    assert runs_of(site, "mark")["m-0"]["payload"]["reason"] == "exhausted"
    assert [record["outcome"] for record in site.records() if record["task"] == "one"] == ["retry", "dead"]


def test_largest_result_that_fits_gets_there(site: Site) -> None:
    site.write(
        tasks={"one": {"python": LINK, "then": "done"}, "mark": {"python": "tasks:measure"}},
        events={"happened": {"tasks": ["one"]}, "done": {"tasks": ["mark"]}},
    )
    site.declare()
    site.send(["m-0"], result="large")

    site.run("--fail-on-dead")

    assert (site.folder / "measured").read_text() == "15000000\n"


# Replies.


def reply(letter: Letter) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(letter.body)
    return answer


def test_answer_comes_to_who_waits_with_the_correlation_id(site: Site) -> None:
    write_chain(site)
    site.declare()
    make_answers(site)
    fine, dead = site.message("fine"), site.message("dead", "tasks", "three", acts={"three": "raise"})
    site.send_messages(
        [
            answers_to(site, fine, message_id="m-1", correlation_id="c-1"),
            answers_to(site, dead, message_id="m-2"),
        ]
    )

    site.run()

    answers = {letter.properties["correlation_id"]: letter for letter in site.take("answers")}
    assert answers.keys() == {"c-1", "m-2"}
    assert reply(answers["c-1"]) == {"id": "m-1", "task": "one", "result": {"by": "one"}}
    assert answers["c-1"].properties["content_type"] == "application/json"
    # Two attempts, and one answer: when it is dead.
    assert reply(answers["m-2"]) == {
        "id": "m-2",
        "task": "three",
        "reason": "exhausted",
        "attempts": 2,
        "error": "ValueError: no luck with dead.three",
    }
    # Who waits for the first of a chain gets no answer from the others.
    assert site.ready("answers") == 0


def test_who_has_gone_holds_nothing_up(site: Site) -> None:
    write_chain(site)
    site.declare()
    site.send_messages([answers_to(site, site.message(f"m-{number}")) for number in range(5)])

    output = site.run("--fail-on-dead")

    assert f"'{site.name}.answers' is gone from the broker: what should go there is dropped" in output
    assert len(runs_of(site, "three")) == 5


def test_who_reads_no_answers_holds_nothing_up(make_site: Callable[[str], Site], rabbitmq: Broker) -> None:
    # Given somebody whose queue takes one answer, and refuses the others (RabbitMQ alone has such queues)
    site = make_site(rabbitmq.url)
    write_chain(site)
    site.declare()
    full = {"x-max-length": 1, "x-overflow": "reject-publish"}
    with closing(Wire(site.url)) as wire:
        wire.queue(f"{site.name}.answers", full)
    site.send_messages([answers_to(site, site.message(f"m-{number}")) for number in range(5)])

    output = site.run("--fail-on-dead")

    assert f"'{site.name}.answers' is full, and takes nothing: what should go there is dropped" in output
    assert "sending again" not in output
    assert Counter(run["task"] for run in site.oracle.done()) == {"one": 5, "two": 5, "three": 5}
    assert len(site.take("answers")) == 1


def test_no_answer_gets_among_what_ebats_works_with(site: Site) -> None:
    write_chain(site)
    site.declare()
    message = site.message("m-0").with_properties(reply_to=f"{site.name}.topology")
    site.send_messages([message])

    output = site.run("--fail-on-dead")

    assert f"'{site.name}.topology' takes no replies" in output
    assert site.ready("topology") == 1
    assert len(runs_of(site, "three")) == 1


def test_events_of_other_exchanges_may_follow(site: Site) -> None:
    site.write(
        exchanges={"trade": {"type": "topic"}, "all": {"type": "fanout"}},
        tasks={
            "one": {"python": LINK, "then": "traded"},
            "two": {"python": LINK, "then": "shouted"},
            "three": {"python": LINK},
        },
        events={
            "happened": {"tasks": ["one"]},
            "traded": {"exchange": "trade", "key": ["*.traded", "cn.traded"], "tasks": ["two"]},
            "shouted": {"exchange": "all", "tasks": ["three"]},
        },
    )
    site.declare()
    site.send(["m-0"])

    site.run("--fail-on-dead")

    assert runs_of(site, "three")["m-0"]["payload"]["task"] == "two"
