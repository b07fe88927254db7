"""Conformance: declaring, checking, locking and deleting."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.actor import actor
from tests.integration.wire import DURABLE, QUORUM, Wire, body, rung_arguments, work_arguments
from tests.waiting import wait_until

#: What the runner reads out of a 406, to say it with the line of the file.
INEQUIVALENT = re.compile(
    r"PRECONDITION_FAILED - inequivalent arg '(?P<argument>[^']+)'"
    r" for (?P<kind>queue|exchange) '(?P<name>[^']+)'.*:"
    r" received (the value )?(?P<received>none|'[^']*').*"
    r" but current is (the value )?(?P<current>none|'[^']*')"
)
WORK = work_arguments("dead")


def test_declaring_again_changes_nothing(wire: Wire) -> None:
    wire.exchange("dead", "fanout")
    for _ in range(2):
        wire.queue("work", WORK)
        wire.exchange("tasks", "direct", alternate_exchange="dead")
    wire.send("work", "x")
    wire.queue("work", WORK)
    assert wire.ready("work") == 1


def test_declaring_tells_name_messages_and_consumers(connect: Callable[[], Wire]) -> None:
    wire, other = connect(), connect()
    wire.queue("work")
    wire.send("work", "a", "b", "c")
    wire.wait_ready("work", 3)
    other.consume("work", prefetch=1)
    other.receive(1)
    wire.wait_ready("work", 2)
    found = wire.channel.queue_declare("work", passive=True)
    assert (found.queue, found.message_count, found.consumer_count) == ("work", 2, 1)


@pytest.mark.parametrize(
    ("there", "wanted", "argument", "received", "current"),
    [
        (
            {**WORK, "x-delivery-limit": 20},
            {**WORK, "x-delivery-limit": 30},
            "x-delivery-limit",
            "'30'",
            "'20'",
        ),
        (
            rung_arguments("dead", 1000),
            rung_arguments("dead", 2000),
            "x-message-ttl",
            "'2000'",
            "'1000'",
        ),
        (QUORUM, {**QUORUM, "x-message-ttl": 5}, "x-message-ttl", "'5'", "none"),
        ({**QUORUM, "x-message-ttl": 5}, QUORUM, "x-message-ttl", "none", "'5'"),
        (WORK, work_arguments("other"), "x-dead-letter-exchange", "'other'", "'dead'"),
        ({}, QUORUM, "x-queue-type", "'quorum'", "'classic'"),
        (QUORUM, {}, "x-queue-type", "'classic'", "'quorum'"),
    ],
)
def test_a_queue_with_other_arguments_is_refused_with_both_values(
    wire: Wire, there: dict[str, Any], wanted: dict[str, Any], argument: str, received: str, current: str
) -> None:
    wire.queue("work", there)
    text = refused(wire, 406, lambda channel: channel.queue_declare("work", **DURABLE, arguments=wanted))
    found = INEQUIVALENT.search(text)
    assert found, text
    assert found.group("kind", "name", "argument") == ("queue", "work", argument)
    # 3.10 calls the type of a classic queue none when it was declared without one.
    assert (found["received"], found["current"]) in [
        (received, current),
        (received.replace("'classic'", "none"), current.replace("'classic'", "none")),
    ]


def test_a_queue_that_is_durable_is_refused_as_another(wire: Wire) -> None:
    wire.queue("work", {})
    text = refused(wire, 406, lambda channel: channel.queue_declare("work", durable=False, auto_delete=False))
    assert "inequivalent arg 'durable'" in text


@pytest.mark.parametrize(
    ("kind", "arguments", "argument"),
    [("direct", None, "type"), ("topic", {"alternate-exchange": "dead"}, "alternate-exchange")],
)
def test_an_exchange_of_another_shape_is_refused(
    wire: Wire, kind: str, arguments: dict[str, str] | None, argument: str
) -> None:
    wire.exchange("events", "topic")
    text = refused(
        wire, 406, lambda channel: channel.exchange_declare("events", kind, **DURABLE, arguments=arguments)
    )
    found = INEQUIVALENT.search(text)
    assert found, text
    assert found.group("kind", "name", "argument") == ("exchange", "events", argument)


@pytest.mark.parametrize(
    "act",
    [
        lambda channel: channel.queue_declare("none", passive=True),
        lambda channel: channel.queue_bind("none", "there", "a"),
        lambda channel: channel.basic_consume("none", callback=print),
        lambda channel: channel.queue_purge("none"),
        lambda channel: channel.basic_get("none"),
    ],
    ids=["passive declare", "bind", "consume", "purge", "get"],
)
def test_an_unknown_queue_is_404(wire: Wire, act: Callable[[Any], Any]) -> None:
    wire.exchange("there", "fanout")
    assert "no queue 'none'" in refused(wire, 404, act)


def test_an_unknown_exchange_is_404(wire: Wire) -> None:
    wire.queue("work")
    for act in (
        lambda channel: channel.exchange_declare("none", "topic", passive=True),
        lambda channel: channel.queue_bind("work", "none", "a"),
    ):
        assert "no exchange 'none'" in refused(wire, 404, act)


def test_deleting_what_is_not_there_is_no_error(wire: Wire) -> None:
    wire.channel.queue_delete("none")
    wire.channel.exchange_delete("none")


def test_a_passive_declaration_of_what_is_there_ignores_its_arguments(wire: Wire) -> None:
    wire.queue("work", WORK)
    wire.exchange("events", "topic")
    assert wire.channel.queue_declare("work", passive=True).queue == "work"
    wire.channel.exchange_declare("events", "topic", passive=True)


def test_a_deleted_queue_takes_its_messages_and_bindings_along(wire: Wire) -> None:
    wire.exchange("events", "topic")
    wire.queue("work")
    wire.channel.queue_bind("work", "events", "a")
    wire.send("work", "x")
    wire.wait_ready("work", 1)
    wire.channel.queue_delete("work")
    wire.queue("work")
    wire.publish(b"y", "events", "a")
    wire.send("work", "z")
    assert body(wire.get("work")) == b"z"


def test_a_deleted_exchange_takes_its_bindings_along(wire: Wire) -> None:
    wire.queue("work")
    wire.exchange("events", "topic")
    wire.channel.queue_bind("work", "events", "a")
    wire.channel.exchange_delete("events")
    wire.exchange("events", "topic")
    wire.publish(b"y", "events", "a")
    wire.send("work", "z")
    assert body(wire.get("work")) == b"z"


def test_purging_takes_what_is_ready_and_tells_how_many(wire: Wire) -> None:
    wire.queue("work")
    wire.send("work", "a", "b", "c")
    wire.wait_ready("work", 3)
    held = wire.get("work")
    assert wire.channel.queue_purge("work") == 2
    wire.channel.basic_reject(held.delivery_info["delivery_tag"], requeue=True)
    wire.wait_ready("work", 1)


def test_an_exclusive_queue_is_405_for_everybody_else(connect: Callable[[], Wire]) -> None:
    wire, other = connect(), connect()
    lock(wire)
    lock(wire)
    for act in (
        lambda channel: channel.queue_declare("lock", exclusive=True, durable=False, auto_delete=False),
        lambda channel: channel.queue_declare("lock", passive=True),
    ):
        text = refused(other, 405, act)
        assert "RESOURCE_LOCKED - cannot obtain exclusive access to locked queue 'lock'" in text


def test_an_exclusive_queue_is_free_when_its_connection_closes(connect: Callable[[], Wire]) -> None:
    wire, other = connect(), connect()
    lock(wire)
    wire.close()
    wait_until(lambda: can_lock(other), 5, "the lock outlived its connection")


def test_an_exclusive_queue_is_free_when_its_process_is_killed(
    connect: Callable[[], Wire], broker: Any
) -> None:
    wire = connect()
    with actor(broker.url, "lock", "lock") as holder:
        holder.wait_for_lines(1)
        assert not can_lock(wire)
        holder.kill()
        wait_until(lambda: can_lock(wire), 10, "the lock outlived its process")


def test_other_channels_live_on_after_a_channel_error(wire: Wire) -> None:
    wire.queue("work")
    wire.consume("work")
    refused(wire, 404, lambda channel: channel.queue_declare("none", passive=True))
    wire.send("work", "x")
    assert len(wire.receive(1)) == 1


def lock(wire: Wire) -> None:
    wire.channel.queue_declare("lock", exclusive=True, durable=False, auto_delete=False)


def can_lock(wire: Wire) -> bool:
    try:
        wire.new_channel().queue_declare("lock", exclusive=True, durable=False, auto_delete=False)
    except wire.connection.channel_errors:
        return False
    return True


def refused(wire: Wire, code: int, act: Callable[[Any], Any]) -> str:
    """Do what the broker refuses, on a channel of its own, and return the text."""
    with pytest.raises(wire.connection.channel_errors) as caught:
        act(wire.new_channel())
    assert caught.value.reply_code == code
    return str(caught.value.reply_text)
