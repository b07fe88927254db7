"""What a delivery from a rung says, and one with any headers at all."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebats.pipelines.routes import Rung
from ebats.runner.execution import settle
from ebats.runner.execution.envelope import rung_of
from ebats.runner.execution.reading import Around, Meaning, read
from tests.unit.core.reading import EVENT_RUNG, OURS, ROUTES, origin, runs
from tests.unit.core.shop import again, death, delivery

# Rungs.


def test_the_broker_tells_where_a_delayed_event_came_from() -> None:
    headers = death(EVENT_RUNG, "shop.events", "order_create")
    envelope, tasks = runs(delivery("shop.tasks", "close_order", headers=headers))
    assert tasks == ["close_order"]
    assert origin(envelope) == ("order_create", "shop.events", "order_create")
    assert envelope.attempt == 1


def test_a_retry_keeps_the_origin_that_its_headers_tell() -> None:
    headers = death("shop.delay.1s", "shop.delay.1s", "close_order") | OURS
    envelope, _ = runs(delivery("shop.tasks", "close_order", headers=headers))
    assert origin(envelope) == ("order_paid", "shop.events", "order_paid")
    assert envelope.attempt == 3


def test_what_an_expiration_of_its_own_took_from_a_rung_too_early_waits_there_again() -> None:
    early = death(EVENT_RUNG, "shop.events", "order_create", original_expiration="500")
    meaning = read(delivery("shop.tasks", "close_order", headers=early), ROUTES)
    assert isinstance(meaning, Around)
    assert (meaning.exchange, meaning.key) == ("", EVENT_RUNG)
    assert origin(meaning.envelope) == ("order_create", "shop.events", "order_create")

    shared = death("shop.delay.1s", "shop.delay.1s", "ship", original_expiration="5")
    meaning = read(delivery("shop.tasks", "ship", headers=shared), ROUTES)
    assert isinstance(meaning, Around)
    assert (meaning.exchange, meaning.key) == ("shop.delay.1s", "ship")


def test_after_it_went_round_it_still_knows_its_event() -> None:
    early = death(EVENT_RUNG, "shop.events", "order_create", original_expiration="500")
    meaning = read(delivery("shop.tasks", "close_order", headers=early), ROUTES)
    assert isinstance(meaning, Around)
    message = settle.around(meaning.envelope, meaning.exchange, meaning.key)
    assert "x-death" not in message.headers
    message.headers |= death(EVENT_RUNG, "", EVENT_RUNG)
    back = again(message, "shop.demo")
    back.exchange, back.key = "shop.tasks", "close_order"
    envelope, tasks = runs(back)
    assert tasks == ["close_order"]
    assert origin(envelope) == ("order_create", "shop.events", "order_create")


def test_an_expiration_longer_than_the_rung_cut_nothing_short() -> None:
    headers = death(EVENT_RUNG, "shop.events", "order_create", original_expiration="10000")
    assert runs(delivery("shop.tasks", "close_order", headers=headers))[1] == ["close_order"]


@pytest.mark.parametrize("queue", ["their.waiting", "their.delay.10s.order_create.close_order", "shop.demo"])
def test_a_queue_of_somebody_else_is_no_rung_to_go_round(queue: str) -> None:
    headers = death(queue, "their", "key", original_expiration="5")
    one = delivery("shop.tasks", "close_order", headers=headers)
    envelope, tasks = runs(one)
    assert tasks == ["close_order"]
    assert envelope.event is None
    assert rung_of(one, ROUTES) is None


def test_a_message_from_a_rung_is_told_by_the_last_queue_that_it_left() -> None:
    assert rung_of(delivery(headers=death(EVENT_RUNG)), ROUTES) == Rung(10_000, "order_create")
    assert rung_of(delivery(headers=death("shop.delay.1s")), ROUTES) == Rung(1_000)
    assert rung_of(delivery(), ROUTES) is None


# Suspects.


@pytest.mark.parametrize(
    ("headers", "redelivered", "suspect"),
    [
        ({}, False, False),
        ({"x-delivery-count": 1}, True, False),
        ({"x-delivery-count": 2}, True, True),
        ({"x-delivery-count": 7}, True, True),
        ({}, True, True),
    ],
)
def test_twice_cut_short_is_suspect_and_once_on_a_classic_queue(
    headers: dict[str, Any], redelivered: bool, suspect: bool
) -> None:
    assert delivery(headers=headers, redelivered=redelivered).is_suspect() is suspect


# Anything.

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(), st.text(max_size=5), st.binary()
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=15), inner)
)
KNOWN = ["x-death", "x-delivery-count", *(f"ebats-{name}" for name in ("task", "event", "exchange", "key"))]
COUNTS = [
    f"ebats-{name}" for name in ("queue", "attempt", "crashes", "first", "last", "unknown-since", "due")
]
HEADERS = st.dictionaries(st.sampled_from([*KNOWN, *COUNTS]) | st.text(max_size=5), VALUES)
DEATHS = st.fixed_dictionaries(
    {},
    optional={
        "queue": st.sampled_from([EVENT_RUNG, "shop.delay.1s", "x"]) | VALUES,
        "exchange": VALUES,
        "routing-keys": VALUES,
        "original-expiration": VALUES,
    },
)


@given(
    st.sampled_from(["", "shop.tasks", "shop.events", "shop.orders", "x"]),
    st.sampled_from(["ship", "@demo", "order_paid", "eu.1.WAIT", ""]),
    HEADERS,
    st.none() | DEATHS,
)
def test_no_header_that_anybody_may_write_makes_reading_fail(
    exchange: str, key: str, headers: dict[str, Any], last: dict[str, Any] | None
) -> None:
    if last is not None:
        headers = headers | {"x-death": [last]}
    one = delivery(exchange, key, headers=headers)
    one.is_suspect()
    assert isinstance(read(one, ROUTES), Meaning)
