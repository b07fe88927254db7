"""Payloads, headers, ids and delays of programs, checked before anything is sent."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ebats.pipelines.addresses import Address
from ebats.runner.publishing import messages
from ebats.runner.publishing.messages import check_headers, check_id, encode, seconds

LOOP: list[Any] = []
LOOP.append(LOOP)
DEEP: Any = 1
for _ in range(100_000):
    DEEP = [DEEP]


def test_json_is_compact_utf8() -> None:
    assert (
        encode({"order": "订单", "n": [1, None, True]}, "json")
        == '{"order":"订单","n":[1,null,true]}'.encode()
    )
    assert encode("text", "json") == b'"text"'
    assert json.loads(encode({1: (2, 3)}, "json")) == {"1": [2, 3]}


def test_text_and_bytes_stay_as_they_are() -> None:
    assert encode("订单", "text") == "订单".encode()
    assert encode(bytearray(b"\x00\xff"), "bytes") == b"\x00\xff"


@pytest.mark.parametrize(
    ("payload", "kind", "text"),
    [
        ({"a": [1, {"b": {2}}]}, TypeError, "the payload['a'][1]['b'] is a set, which JSON doesn't have"),
        ({"at": datetime(2026, 1, 1, tzinfo=UTC)}, TypeError, "the payload['at'] is a datetime, which JSON"),
        (b"{}", TypeError, "the payload is a bytes, which JSON doesn't have"),
        ({"a": [float("nan")]}, ValueError, "the payload['a'][0] is nan, which JSON doesn't have"),
        ({"a": float("inf")}, ValueError, "the payload['a'] is inf"),
        ({(1, 2): 3}, TypeError, "the payload has the key (1, 2), and keys of JSON are texts"),
        ({"a": ["\ud800"]}, ValueError, "the payload['a'][0] is a text that can't be written as UTF-8"),
        ({"a": {"\ud800": 1}}, ValueError, "a key of the payload['a'] is a text that can't be written"),
        (LOOP, ValueError, "contains itself, or is nested too deeply"),
        (DEEP, ValueError, "contains itself, or is nested too deeply"),
    ],
)
def test_what_json_does_not_have_is_refused_with_its_place(
    payload: object, kind: type[Exception], text: str
) -> None:
    with pytest.raises(kind) as raised:
        encode(payload, "json")
    assert text in str(raised.value)


def test_a_payload_of_another_format_is_refused() -> None:
    with pytest.raises(TypeError, match="has to be a str, as the event's format says, and this is a dict"):
        encode({}, "text")
    with pytest.raises(TypeError, match="has to be bytes, as the event's format says, and this is None"):
        encode(None, "bytes")
    with pytest.raises(ValueError, match="the payload is a text that can't be written as UTF-8"):
        encode("\udcff", "text")


@pytest.mark.parametrize(
    ("headers", "kind", "text"),
    [
        ({"ebats-task": "x"}, ValueError, "the header 'ebats-task' is not for publishers"),
        ({"X-Death": "x"}, ValueError, "the header 'X-Death' is not for publishers"),
        ({"CC": ["a"]}, ValueError, "the header 'CC' is not for publishers"),
        ({1: "x"}, TypeError, "the name of a header has to be a str, and this is an int"),
        ({"": "x"}, ValueError, "the name of a header has 1 to 255 bytes, unlike ''"),
        ({"n" * 256: "x"}, ValueError, "the name of a header has 1 to 255 bytes, unlike 'nnn"),
        ({"a": {1}}, TypeError, "the header 'a' can't be sent, and this is a set"),
        ({"a": [{"b": object()}]}, TypeError, "the header 'a' can't be sent, and this is an object"),
        ({"a": {1: 2}}, TypeError, "a name in the header 'a' has to be a str"),
        ([("a", 1)], TypeError, "headers are a dict of names and values, and this is a list"),
        ({"a": LOOP}, ValueError, "the header 'a' contains itself, or is nested too deeply"),
        ({"a": 2**63}, ValueError, "the header 'a' is a number of more than 64 bits"),
        ({"a": "\ud800"}, ValueError, "the header 'a' is a text that can't be written as UTF-8"),
        ({"a": "x" * 65_536}, ValueError, "and 64 KiB are allowed: put what is large into the payload"),
    ],
)
def test_headers_that_cannot_be_are_refused(headers: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind) as raised:
        check_headers(headers)
    assert text in str(raised.value)


def test_headers_of_any_amqp_type_are_taken() -> None:
    now = datetime.now(UTC)
    check_headers({"a": "x", "b": b"x", "c": 1, "d": 1.5, "e": None, "f": True, "g": [1, {"h": now}]})


@pytest.mark.parametrize(
    ("delay", "expected"),
    [("37s", 37), ("1m30s", 90), (2.5, 2.5), (0, 0), (timedelta(days=30), 2_592_000), ("500ms", 0.5)],
)
def test_a_delay_is_a_text_a_timedelta_or_seconds(delay: Any, expected: float) -> None:
    assert seconds(delay) == expected


@pytest.mark.parametrize(
    ("delay", "kind", "text"),
    [
        ("10", ValueError, "'10' is no duration: write a number with a unit"),
        (-1, ValueError, "a delay is between 0 and 36500d, and -1 isn't"),
        (timedelta(days=40_000), ValueError, "a delay is between 0 and 36500d, and datetime.timedelta("),
        (float("nan"), ValueError, "and nan isn't"),
        (True, TypeError, "a text such as '37s', a timedelta or seconds, and this is a bool"),
        ([1], TypeError, "and this is a list"),
    ],
)
def test_what_is_no_delay_is_refused(delay: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind) as raised:
        seconds(delay)
    assert text in str(raised.value)


def test_an_id_has_up_to_255_bytes() -> None:
    assert check_id("订" * 85) == "订" * 85
    for bad in ("", "订" * 86, "\ud800"):
        with pytest.raises(ValueError, match=r"message id has 1 to 255 bytes|can't be written as UTF-8"):
            check_id(bad)
    with pytest.raises(TypeError, match="a message id has to be a str, and this is an int"):
        check_id(7)  # type: ignore[arg-type]


def test_a_message_says_what_it_is_and_when_it_was_published() -> None:
    address = Address(exchange="shop.events", key="paid", headers={"ebats-due": 5.0})
    message = messages.message(address, b"{}", "json", "m1", 1000.5, {"trace": "t"})
    assert (message.exchange, message.key, message.body) == ("shop.events", "paid", b"{}")
    assert message.headers == {"trace": "t", "ebats-published": 1000.5, "ebats-due": 5.0}
    assert message.properties == {
        "message_id": "m1",
        "content_type": "application/json",
        "delivery_mode": 2,
        "timestamp": 1000,
    }
