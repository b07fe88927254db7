"""The embedded broker from plain kombu, as somebody uses it who knows nothing of ebats."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kombu
import pytest
from amqp.exceptions import (
    AccessRefused,
    AMQPNotImplementedError,
    ConsumerCancelled,
    NotAllowed,
    NotFound,
    PreconditionFailed,
    RecoverableConnectionError,
)

import ebats  # noqa: F401  (makes sqlite:/// known to kombu)
from tests.waiting import wait_until


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[kombu.Connection]:
    with kombu.Connection(f"sqlite:///{tmp_path}/x.db") as found:
        yield found


def drain(connection: kombu.Connection, until: Any, deadline_s: float = 10) -> None:
    end = time.monotonic() + deadline_s
    while not until():
        assert time.monotonic() < end
        try:
            connection.drain_events(timeout=0.2)
        except TimeoutError:
            continue


def test_a_relative_path_is_one_of_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with kombu.Connection("sqlite:///x.db") as connection:
        connection.SimpleQueue("q").put("hello")
    monkeypatch.chdir("/")
    with kombu.Connection(f"sqlite:///{tmp_path}/x.db") as connection:
        assert connection.SimpleQueue("q").get(timeout=5).payload == "hello"


def test_a_consumer_gets_what_a_producer_sent_to_an_exchange(
    connection: kombu.Connection,
) -> None:
    exchange = kombu.Exchange("orders", "topic")
    queue = kombu.Queue("paid", exchange, routing_key="*.paid")
    got: list[Any] = []

    def on_message(body: Any, message: Any) -> None:
        got.append((body, message.headers, message.properties["message_id"]))
        message.ack()

    with connection.Consumer(queue, callbacks=[on_message]):
        producer = connection.Producer(exchange=exchange)
        producer.publish({"id": 1}, routing_key="shop.paid", headers={"h": "x"}, message_id="m1")
        producer.publish({"id": 2}, routing_key="shop.lost")
        drain(connection, lambda: got)
    assert got == [({"id": 1}, {"h": "x"}, "m1")]
    assert queue(connection.default_channel).queue_declare(passive=True).message_count == 0


@pytest.mark.parametrize("compression", [None, "gzip"])
@pytest.mark.parametrize("serializer", ["json", "raw"])
def test_bodies_survive_serializers_and_compression(
    connection: kombu.Connection, serializer: str, compression: str | None
) -> None:
    queue = connection.SimpleQueue("q", serializer=serializer)
    body = b"\x00\xffbytes" if serializer == "raw" else {"text": "ä" * 1000}
    queue.put(body, serializer=serializer, compression=compression)
    message = queue.get(timeout=5)
    assert message.payload == body
    message.ack()
    assert queue.qsize() == 0


def test_reading_a_message_on_the_channel_decompresses_nothing(connection: kombu.Connection) -> None:
    channel = connection.channel()
    channel.auto_decode = False
    channel.queue_declare("q")
    connection.Producer().publish({"a": 1}, routing_key="q", compression="gzip")
    got: list[Any] = []
    channel.basic_consume("q", callback=got.append)
    drain(connection, lambda: got)
    assert got[0].body.startswith(b"\x78")  # as it was sent
    assert got[0].properties["application_headers"]["compression"] == "application/x-gzip"


def test_a_batch_is_one_transaction(connection: kombu.Connection) -> None:
    assert connection.Producer().supports_batch_publish
    channel = connection.default_channel
    channel.queue_declare("q")
    producer = connection.Producer()
    with producer.batch() as batch:
        for number in range(3):
            producer.publish(number, routing_key="q")
        assert channel.queue_declare("q", passive=True).message_count == 0
        batch.flush()
        assert channel.queue_declare("q", passive=True).message_count == 3
    with contextlib.suppress(ZeroDivisionError), producer.batch():
        producer.publish(4, routing_key="q")
        raise ZeroDivisionError
    assert channel.queue_declare("q", passive=True).message_count == 3


def test_an_error_leaves_a_channel_that_works(connection: kombu.Connection) -> None:
    channel = connection.channel()
    with pytest.raises(NotFound, match="no queue 'q' in vhost '/'"):
        channel.queue_declare("q", passive=True)
    channel.queue_declare("q", durable=True, auto_delete=False)
    with pytest.raises(PreconditionFailed, match="inequivalent arg 'durable' for queue 'q'"):
        channel.queue_declare("q", durable=False, auto_delete=False)
    with pytest.raises(NotFound, match="no exchange 'x'"):
        channel.basic_publish(channel.prepare_message(b"hi"), exchange="x", routing_key="q")
    channel.basic_publish(channel.prepare_message(b"hi"), routing_key="q")
    assert channel.basic_get("q", no_ack=True).body == b"hi"


def test_a_publish_to_a_missing_exchange_ends_its_batch_but_not_what_came_before(
    connection: kombu.Connection,
) -> None:
    channel = connection.channel()
    channel.queue_declare("q")
    channel.confirm_select()
    confirmed: list[int] = []
    channel.events["basic_ack"].add(lambda tag, multiple: confirmed.append(tag))
    for exchange in ("", "", "missing", ""):
        channel.basic_publish(channel.prepare_message(b"hi"), exchange=exchange, routing_key="q")
    with pytest.raises(NotFound):
        connection.drain_events(timeout=5)
    assert confirmed == [2]
    assert channel.queue_declare("q", passive=True).message_count == 2


def test_what_would_close_a_connection_of_rabbitmq_closes_this_one(connection: kombu.Connection) -> None:
    channel = connection.channel()
    channel.queue_declare("q")
    channel.basic_consume("q", consumer_tag="t")
    with pytest.raises(NotAllowed, match="attempt to reuse consumer tag 't'"):
        channel.basic_consume("q", consumer_tag="t")
    with pytest.raises(RecoverableConnectionError, match="connection already closed"):
        channel.queue_declare("q", passive=True)
    with pytest.raises(AMQPNotImplementedError, match="binding exchanges to exchanges"):
        connection.channel().exchange_bind("amq.topic", "amq.fanout")


def test_an_exclusive_consumer_has_a_classic_queue_alone(connection: kombu.Connection) -> None:
    first, second = connection.channel(), connection.channel()
    first.queue_declare("q", auto_delete=False)
    first.basic_consume("q", consumer_tag="t", exclusive=True)
    with pytest.raises(AccessRefused, match="queue 'q' in vhost '/' in exclusive use"):
        second.basic_consume("q")
    first.basic_cancel("t")
    second.basic_consume("q")


def test_deleting_a_queue_cancels_its_consumers(connection: kombu.Connection) -> None:
    channel = connection.channel()
    for name in ("a", "b"):
        channel.queue_declare(name)
    cancelled: list[str] = []
    channel.basic_consume("a", consumer_tag="told", on_cancel=cancelled.append)
    channel.basic_consume("b", consumer_tag="not told")
    connection.channel().queue_delete("a")
    drain(connection, lambda: cancelled)
    assert cancelled == ["told"]
    connection.channel().queue_delete("b")
    with pytest.raises(ConsumerCancelled):
        drain(connection, lambda: False)


def test_an_auto_delete_queue_goes_with_its_last_consumer(connection: kombu.Connection) -> None:
    channel = connection.channel()
    channel.queue_declare("q", auto_delete=True)
    channel.basic_consume("q", consumer_tag="a")
    channel.basic_consume("q", consumer_tag="b")
    channel.basic_cancel("a")
    assert channel.queue_declare("q", passive=True).consumer_count == 1
    channel.basic_cancel("b")
    with pytest.raises(NotFound):
        channel.queue_declare("q", passive=True)


def test_an_unused_queue_with_expiry_is_deleted(connection: kombu.Connection) -> None:
    channel = connection.channel()
    channel.queue_declare("q", auto_delete=False, arguments={"x-expires": 200})

    def is_gone() -> bool:
        with contextlib.suppress(TimeoutError):
            connection.drain_events(timeout=0.1)
        with connection.channel() as other:
            rows = other.connection.store.read("SELECT name FROM queue")
        return not rows

    wait_until(is_gone, 10)


def test_a_message_claimed_for_a_consumer_that_stopped_goes_back_uncounted(
    connection: kombu.Connection,
) -> None:
    channel = connection.channel()
    channel.queue_declare("q", durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"})
    for number in range(3):
        channel.basic_publish(channel.prepare_message(b"%d" % number), routing_key="q")
    seen: list[Any] = []

    def stop_at_once(message: Any) -> None:
        seen.append(message)
        channel.basic_cancel("t")

    channel.basic_consume("q", consumer_tag="t", callback=stop_at_once)
    drain(connection, lambda: seen)
    assert [message.body for message in seen] == [b"0"]
    again = [channel.basic_get("q") for _ in range(2)]
    assert [message.body for message in again] == [b"1", b"2"]
    assert not any(message.delivery_info["redelivered"] for message in again)


def test_deliveries_are_batched_and_the_window_is_kept(connection: kombu.Connection) -> None:
    channel = connection.channel()
    channel.queue_declare("q")
    channel.basic_qos(0, 5, False)
    for number in range(12):
        channel.basic_publish(channel.prepare_message(b"%d" % number), routing_key="q")
    got: list[Any] = []
    channel.basic_consume("q", callback=got.append)
    connection.drain_events(timeout=5)
    assert len(got) == 5
    with pytest.raises(TimeoutError):
        connection.drain_events(timeout=0.3)
    channel.basic_ack(got[-1].delivery_tag, multiple=True)
    drain(connection, lambda: len(got) == 10)


def test_a_late_acknowledgement_for_a_deleted_queue_harms_nobody(connection: kombu.Connection) -> None:
    channel = connection.channel()
    for name in ("old", "new"):
        channel.queue_declare(name, auto_delete=False)
    channel.basic_publish(channel.prepare_message(b"old"), routing_key="old")
    held = channel.basic_get("old")
    connection.channel().queue_delete("old")
    channel.basic_publish(channel.prepare_message(b"new"), routing_key="new")  # takes the same row again
    channel.basic_ack(held.delivery_tag)
    assert channel.basic_get("new").body == b"new"


def test_an_acknowledgement_is_written_at_once_when_nobody_drains(connection: kombu.Connection) -> None:
    channel = connection.channel()
    channel.queue_declare("q", auto_delete=False)
    channel.basic_publish(channel.prepare_message("x"), routing_key="q")
    channel.basic_ack(channel.basic_get("q").delivery_tag)
    assert channel.connection.store.read("SELECT count(*) FROM entry") == [(0,)]
    assert channel.connection.store.read("SELECT count(*) FROM message") == [(0,)]
