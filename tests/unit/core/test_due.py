"""A message that isn't due yet waits on, hop by hop; and what garbage in its header does."""

from typing import Any

import pytest

from ebats.pipelines.addresses import DUE
from ebats.pipelines.topology import shared_delays_ms
from ebats.runner.execution import settle
from ebats.runner.execution.reading import Around, Early, Runs, Split, Undated, read
from tests.unit.core.messages import ROUTES, SHIP, SHOP
from tests.unit.core.reading import EVENT_RUNG
from tests.unit.core.shop import Bench, again, death, delivery
from tests.unit.core.tasks import fine

#: When the deliveries of these tests are received.
NOW = 1000.0
RUNGS_MS = shared_delays_ms(SHOP)


def hop(early: Early) -> settle.Outgoing:
    remaining_s = early.due - early.envelope.delivery.received
    return settle.hop(SHOP, early.envelope, early.task, remaining_s, RUNGS_MS)


def test_what_is_not_due_waits_on_the_longest_rung_that_fits_uncounted() -> None:
    headers = {DUE: NOW + 95, "ebats-attempt": 2, "ebats-event": "order_paid", "trace": "t"}
    meaning = read(delivery("shop.tasks", "ship", headers=headers), ROUTES)
    assert isinstance(meaning, Early)
    message = hop(meaning)
    assert (message.exchange, message.key) == ("shop.delay.90s", "ship")
    assert message.headers.items() >= headers.items()


def test_hops_lead_to_the_moment_and_never_before_it() -> None:
    due = NOW + 37
    one = delivery("shop.tasks", "ship", headers={DUE: due})
    rungs: list[str] = []
    while isinstance(meaning := read(one, ROUTES), Early):
        message = hop(meaning)
        rungs.append(message.exchange.removeprefix("shop.delay."))
        waited_s = {"30s": 30.0, "3s": 3.0, "1s": 1.0, "500ms": 0.5}[rungs[-1]]
        received, one = one.received, again(message, "shop.demo")
        one.exchange, one.received = "shop.tasks", received + waited_s
        one.headers |= death(message.exchange, message.exchange, "ship")
    assert isinstance(meaning, Runs)
    assert rungs == ["30s", "3s", "3s", "1s"]
    assert due <= one.received <= due + 0.5
    assert meaning.envelope.attempt == 1


def test_due_is_due() -> None:
    for due in (NOW, NOW - 1, 0, -5.5, "999", True):
        meaning = read(delivery("shop.tasks", "ship", headers={DUE: due}), ROUTES)
        assert isinstance(meaning, Runs), due


def test_an_expiration_that_cut_a_hop_short_makes_another_hop_and_not_the_whole_wait_again() -> None:
    early = death("shop.delay.30d", "shop.delay.30d", "ship", original_expiration="5")
    meaning = read(delivery("shop.tasks", "ship", headers=early | {DUE: NOW + 1}), ROUTES)
    assert isinstance(meaning, Early)
    assert hop(meaning).exchange == "shop.delay.1s"
    # An event's own rung counts from the event.
    early = death(EVENT_RUNG, "shop.events", "order_create", original_expiration="5")
    meaning = read(delivery("shop.tasks", "close_order", headers=early | {DUE: NOW + 1}), ROUTES)
    assert isinstance(meaning, Around)


def test_an_event_that_is_not_due_waits_with_each_of_its_tasks() -> None:
    headers = {DUE: NOW + 60}
    meaning = read(delivery("shop.events", "order_paid", headers=headers), ROUTES)
    assert isinstance(meaning, Split)
    copies = [settle.one_task(SHOP, envelope, task) for envelope, task in meaning.copies]
    assert [(copy.key, copy.headers[DUE]) for copy in copies] == [
        ("close_order", NOW + 60),
        ("ship", NOW + 60),
    ]


@pytest.mark.parametrize("kind", ["hand_back", "one_task", "suspect", "wait_unknown"])
def test_what_goes_back_keeps_its_moment(kind: str) -> None:
    meaning = read(delivery("shop.tasks", "ship", headers={DUE: NOW - 5}), ROUTES)
    assert isinstance(meaning, Runs)
    envelope = meaning.envelope
    message = {
        "hand_back": lambda: settle.hand_back(envelope, SHIP),
        "one_task": lambda: settle.one_task(SHOP, envelope, SHIP),
        "suspect": lambda: settle.suspect(SHOP, envelope, SHIP, 1),
        "wait_unknown": lambda: settle.wait_unknown(SHOP, envelope, 50.0),
    }[kind]()
    assert message.headers[DUE] == NOW - 5


GARBAGE = [
    *("soon", "", "nan", b"\xff", [5], {"a": 1}, float("nan"), float("inf"), -float("inf"), None),
    *(253_402_300_799, 1_700_000_000_000, 1e300, 10**400),
]


@pytest.mark.parametrize("due", GARBAGE, ids=lambda due: repr(due)[:20])
def test_a_moment_that_is_none_makes_the_message_dead_and_says_so(due: Any) -> None:
    meaning = read(delivery("shop.tasks", "ship", headers={DUE: due}), ROUTES)
    assert isinstance(meaning, Undated)
    bench = Bench(ship=fine)
    one = delivery("shop.tasks", "ship", headers={DUE: due})
    bench.take(one)
    (letter,) = bench.published.messages
    assert not bench.held.runs
    assert (letter.exchange, letter.headers["ebats-reason"]) == ("shop.dead", "undecodable")
    assert f"{DUE} is " in letter.headers["ebats-text"]
    assert DUE not in letter.headers
    bench.published.confirm()
    assert bench.acknowledged.deliveries == [one]
    (record,) = bench.lines.executions()
    assert (record.outcome, record.task) == ("dead", "ship")


def test_garbage_for_two_tasks_is_two_dead_letters() -> None:
    bench = Bench(close_order=fine, ship=fine)
    one = delivery("shop.events", "order_paid", headers={DUE: "soon"})
    bench.take(one)
    assert [letter.key for letter in bench.published.messages] == ["close_order", "ship"]
    bench.published.confirm()
    assert bench.acknowledged.deliveries == [one]


@pytest.mark.parametrize("kind", ["one_task", "around", "wait_unknown"])
def test_garbage_goes_on_to_where_the_message_dies_of_it(kind: str) -> None:
    # As for tasks of several events, of which each gets a copy, and where a file doesn't know it yet.
    meaning = read(delivery("shop.tasks", "ship", headers={DUE: "soon"}), ROUTES)
    assert isinstance(meaning, Undated)
    envelope = meaning.runs.envelope
    message = {
        "one_task": lambda: settle.one_task(SHOP, envelope, SHIP),
        "around": lambda: settle.around(envelope, "", "shop.delay.10s.made.ship"),
        "wait_unknown": lambda: settle.wait_unknown(SHOP, envelope, 50.0),
    }[kind]()
    assert message.headers[DUE] == "soon"


def test_a_hop_is_counted_and_is_no_record() -> None:
    bench = Bench(ship=fine)
    one = delivery("shop.tasks", "ship", headers={DUE: NOW + 5})
    bench.take(one)
    (message,) = bench.published.messages
    assert message.exchange == "shop.delay.3s"
    assert not bench.acknowledged.deliveries
    bench.published.confirm()
    assert bench.acknowledged.deliveries == [one]
    assert bench.engine.settler.counts == {"to_rungs": 1}
    assert not bench.lines.executions()
