"""Runs of tasks that are no Python function: what they may come to, and what stays known between attempts."""

import asyncio
from typing import Any

import pytest

from ebats.pipelines.model import Ladder
from ebats.runner.execution import settle
from ebats.runner.execution.delivery import Delivery
from ebats.runner.execution.journal import Journal
from ebats.runner.execution.outcome import Dead, Failed, Postponed, Result, Retry, Returned, Wait, decide
from ebats.runner.execution.record import RequestNote
from ebats.runner.execution.settle import Outgoing
from ebats.runner.execution.slots import Run
from tests.unit.core.messages import FAILED, SHIP, SHOP, paid
from tests.unit.core.shop import Bench, Lines, again, delivery, envelope_of

LADDER = Ladder(rungs_ms=(1_000, 3_000))
NOTE = RequestNote(method="POST", url="https://shop.example/", outcome="failed", status=500, seconds=0.1)


class Answers:
    """A callback that has come to a result."""

    is_async = True

    def __init__(self, result: Result) -> None:
        self.result = result

    async def attempt(self, run: Run, payload: object) -> Result:
        """Return it."""
        return self.result


def bench_of(result: Result, **more: Any) -> Bench:
    bench = Bench()
    bench.engine._functions = {"ship": Answers(result)}
    bench.take(delivery("shop.tasks", "ship", **more))
    for run in bench.held.runs:
        asyncio.run(bench.engine.execute_async(run))
    return bench


def from_rung(message: Outgoing) -> Delivery:
    """Return the delivery of what waited, when its rung hands it on."""
    back = again(message, "shop.demo")
    back.exchange = "shop.tasks"
    return back


@pytest.mark.parametrize("how", ["final", "refused", "schema", "expired"])
def test_what_no_other_attempt_would_mend_is_dead_by_that_name(how: Any) -> None:
    assert decide(Failed(how, "Error", "text"), LADDER, 1) == Dead(how)


def test_an_http_failure_climbs_the_ladder_and_without_one_has_failed() -> None:
    failed = Failed("http", "Status", "500")
    decisions = [decide(failed, LADDER, attempt) for attempt in (1, 2, 3)]
    assert decisions == [Retry(1_000), Retry(3_000), Dead("exhausted")]
    assert decide(failed, None, 1) == Dead("failed")


def test_the_other_side_lengthens_a_wait_and_never_shortens_one() -> None:
    waits = [
        decide(Failed("http", "Status", "503", at_least_ms=ms), LADDER, 1) for ms in (0, 999, 1_000, 1_001)
    ]
    assert waits == [Retry(1_000)] * 3 + [Retry(1_001, chosen=True)]
    assert decide(Failed("http", "Status", "503", at_least_ms=99_000), LADDER, 3) == Dead("exhausted")
    # A wait that the task chose is lengthened too.
    assert decide(Failed("retry", "Retry", "", after_ms=5, at_least_ms=9), LADDER, 1) == Retry(9, chosen=True)


def test_a_messages_own_limit_caps_the_attempts_and_gives_no_more_than_the_ladder() -> None:
    failed = [Failed("http", "Status", "500", most_attempts=most) for most in (1, 2, 9)]
    assert [decide(one, LADDER, 1) for one in failed] == [Dead("exhausted"), Retry(1_000), Retry(1_000)]
    assert decide(failed[1], LADDER, 2) == Dead("exhausted")
    assert decide(failed[2], LADDER, 3) == Dead("exhausted")


def test_what_is_postponed_comes_again_as_the_same_attempt() -> None:
    bench = bench_of(Postponed(1_000, "its host has no place free"), headers={"ebats-attempt": 2})
    (message,) = bench.published.messages
    assert (message.exchange, message.key) == ("shop.delay.1s", "ship")
    assert message.headers["ebats-attempt"] == 2
    assert "ebats-first" not in message.headers
    bench.published.confirm()
    assert len(bench.acknowledged.deliveries) == 1
    (record,) = bench.lines.executions()
    assert (record.outcome, record.level, record.text) == ("postponed", "debug", "its host has no place free")
    assert record.next is not None
    assert (record.next - record.time).total_seconds() == pytest.approx(1, abs=0.002)
    assert bench.engine.settler.counts["to_rungs"] == 1


def test_a_postponed_message_keeps_since_when_until_an_attempt_is_made() -> None:
    message = settle.postpone(SHOP, paid(), SHIP, Postponed(3_000, "down", since=40.0), 50.0)
    assert (message.headers["ebats-postponed-since"], message.headers["ebats-due"]) == (40.0, 53.0)
    envelope = envelope_of(from_rung(message), SHOP)
    assert (envelope.postponed_since, envelope.attempt, envelope.event) == (40.0, 1, "order_paid")
    retried = settle.retry(SHOP, envelope, SHIP, Retry(90_000), FAILED, 60.0)
    assert "ebats-postponed-since" not in retried.headers


def test_any_wait_is_hopped_over_the_rungs_that_are_there() -> None:
    message = settle.postpone(SHOP, paid(), SHIP, Postponed(60_000, "down"), 50.0, (500, 30_000))
    assert (message.exchange, message.headers["ebats-due"]) == ("shop.delay.30s", 110.0)


def test_requests_that_have_succeeded_are_known_in_the_next_attempt() -> None:
    bench = bench_of(Failed("http", "Status", "500", done=(1, 3)))
    (message,) = bench.published.messages
    assert message.headers["ebats-done"] == [1, 3]
    envelope = envelope_of(from_rung(message), SHOP)
    assert envelope.done == (1, 3)
    # Whatever becomes of that attempt
    for passed_on in (
        settle.retry(SHOP, envelope, SHIP, Retry(90_000), FAILED, 60.0),
        settle.postpone(SHOP, envelope, SHIP, Postponed(1_000, "full"), 60.0),
        settle.hand_back(envelope, SHIP),
        settle.one_task(SHOP, envelope, SHIP),
        settle.suspect(SHOP, envelope, SHIP, 1),
        settle.lease(envelope, SHIP, "shop.lease.1"),
    ):
        assert passed_on.headers["ebats-done"] == [1, 3]


def test_a_run_that_is_cut_short_hands_on_what_it_got_done() -> None:
    bench = Bench()
    bench.engine._functions = {"ship": Answers(Returned())}
    bench.take(delivery("shop.tasks", "ship"))
    (run,) = bench.held.runs
    run.done = (2,)
    bench.engine.hand_back(run)
    assert bench.published.messages[0].headers["ebats-done"] == [2]


def test_a_life_that_begins_anew_knows_nothing_of_the_one_before() -> None:
    headers = {"ebats-done": [1], "ebats-postponed-since": 5.0, "ebats-attempt": 3}
    envelope = envelope_of(delivery("shop.tasks", "ship", headers=headers), SHOP)
    dead = settle.dead(SHOP, envelope, SHIP, Dead("exhausted"), FAILED, 60.0)
    anew = settle.again(envelope, SHIP, "shop.tasks", "ship", 60.0)
    for message in (dead, anew):
        assert not {"ebats-done", "ebats-postponed-since"} & message.headers.keys()


@pytest.mark.parametrize(
    ("header", "done"),
    [
        ([3, 1, 1], (1, 3)),
        (["2", 0, -1, None, "x", 10**400, 1.0], (1, 2)),
        ("1", ()),
        (None, ()),
        ({"1": 1}, ()),
        (list(range(1, 5_000)), tuple(range(1, 1_001))),
    ],
)
def test_any_header_may_stand_there(header: object, done: tuple[int, ...]) -> None:
    headers = {"ebats-done": header, "ebats-postponed-since": header}
    envelope = envelope_of(delivery("shop.tasks", "ship", headers=headers), SHOP)
    assert envelope.done == done


@pytest.mark.parametrize(
    "result",
    [
        Returned({"status": 200}, (NOTE,)),
        Failed("http", "Status", "500", requests=(NOTE,)),
        Postponed(1_000, "full", requests=(NOTE,)),
    ],
)
def test_a_record_names_the_requests_however_it_ended(result: Result) -> None:
    (record,) = bench_of(result).lines.executions()
    assert record.requests == [NOTE]


def test_a_record_without_requests_has_no_such_field() -> None:
    lines = Lines()
    journal = Journal(SHOP, "rest#1", lines, with_payload=False)
    run = Run(paid(), SHIP, None)
    journal.execution(run, Wait(1_000), Postponed(1_000, "full"), None, 50.0)
    assert b'"requests"' not in lines.lines[0].json
