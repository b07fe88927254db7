"""Where messages are published: straight, by the publisher's fan-out, over hops."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebats.pipelines.addresses import Address, Unaddressable, of_event, of_task
from ebats.pipelines.ladder import HOPS_MS, next_hop
from ebats.pipelines.load import from_bytes
from ebats.pipelines.wiring import Wiring, from_data, to_data, wire

FILE = b"""
version: 1
name: shop
exchanges:
  trade:
  old: {external: true, type: direct}
queues: {fast: , slow: , orders: {external: true}}
tasks:
  ship: {python: "a:ship"}
  mail: {python: "a:mail", queues: [fast, slow]}
events:
  paid: {tasks: [ship, {task: mail, queue: slow}]}
  made: {tasks: [{task: mail, delay: 10s}]}
  wanted: {exchange: trade, key: ["*.wanted"], tasks: [ship]}
  both: {exchange: trade, key: ["#.b", "a.b"], tasks: [ship]}
  direct: {exchange: old, key: x, tasks: [ship]}
  came: {queue: orders, tasks: [ship]}
"""


@pytest.fixture(scope="module")
def wiring() -> Wiring:
    return wire(from_bytes("f.yaml", FILE, {}).pipeline)


def test_an_event_goes_where_its_bindings_are(wiring: Wiring) -> None:
    def one(name: str) -> Address:
        (address,) = of_event("shop", wiring, name, now=0.0)
        return address

    assert one("paid") == Address(exchange="shop.events", key="paid")
    assert one("both") == Address(exchange="shop.trade", key="a.b")
    assert one("direct") == Address(exchange="old", key="x")
    assert one("came") == Address(exchange="", key="orders")


def test_an_empty_name_of_a_queue_is_no_choice_of_the_default(wiring: Wiring) -> None:
    with pytest.raises(Unaddressable, match="may not run from the queue ''"):
        of_event("shop", wiring, "paid", now=0.0, queue="")
    with pytest.raises(Unaddressable, match="may not run from the queue ''"):
        of_task("shop", wiring, "mail", now=0.0, queue="")


def test_a_pattern_is_no_address(wiring: Wiring) -> None:
    with pytest.raises(Unaddressable, match=r"whatever matches '\*\.wanted'"):
        of_event("shop", wiring, "wanted", now=0.0)


def test_a_delayed_event_is_fanned_out_to_its_tasks(wiring: Wiring) -> None:
    origin = {"ebats-event": "paid", "ebats-exchange": "shop.events", "ebats-key": "paid"}
    assert of_event("shop", wiring, "paid", now=1000.0, delay_s=37) == (
        Address(exchange="shop.delay.30s", key="ship", headers={**origin, "ebats-due": 1037.0}),
        Address(exchange="shop.delay.30s", key="mail@slow", headers={**origin, "ebats-due": 1037.0}),
    )


def test_the_delays_of_event_and_publisher_add_up(wiring: Wiring) -> None:
    (address,) = of_event("shop", wiring, "made", now=1000.0, delay_s=50)
    assert (address.exchange, address.headers["ebats-due"]) == ("shop.delay.30s", 1060.0)


def test_a_chosen_queue_is_one_that_the_task_may_run_from(wiring: Wiring) -> None:
    assert of_task("shop", wiring, "mail", now=0.0, queue="slow") == Address(
        exchange="shop.tasks", key="mail@slow"
    )
    assert of_task("shop", wiring, "mail", now=0.0, queue="fast").key == "mail"
    (address,) = of_event("shop", wiring, "made", now=5.0, queue="slow")
    assert (address.key, address.headers["ebats-due"]) == ("mail@slow", 15.0)
    with pytest.raises(Unaddressable, match="may not run from the queue 'slow', only from `ship`"):
        of_event("shop", wiring, "paid", now=0.0, queue="slow")


def test_what_is_not_there_is_said_with_what_is(wiring: Wiring) -> None:
    with pytest.raises(Unaddressable, match=r"there is no task 'shp'; did you mean `ship`\?"):
        of_task("shop", wiring, "shp", now=0.0)


def test_a_wiring_is_read_as_it_was_written(wiring: Wiring) -> None:
    assert from_data(to_data(wiring)) == wiring


@given(st.floats(0.001, 400 * 86_400_000))
def test_hops_never_end_early_and_never_late_by_a_second(wait_ms: float) -> None:
    waited = hops = 0.0
    while waited < wait_ms:
        waited += next_hop(HOPS_MS, wait_ms - waited)
        hops += 1
    assert 0 <= waited - wait_ms <= 500
    # 13 of 30 days, and on each shorter rung at most as often as it fits into the next longer one.
    shorter = sum(-(-longer // rung) - 1 for rung, longer in itertools.pairwise(HOPS_MS))
    assert hops <= 13 + shorter + 1


@pytest.mark.parametrize(
    ("wait_ms", "hops"), [(37_000, 4), (7_200_000, 1), (30 * 86_400_000, 1), (500, 1), (60 * 86_400_000, 2)]
)
def test_few_hops_make_a_wait(wait_ms: int, hops: int) -> None:
    count, waited = 0, 0
    while waited < wait_ms:
        waited += next_hop(HOPS_MS, wait_ms - waited)
        count += 1
    assert count == hops
