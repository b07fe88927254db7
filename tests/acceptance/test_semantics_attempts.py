"""Attempts: how many, when, and what a dead letter tells of them."""

import time
from itertools import pairwise
from typing import Any

from tests.faults.site import Site

RUNGS = ["200ms", "400ms", "1s"]
RUNGS_S = [0.2, 0.4, 1.0]


def runs_by_name(site: Site) -> dict[str, list[dict[str, Any]]]:
    """Return the runs of each message, in the order of their attempts."""
    runs: dict[str, list[dict[str, Any]]] = {}
    for run in sorted(site.oracle.started(), key=lambda run: int(run["attempt"])):
        runs.setdefault(run["n"], []).append(run)
    return runs


def test_n_rungs_are_n_and_one_attempts_never_early_and_one_dead_letter(site: Site) -> None:
    site.write_work(retry=RUNGS)
    site.declare()
    sent_at = time.time()
    site.send([f"m-{number}" for number in range(100)], do="raise")

    site.run("--fail-on-dead", code=1)

    runs = runs_by_name(site)
    assert len(runs) == 100
    for attempts in runs.values():
        assert [run["attempt"] for run in attempts] == [1, 2, 3, 4]
        assert len({run["id"] for run in attempts}) == 1
        waits = [after["at"] - before["at"] for before, after in pairwise(attempts)]
        assert all(wait >= rung for wait, rung in zip(waits, RUNGS_S, strict=True)), waits
    letters = site.take()
    assert sorted(letter.n for letter in letters) == sorted(runs)
    for letter in letters:
        attempts = runs[letter.n]
        headers = letter.headers
        assert letter.properties["message_id"] == attempts[0]["id"]
        assert headers["ebats-task"] == "work"
        assert headers["ebats-event"] == "happened"
        assert headers["ebats-queue"] == "work"
        assert headers["ebats-reason"] == "exhausted"
        assert (headers["ebats-error"], headers["ebats-text"]) == ("ValueError", f"no luck with {letter.n}")
        assert headers["ebats-attempt"] == 4
        assert (headers["ebats-exchange"], headers["ebats-key"]) == (f"{site.name}.events", "happened")
        assert sent_at < headers["ebats-first"] < attempts[1]["at"]
        assert attempts[3]["at"] <= headers["ebats-last"] <= time.time()


def test_failure_without_a_ladder_is_dead_at_once(site: Site) -> None:
    site.write_work()
    site.declare()
    for do in ("raise", "reject", "system_exit"):
        site.send([do], do=do)

    site.run("--fail-on-dead", code=1)

    assert len(site.oracle.started()) == 3
    letters = {letter.n: letter.headers for letter in site.take()}
    assert {n: (headers["ebats-reason"], headers["ebats-error"]) for n, headers in letters.items()} == {
        "raise": ("failed", "ValueError"),
        "reject": ("rejected", "ebats.Reject"),
        "system_exit": ("failed", "SystemExit"),
    }
    assert all(headers["ebats-first"] == headers["ebats-last"] for headers in letters.values())


def test_reject_ends_a_ladder(site: Site) -> None:
    site.write_work(retry=["10s"])
    site.declare()
    site.send(["m-0"], do="reject")

    site.run("--fail-on-dead", code=1)

    assert len(site.oracle.started()) == 1


def test_retry_without_a_ladder_waits_ten_seconds(site: Site) -> None:
    site.write_work()
    command = site.start()
    site.send(["m-0"], do="retry")

    site.wait_ready("delay.10s", 1)

    (letter,) = site.take("delay.10s")
    assert letter.headers["ebats-attempt"] == 2
    site.end(command)


def test_until_idle_waits_for_what_lies_on_rungs(site: Site) -> None:
    # Given messages on a rung, put there by a run that has ended, and an event's own rung
    site.write(
        tasks={"work": {"python": "tasks:work", "retry": ["4s"]}},
        events={"happened": {"tasks": ["work"]}, "later": {"tasks": [{"task": "work", "delay": "3s"}]}},
    )
    command = site.start()
    site.send(["m-0", "m-1"], do="fail_once")
    site.wait_ready("delay.4s", 2)
    site.end(command)
    site.send(["m-2"], key="later")

    # When a run is to end when it is idle
    site.run("--fail-on-dead")

    # Then it ends when they are done
    assert site.oracle.done_names() == {"m-0", "m-1", "m-2"}
    site.oracle.judge().check(duplicates=0)


def test_delay_of_an_event_is_never_cut_short_by_an_expiration(site: Site) -> None:
    site.write(
        tasks={"work": {"python": "tasks:work"}},
        events={"later": {"tasks": [{"task": "work", "delay": "2s"}]}},
    )
    site.declare()
    hasty, patient = site.message("hasty", key="later"), site.message("patient", key="later")
    sent_at = time.time()
    site.send_messages([hasty.with_properties(expiration="200"), patient])

    site.run("--fail-on-dead")

    runs = {run["n"]: run for run in site.oracle.done()}
    assert runs.keys() == {"hasty", "patient"}
    for run in runs.values():
        assert run["at"] - sent_at >= 2
        assert (run["event"], run["attempt"]) == ("later", 1)
        assert (run["exchange"], run["key"]) == (f"{site.name}.events", "later")
    site.oracle.judge().check(duplicates=0)
