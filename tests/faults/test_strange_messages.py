"""Messages that nobody of ours would send: each is dealt with, and none ends a process."""

import json
import time
from contextlib import closing
from typing import Any

import pytest

from tests.faults.send import Message
from tests.faults.site import Site
from tests.integration.wire import Wire


def strange(
    site: Site,
    name: str,
    body: bytes,
    headers: dict[str, Any] | None = None,
    exchange: str | None = None,
    key: str = "happened",
) -> Message:
    """Return a message with just this body."""
    where = f"{site.name}.events" if exchange is None else exchange
    return Message(name, where, key, body, headers or {})


def test_exception_with_a_text_of_a_megabyte_is_cut_and_climbs_its_ladder(site: Site) -> None:
    site.write_work(retry=["50ms", "50ms"])
    site.declare()
    site.send(["huge"], do="raise_huge")

    site.run("--fail-on-dead", code=1)

    (letter,) = site.take()
    assert letter.headers["ebats-error"] == "ValueError"
    assert 1000 < len(letter.headers["ebats-text"]) <= 4096
    assert len(letter.headers["ebats-traceback"]) <= 8192
    assert (letter.headers["ebats-reason"], letter.headers["ebats-attempt"]) == ("exhausted", 3)
    assert [record["outcome"] for record in site.records()] == ["retry", "retry", "dead"]


def test_headers_of_a_hundred_kilobytes_are_dropped_and_the_message_is_not(site: Site) -> None:
    site.write_work(retry=["50ms"])
    site.declare()
    message = site.message("wide", do="raise")
    headers = {"big": "x" * 100_000, "small": "kept"}
    site.send_messages([Message(message.name, message.exchange, message.key, message.body, headers)])

    site.run("--fail-on-dead", code=1)

    (letter,) = site.take()
    assert letter.headers["small"] == "kept"
    assert "big" not in letter.headers
    assert letter.headers["ebats-attempt"] == 2


ODD_BODIES = {
    b"{not json": ("undecodable", "JSON"),
    b"\xff\xfe": ("undecodable", "JSON"),
    b"": ("undecodable", "JSON"),
    b"[" * 100_000: ("undecodable", "JSON"),
    b"{}": ("arguments", "'n'"),
    b'{"m": 1}': ("arguments", "'n'"),
    b"[1, 2]": ("arguments", "list"),
    b"null": ("arguments", "null"),
    b'"text"': ("arguments", "str"),
}


def test_body_that_fits_no_task_is_dead_at_once(site: Site) -> None:
    site.write_work(retry=["1s"])
    site.declare()
    site.send_messages(strange(site, f"odd-{number}", body) for number, body in enumerate(ODD_BODIES))

    site.run("--fail-on-dead", code=1)

    letters = {letter.body: letter for letter in site.take()}
    assert letters.keys() == ODD_BODIES.keys()
    for body, (reason, text) in ODD_BODIES.items():
        headers = letters[body].headers
        assert (headers["ebats-reason"], headers["ebats-attempt"]) == (reason, 1)
        assert text in headers["ebats-text"]
        assert letters[body].properties["message_id"]
    assert not site.oracle.started()


WEIRD_HEADERS: list[dict[str, Any]] = [
    {"ebats-attempt": "99999999999999999999999"},
    {"ebats-attempt": 2**63 - 1},
    {"ebats-attempt": -5},
    {"ebats-attempt": "nan", "ebats-first": "nan", "ebats-last": "inf"},
    {"ebats-attempt": {"a": 1}, "ebats-task": 5, "ebats-event": [1]},
    {"ebats-crashes": "99999999999999999999999"},
    {"ebats-exchange": "e" * 300, "ebats-key": "k" * 300},
    {"ebats-queue": "q" * 300},
    {"ebats-unknown-since": "nan"},
    {"x-death": "nonsense"},
    {"x-death": [{"queue": "a.delay.1s.b.c"}]},
    {"x-delivery-count": "many"},
    {"x-delivery-count": 99},
    {"CC": ["work"], "BCC": ["work"]},
    {"bytes": b"\xff\x00", "none": None, "list": [1, {"a": True}], "float": 1.5},
]


@pytest.mark.parametrize("do", ["", "raise"])
def test_headers_of_any_kind_end_no_process(site: Site, do: str) -> None:
    site.write_work(retry=["50ms"])
    site.declare()
    messages = []
    too_long = {"x-death": [{"queue": f"{site.name}.lease.{'q' * 300}"}]}
    for number, headers in enumerate([*WEIRD_HEADERS, too_long]):
        for exchange, key in ((f"{site.name}.events", "happened"), (f"{site.name}.tasks", "work")):
            name = f"weird-{number}-{key}"
            body = json.dumps({"n": name, "do": do}).encode()
            messages.append(Message(name, exchange, key, body, headers))
    site.send_messages(messages)

    output = site.run()

    assert "died" not in output
    letters = site.take()
    verdict = site.oracle.judge(letter.n for letter in letters)
    verdict.check(duplicates=0)
    assert len(letters) == (len(messages) if do else 0)


def test_message_that_nobody_knew_for_ten_minutes_is_dead(site: Site) -> None:
    site.write_work()
    site.declare()
    unknown = {"ebats-unknown-since": time.time() - 700, "ebats-task": "gone"}
    long = {"ebats-exchange": "e" * 300, "ebats-key": "k" * 300}
    queue = {"exchange": "", "key": f"{site.name}.work"}
    site.send_messages(
        [
            strange(site, "a", b'{"n": "a"}', unknown, **queue),
            strange(site, "b", b'{"n": "b"}', unknown | long, **queue),
        ]
    )

    output = site.run("--fail-on-dead", code=1)

    assert "died" not in output
    letters = site.take()
    assert sorted(letter.n for letter in letters) == ["a", "b"]
    for letter in letters:
        assert (letter.headers["ebats-reason"], letter.headers["ebats-task"]) == ("unknown", "gone")


def test_unknown_task_waits_uncounted_for_a_runner_that_knows_it(site: Site) -> None:
    # Given a message for a task that the file doesn't have yet
    site.write_work({"concurrency": 2})
    command = site.start()
    body = b'{"n": "early"}'
    site.send_messages(
        [strange(site, "early", body, {"ebats-task": "newer"}, exchange="", key=f"{site.name}.work")]
    )
    # Then it waits on a rung
    site.wait_ready("delay.10s", 1)
    command.wait_for_output("waits for a runner that knows it")
    site.end(command)

    # When a runner with a newer file comes
    tasks = {"work": {"python": "tasks:work"}, "newer": {"python": "tasks:work", "queue": "work"}}
    tasks["work"]["queue"] = "work"
    site.write(queues={"work": None}, tasks=tasks, events={"happened": {"tasks": ["work"]}})
    site.run("--fail-on-dead", deadline_s=50)

    # Then the message is worked off, in its first attempt
    (run,) = site.oracle.done()
    assert (run["task"], run["attempt"]) == ("newer", 1)
    assert time.time() - float(run["headers"]["ebats-unknown-since"]) < 60


def test_unknown_event_waits_too(site: Site) -> None:
    site.write_work()
    command = site.start()
    # As a runner with a newer file does.
    with closing(Wire(site.url)) as wire:
        wire.channel.queue_bind(f"{site.name}.work", f"{site.name}.events", "newer")
    site.send(["m-0"], key="newer")

    site.wait_ready("delay.10s", 1)
    (letter,) = site.take("delay.10s")

    headers = letter.headers
    assert (headers["ebats-exchange"], headers["ebats-key"]) == (f"{site.name}.events", "newer")
    assert abs(headers["ebats-unknown-since"] - time.time()) < 60
    assert headers.get("ebats-attempt", 1) == 1
    assert letter.key == "@work"
    site.end(command)


def test_letter_is_still_there_after_thirty_looks(site: Site) -> None:
    site.write_work()
    site.declare()
    site.send(["m-0"], do="reject")
    site.run()

    for _ in range(30):
        with closing(Wire(site.url)) as wire:
            wire.get(f"{site.name}.dead")

    site.wait_ready("dead", 1)
    (letter,) = site.take()
    assert letter.n == "m-0"
