"""What foreign headers may hold that py-amqp, left alone, can't read."""

import struct
from contextlib import closing, suppress
from datetime import UTC, datetime
from typing import Any

import amqp

from ebats.pipelines.model import Broker as Settings
from ebats.runner.broker.consume import Intake
from ebats.runner.execution.delivery import Delivery
from tests.conftest import Broker
from tests.integration.wire import QUORUM, Wire
from tests.waiting import wait_until

SECONDS, MILLISECONDS = 946_684_800, 1_763_000_000_000


class InMilliseconds(amqp.Message):
    """A message whose time is written as others write it: in milliseconds."""

    def _serialize_properties(self) -> Any:
        written = super()._serialize_properties()
        return written.replace(struct.pack(">cQ", b"T", SECONDS), struct.pack(">cQ", b"T", MILLISECONDS))


def test_a_time_that_no_calendar_has_is_the_number_that_was_sent(rabbitmq: Broker) -> None:
    came: list[Delivery] = []
    with closing(Wire(rabbitmq.url)) as wire:
        wire.queue("work", QUORUM)
        headers = {"sent": datetime.fromtimestamp(SECONDS, UTC), "after": "it"}
        wire.channel.basic_publish(InMilliseconds(b"1", application_headers=headers), routing_key="work")
        intake = Intake(Settings(urls=(rabbitmq.url,)), {"work": 1}, came.append, lambda _level, _text: None)
        intake.start()
        with suppress(AssertionError):
            wait_until(lambda: bool(came), 15)
        assert intake.failure is None
        assert came[0].headers == {"sent": MILLISECONDS, "after": "it"}
        intake.stop_taking()
        assert intake.close(10)


def test_properties_that_are_not_utf8_are_texts_that_can_be_told_apart(rabbitmq: Broker) -> None:
    came: list[Delivery] = []
    with closing(Wire(rabbitmq.url)) as wire:
        wire.queue("work", QUORUM)
        for message_id in (b"\xff\xfe1", b"\xff\xfe2", b"\xff" * 255):
            odd = amqp.Message(b"1", message_id=message_id, reply_to=b"\xfe", correlation_id=b"\xfd")
            wire.channel.basic_publish(odd, routing_key="work")
        intake = Intake(Settings(urls=(rabbitmq.url,)), {"work": 3}, came.append, lambda _level, _text: None)
        intake.start()
        with suppress(AssertionError):
            wait_until(lambda: len(came) == 3, 15)
        assert intake.failure is None
        assert [one.properties["message_id"] for one in came] == ["ÿþ1", "ÿþ2", "ÿ" * 127]
        assert (came[0].properties["reply_to"], came[0].properties["correlation_id"]) == ("þ", "ý")
        intake.stop_taking()
        assert intake.close(10)


def test_a_routing_key_that_is_not_utf8_is_a_text(rabbitmq: Broker) -> None:
    came: list[Delivery] = []
    with closing(Wire(rabbitmq.url)) as wire:
        for queue in ("work", "other"):
            wire.queue(queue, QUORUM)
            wire.channel.queue_bind(queue, "amq.topic", "#")
        wire.channel.basic_publish(amqp.Message(b"1"), exchange="amq.topic", routing_key=b"caf\xe9")
        wire.wait_ready("other", 1)
        message = wire.channel.basic_get("other")
        assert message.delivery_info["routing_key"] == "café"
        intake = Intake(Settings(urls=(rabbitmq.url,)), {"work": 1}, came.append, lambda _level, _text: None)
        intake.start()
        with suppress(AssertionError):
            wait_until(lambda: bool(came), 15)
        assert intake.failure is None
        assert (came[0].exchange, came[0].key, came[0].body) == ("amq.topic", "café", b"1")
        intake.stop_taking()
        assert intake.close(10)
