"""A delivery that is read from its frames is the one that py-amqp reads; what is unusual is left to it."""

import struct
from typing import Any
from unittest.mock import patch

import amqp
import pytest
from amqp.basic_message import Message
from amqp.method_framing import frame_handler
from amqp.serialization import dumps
from hypothesis import given
from hypothesis import strategies as st

from ebats.runner.broker import received
from ebats.runner.broker.deliveries import Deliveries
from ebats.runner.broker.properties import accept_all
from ebats.runner.execution.delivery import Delivery

accept_all()
TAG = "shop.demo.1.1"
BEHIND = b"\x01\x00\x01"
NOW = 1_700_000_000.0

short = st.text(max_size=60).filter(lambda text: len(text.encode("utf-8", "surrogatepass")) < 200)
names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
values = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=40),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.none(),
    st.binary(max_size=10),
    st.lists(st.integers(0, 9), max_size=3),
)
properties = st.fixed_dictionaries(
    {},
    optional={
        "content_type": st.just("application/json"),
        "content_encoding": st.just("gzip"),
        "application_headers": st.dictionaries(names, values, max_size=5),
        "delivery_mode": st.sampled_from([1, 2]),
        "priority": st.integers(0, 255),
        "correlation_id": short,
        "reply_to": short,
        "expiration": st.just("1000"),
        "message_id": short,
        "timestamp": st.integers(0, 2**64 - 1),
        "type": short,
        "user_id": short,
        "app_id": short,
        "cluster_id": short,
    },
)


def frame(kind: int, payload: bytes) -> bytes:
    return struct.pack(">BHI", kind, 1, len(payload)) + payload + b"\xce"


def frames(
    body: bytes = b'{"n": 1}',
    tag: int = 7,
    redelivered: bool = False,
    exchange: str = "shop.events",
    key: str = "order_paid",
    consumer: str = TAG,
    cut_at: int | None = None,
    **properties: Any,
) -> bytes:
    """Return the frames of a delivery; `cut_at` splits its body over two."""
    message = Message(body, **properties)
    method = struct.pack(">HH", 60, 60) + dumps("sLbss", (consumer, tag, redelivered, exchange, key))
    header = struct.pack(">HHQ", 60, 0, len(body)) + message._serialize_properties()
    bodies = [body] if cut_at is None else [body[:cut_at], body[cut_at:]]
    return frame(1, method) + frame(2, header) + b"".join(frame(3, part) for part in bodies if part)


def read(data: bytes) -> tuple[Delivery, int] | None:
    got: list[Delivery] = []
    deliveries = Deliveries()
    deliveries.add(TAG, "shop.demo", 3, got.append)
    with patch("time.time", lambda: NOW):
        found = deliveries.read(data, 7)
    if found is None:
        return None
    receive, delivery, after = found
    receive(delivery)
    assert got == [delivery]
    return delivery, after


def read_by_amqp(data: bytes) -> Delivery:
    """Read with py-amqp alone, as it does on a connection."""
    got: list[Delivery] = []
    channel = amqp.Channel.__new__(amqp.Channel)
    state = {"auto_decode": False, "is_closing": False, "_pending": {}, "_callbacks": {}, "channel_id": 1}
    for name, value in state.items():
        setattr(channel, name, value)
    channel._setup_listeners()

    def receive(message: Any) -> None:
        with patch("time.time", lambda: NOW):
            got.append(received.delivery(message, "shop.demo", 3))

    channel.callbacks = {TAG: receive}

    class Connection:
        bytes_recv = 0

    on_frame = frame_handler(
        Connection(), lambda _channel, sig, buf, content: channel.dispatch_method(sig, buf, content)
    )
    at = 0
    while at < len(data):
        kind, number, size = struct.unpack_from(">BHI", data, at)
        on_frame((kind, number, data[at + 7 : at + 7 + size]))
        at += 8 + size
    return got[0]


@given(st.binary(max_size=300), st.integers(1, 2**63), st.booleans(), short, short, properties)
def test_it_is_what_py_amqp_reads_or_left_to_it(
    body: bytes, tag: int, redelivered: bool, exchange: str, key: str, properties: dict[str, Any]
) -> None:
    data = frames(body, tag, redelivered, exchange, key, **properties)

    found = read(data + BEHIND)

    if found is not None:
        delivery, after = found
        assert delivery == read_by_amqp(data)
        assert after == len(data)


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"body": b""},
        {"redelivered": True},
        {"exchange": "", "key": "shop.demo"},
        {
            "content_type": "application/json",
            "delivery_mode": 2,
            "message_id": "0001",
            "application_headers": {"ebats-published": 1.5, "ebats-attempt": 2, "x-delivery-count": 1},
        },
        {"application_headers": {"city": "北京", "big": 2**40, "yes": True}},
        {"timestamp": 1_700_000_000, "correlation_id": "c", "reply_to": "r", "expiration": "1000"},
    ],
)
def test_what_is_usual_is_read_here(more: dict[str, Any]) -> None:
    data = frames(**more)

    found = read(data)

    assert found is not None
    assert found == (read_by_amqp(data), len(data))


@pytest.mark.parametrize(
    "data",
    [
        frames(consumer="somebody-else"),
        frames(body=b"x" * 100, cut_at=50),
        frames(application_headers={"deaths": [{"count": 1}]}),
        frames()[:-1],
        frames()[:40],
        frames()[:-1] + b"\x00",
        frame(1, struct.pack(">HH", 60, 80) + b"\0" * 9),
        frame(1, b"\x00\x3c\x00\x3c\xff"),
    ],
    ids=["consumer", "two frames", "rare type", "no end", "cut", "wrong end", "another method", "malformed"],
)
def test_what_is_unusual_is_left_to_py_amqp(data: bytes) -> None:
    assert read(data) is None


def test_text_that_is_not_utf_8_is_left_to_py_amqp() -> None:
    data = frames(message_id="ab").replace(b"\x02ab", b"\x02\xff\xfe")

    assert read(data) is None


def test_a_consumer_that_was_removed_gets_nothing() -> None:
    deliveries = Deliveries()
    deliveries.add(TAG, "shop.demo", 3, lambda _delivery: pytest.fail("was removed"))
    deliveries.remove(TAG)

    assert deliveries.read(frames(), 7) is None
