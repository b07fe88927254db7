"""Headers that fit, and can be written."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from amqp.basic_message import Message
from hypothesis import given
from hypothesis import strategies as st

from ebats.runner.execution import settle
from ebats.runner.execution.delivery import Delivery
from ebats.runner.execution.outcome import Dead, Failed, Retry
from ebats.runner.execution.settle import Outgoing
from tests.unit.core.messages import KINDS, SHIP, SHOP, every_message, paid
from tests.unit.core.shop import envelope_of


def size(message: Outgoing) -> int:
    written = Message(message.body, application_headers=message.headers, **message.properties)
    return len(written._serialize_properties())


@pytest.mark.parametrize("kind", ["retry", "dead"])
def test_long_texts_are_cut(kind: str) -> None:
    failed = Failed("exception", "E" * 9000, "é" * 1_000_000, "t" * 1_000_000 + "the end")
    envelope = paid()
    if kind == "retry":
        message = settle.retry(SHOP, envelope, SHIP, Retry(90_000), failed, 1.0)
    else:
        message = settle.dead(SHOP, envelope, SHIP, Dead("failed"), failed, 1.0)
        assert len(message.headers["ebats-traceback"].encode()) <= 8192
        assert message.headers["ebats-traceback"].endswith("the end")
    assert len(message.headers["ebats-text"].encode()) <= 4096
    assert len(message.headers["ebats-error"].encode()) <= 256


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "headers",
    [
        {"big": "x" * 120_000, "small": "kept"},
        {"big": "é" * 50_000, "small": "kept"},
        {"big": [{"deep": "x" * 120_000}], "small": "kept"},
        {"big": b"x" * 120_000, "small": "kept"},
        {f"h{number}": "x" * 1000 for number in range(110)} | {"small": "kept"},
        {"ebats-text": "x" * 120_000, "ebats-key": "x" * 9000, "small": "kept"},
        {"ebats-later": "x" * 120_000, "small": "kept"},
    ],
)
def test_headers_fit_into_a_frame_and_the_largest_of_the_publishers_go_first(
    kind: str, headers: dict[str, Any]
) -> None:
    message = every_message(paid(headers=headers))[kind]
    assert size(message) <= 70_000
    assert message.headers["small"] == "kept"
    assert message.headers["ebats-key"] == "order_paid"
    if kind in ("retry", "dead"):
        assert message.headers["ebats-text"] == "none left"


def test_headers_that_fit_all_go_on() -> None:
    headers = {f"h{number}": "x" * 1000 for number in range(50)}
    assert every_message(paid(headers=headers))["retry"].headers.keys() >= headers.keys()


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.text(max_size=9),
    st.binary(max_size=9),
    st.just(datetime(2026, 1, 1)),
    st.just(Decimal("1.25")),
)
TABLE = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner)
)
OURS = [f"ebats-{name}" for name in ("task", "key", "attempt", "first", "last", "error", "text", "published")]
OURS += ["ebats-done", "ebats-postponed-since"]
HEADERS = st.dictionaries(st.sampled_from(OURS) | st.text(max_size=9), TABLE, max_size=8)


@given(HEADERS, st.none() | st.text(max_size=9))
def test_whatever_came_by_amqp_can_be_sent_on_by_amqp(
    headers: dict[str, Any], message_id: str | None
) -> None:
    headers.pop("ebats-due", None)  # an odd one is the end of the message
    one = Delivery(
        1, 1, "shop.demo", "shop.tasks", "ship", False, b"", headers, {"message_id": message_id}, 0.0
    )
    for message in every_message(envelope_of(one, SHOP)).values():
        assert size(message) < 131_072
