"""Conformance: bodies, headers and properties come as they went."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.integration.wire import Wire, body, headers


@pytest.mark.parametrize(
    "sent",
    [b"", b"{}", b"\xff\xfe\x00\x80", '{"order": "日本"}'.encode(), bytes(range(256)), b"x" * 1_000_000],
    ids=["empty", "json", "not utf-8", "utf-8", "all bytes", "1 MB"],
)
def test_a_body_is_untouched(wire: Wire, sent: bytes) -> None:
    wire.queue("work")
    wire.publish(sent, "", "work", content_type="application/json")
    assert body(wire.get("work")) == sent


def test_a_body_is_untouched_whatever_its_encoding_claims(wire: Wire) -> None:
    wire.queue("work")
    message = wire.channel.prepare_message(b"\xff{}", content_encoding="utf-8")
    wire.channel.basic_publish(message, exchange="", routing_key="work")
    found = wire.get("work")
    assert body(found) == b"\xff{}"
    assert found.properties["content_encoding"] == "utf-8"


@pytest.mark.parametrize(
    "value",
    [
        0,
        1,
        -1,
        2**31,
        2**40,
        2**63 - 1,
        -(2**63),
        True,
        False,
        None,
        1.5,
        "",
        "日本 \n\0",
        "x" * 8192,
        b"\xff\x00",
        [],
        [1, "a", None, True, [2.5]],
        {},
        {"a": {"b": [{"c": 1}]}},
        [{"reason": "expired", "count": 2}],
        Decimal("1.25"),
        datetime(2026, 1, 2, 3, 4, 5),
    ],
    ids=lambda value: repr(value)[:24].encode("ascii", "backslashreplace").decode(),
)
def test_a_header_keeps_its_value_and_type(wire: Wire, value: Any) -> None:
    wire.queue("work")
    wire.publish(b"x", "", "work", headers={"value": value, "after": "it"})
    found = headers(wire.get("work"))
    assert found["value"] == value
    assert type(found["value"]) is type(value)
    assert found["after"] == "it"


def test_a_time_in_a_header_is_utc(wire: Wire) -> None:
    wire.queue("work")
    wire.publish(b"x", "", "work", headers={"at": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)})
    assert headers(wire.get("work"))["at"] == datetime(2026, 1, 2, 3, 4, 5)


def test_headers_of_60_kilobytes_pass(wire: Wire) -> None:
    wire.queue("work")
    sent = {f"header-{number}": "x" * 4000 for number in range(15)}
    wire.publish(b"x", "", "work", headers=sent)
    found = headers(wire.get("work"))
    assert {key: found[key] for key in sent} == sent


def test_every_property_comes_as_it_went(wire: Wire) -> None:
    wire.queue("work")
    sent: dict[str, Any] = {
        "content_type": "application/json",
        "content_encoding": "utf-8",
        "delivery_mode": 2,
        "priority": 3,
        "correlation_id": "c-1",
        "reply_to": "answers",
        "message_id": "m-1",
        "timestamp": 1_767_323_045,
        "type": "order",
        "app_id": "shop",
    }
    wire.publish(b"x", "", "work", **sent)
    found = dict(wire.get("work").properties)
    # RabbitMQ 3.10 shows the count of a quorum queue from the first delivery on.
    assert found.pop("application_headers", {}) in ({}, {"x-delivery-count": 0})
    assert found == sent


def test_properties_that_were_not_set_are_absent(wire: Wire) -> None:
    wire.queue("work")
    wire.channel.basic_publish(wire.channel.prepare_message(b"x"), exchange="", routing_key="work")
    found = dict(wire.get("work").properties)
    assert found.pop("application_headers", {}) in ({}, {"x-delivery-count": 0})
    assert not [name for name, value in found.items() if value]


def test_a_message_that_asks_not_to_be_kept_is_delivered_all_the_same(wire: Wire) -> None:
    wire.queue("work")
    wire.publish(b"x", "", "work", delivery_mode=1)
    assert wire.get("work").properties["delivery_mode"] == 1


def test_a_priority_is_kept_where_a_queue_has_none(wire: Wire) -> None:
    wire.queue("work", {})
    for number, priority in enumerate((1, 9, 5)):
        wire.publish(str(number).encode(), "", "work", priority=priority)
    wire.wait_ready("work", 3)
    assert [wire.get("work").properties["priority"] for _ in range(3)] == [1, 9, 5]


def test_a_thousand_messages_of_each_size_pass(wire: Wire) -> None:
    wire.queue("work")
    for size in (0, 1, 100, 5000):
        wire.consume("work", prefetch=2000)
        for _ in range(250):
            wire.publish(b"x" * size, "", "work")
        messages = wire.receive(250)
        assert {len(body(message)) for message in messages} == {size}
        wire.ack(messages[-1], multiple=True)
        wire.channel.basic_cancel(messages[0].delivery_info["consumer_tag"])
