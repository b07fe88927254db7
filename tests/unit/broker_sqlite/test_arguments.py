import re
from typing import Any

import pytest
from amqp.exceptions import InvalidCommand, PreconditionFailed

from ebats.runner.broker.sqlite import arguments, errors

QUORUM = {"x-queue-type": "quorum"}


@pytest.mark.parametrize(
    ("given", "text"),
    [  # the words of RabbitMQ 3.10.8
        (
            {"x-message-ttl": -1},
            "arg 'x-message-ttl' for queue 'q' in vhost '/': {value_negative,-1}",
        ),
        ({"x-message-ttl": "5"}, '"expected integer, got longstr"'),
        ({"x-message-ttl": True}, '"expected integer, got bool"'),
        ({"x-expires": 0}, "{value_zero,0}"),
        (
            {"x-dead-letter-exchange": 5},
            "type 'signedint' for arg 'x-dead-letter-exchange' in queue 'q'",
        ),
        ({"x-dead-letter-routing-key": "a"}, "routing_key_but_no_dlx_defined"),
        ({"x-queue-type": "zzz"}, "\"unsupported queue type 'zzz'\""),
        ({**QUORUM, "x-overflow": "zzz"}, "invalid_overflow"),
        ({"x-delivery-limit": 2}, "in vhost '/' of queue type rabbit_classic_queue"),
        (
            {"x-max-length": 5, "x-overflow": "reject-publish"},
            "'x-max-length' for queue 'q' in vhost '/': the embedded broker",
        ),
        ({"x-foo": 1}, "the embedded broker doesn't know it"),
    ],
)
def test_a_queue_argument_that_means_nothing_is_refused(given: dict[str, Any], text: str) -> None:
    with pytest.raises(PreconditionFailed, match=re.escape(text)):
        arguments.check_queue("q", given)


def test_what_the_runner_declares_is_accepted() -> None:
    arguments.check_queue(
        "q",
        {
            **QUORUM,
            "x-message-ttl": 0,
            "x-delivery-limit": -1,
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": "k",
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",
        },
    )
    arguments.check_queue("q", {"x-expires": 1, "x-queue-type": "classic"})


@pytest.mark.parametrize(
    ("current", "wanted", "text"),
    [
        ({"x-message-ttl": 1}, {"x-message-ttl": 2}, "received '2' but current is '1'"),
        ({"x-message-ttl": 1}, {}, "received none but current is the value '1' of type 'signedint'"),
        (
            {},
            {"x-message-ttl": 3_000_000_000},
            "the value '3000000000' of type 'long' but current is none",
        ),
        (
            {},
            {"x-overflow": "drop-head"},
            "the value 'drop-head' of type 'longstr' but current is none",
        ),
        (
            {},
            QUORUM,
            "arg 'x-queue-type' for queue 'q' in vhost '/': received the value 'quorum'",
        ),
    ],
)
def test_a_difference_names_both_sides(current: dict[str, Any], wanted: dict[str, Any], text: str) -> None:
    with pytest.raises(PreconditionFailed, match=re.escape(text)):
        arguments.compare("queue", "q", current, wanted, errors.QUEUE_DECLARE, arguments.QUEUE_ARGUMENTS)


def test_no_queue_type_is_the_classic_one() -> None:
    names = arguments.QUEUE_ARGUMENTS
    arguments.compare("queue", "q", {}, {"x-queue-type": "classic"}, errors.QUEUE_DECLARE, names)


def test_an_exchange_of_another_type_or_with_an_unknown_argument_is_refused() -> None:
    with pytest.raises(InvalidCommand, match="unknown exchange type 'headers'"):
        arguments.check_exchange("e", "headers", {})
    with pytest.raises(PreconditionFailed, match="'x-foo' for exchange 'e'"):
        arguments.check_exchange("e", "topic", {"x-foo": 1})
