"""What may be declared: arguments of queues and exchanges, checked and compared in RabbitMQ's words; pure."""

from collections.abc import Mapping
from typing import Any

from ebats.runner.broker.sqlite import errors
from ebats.runner.broker.sqlite.errors import EXCHANGE_DECLARE, QUEUE_DECLARE, VHOST, Method
from ebats.runner.broker.sqlite.message import LONGEST_MS

Table = Mapping[str, Any]

QUORUM_ONLY = ("x-delivery-limit", "x-dead-letter-strategy")
#: In the order in which RabbitMQ compares them.
QUEUE_ARGUMENTS = (
    "x-expires",
    "x-message-ttl",
    "x-dead-letter-exchange",
    "x-dead-letter-routing-key",
    "x-max-length",
    "x-max-length-bytes",
    "x-overflow",
    "x-queue-type",
    "x-delivery-limit",
    "x-dead-letter-strategy",
)
EXCHANGE_ARGUMENTS = ("alternate-exchange",)
EXCHANGE_TYPES = ("direct", "fanout", "topic")
CHOICES = {
    "x-overflow": ({"drop-head", "reject-publish"}, "invalid_overflow"),
    "x-dead-letter-strategy": ({"at-most-once", "at-least-once"}, "invalid_dlx_strategy"),
}
LENGTHS = ("x-max-length", "x-max-length-bytes")
NUMBERS = ("x-expires", "x-message-ttl", "x-delivery-limit", *LENGTHS)


def check_queue(name: str, arguments: Table) -> None:
    """Raise PreconditionFailed for arguments that RabbitMQ refuses, or that mean nothing here."""
    for key, value in arguments.items():
        if key not in QUEUE_ARGUMENTS:
            raise _invalid(key, name, "the embedded broker doesn't know it")
        _check_value(name, key, value)
    if "x-dead-letter-routing-key" in arguments and "x-dead-letter-exchange" not in arguments:
        raise _invalid("x-dead-letter-routing-key", name, "routing_key_but_no_dlx_defined")
    for key in LENGTHS:
        if key in arguments and {"x-dead-letter-exchange", "x-overflow"} & {*arguments}:
            raise _invalid(key, name, "the embedded broker only drops what is too much")
    if arguments.get("x-queue-type") == "quorum":
        return
    for key in QUORUM_ONLY:
        if key in arguments:
            text = f"invalid arg '{key}' for queue '{name}' in vhost '{VHOST}'"
            raise errors.precondition(f"{text} of queue type rabbit_classic_queue", QUEUE_DECLARE)


def _check_value(name: str, key: str, value: Any) -> None:
    if key in NUMBERS:
        _check_number(name, key, value)
    elif not isinstance(value, str):
        kind = type_name(value)
        text = f"invalid type '{kind}' for arg '{key}' in queue '{name}' in vhost '{VHOST}'"
        raise errors.precondition(text, QUEUE_DECLARE)
    elif key == "x-queue-type" and value not in ("classic", "quorum"):
        raise _invalid(key, name, f"\"unsupported queue type '{value}'\"")
    elif key in CHOICES and value not in CHOICES[key][0]:
        raise _invalid(key, name, CHOICES[key][1])


def _check_number(name: str, key: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _invalid(key, name, f'"expected integer, got {type_name(value)}"')
    if key == "x-delivery-limit":
        return  # negative: no limit
    if value < 0:
        raise _invalid(key, name, f"{{value_negative,{value}}}")
    if value > LONGEST_MS:
        raise _invalid(key, name, f"{{value_too_big,{value}}}")
    if value == 0 and key == "x-expires":
        raise _invalid(key, name, "{value_zero,0}")


def _invalid(key: str, queue: str, why: str) -> Exception:
    return errors.precondition(
        f"invalid arg '{key}' for queue '{queue}' in vhost '{VHOST}': {why}", QUEUE_DECLARE
    )


def check_quorum(name: str, *, durable: bool, exclusive: bool, auto_delete: bool) -> None:
    """Raise PreconditionFailed for properties that a quorum queue can't have."""
    wrong = {"non-durable": not durable, "auto-delete": auto_delete, "exclusive-owner": exclusive}
    for prop, found in wrong.items():
        if found:
            text = f"invalid property '{prop}' for queue '{name}' in vhost '{VHOST}'"
            raise errors.precondition(text, QUEUE_DECLARE)


def check_exchange(name: str, kind: str, arguments: Table) -> None:
    """Raise the error of RabbitMQ for an exchange that can't be declared."""
    if kind not in EXCHANGE_TYPES:
        raise errors.unknown_type(kind, EXCHANGE_DECLARE)
    for key, value in arguments.items():
        text = f"invalid arg '{key}' for exchange '{name}' in vhost '{VHOST}'"
        if key not in EXCHANGE_ARGUMENTS:
            raise errors.precondition(f"{text}: the embedded broker doesn't know it", EXCHANGE_DECLARE)
        if not isinstance(value, str):
            raise errors.precondition(f"{text}: an exchange's name is expected", EXCHANGE_DECLARE)


def compare(
    what: str, name: str, current: Table, wanted: Table, method: Method, names: tuple[str, ...]
) -> None:
    """Raise PreconditionFailed for the first argument that differs from how it was declared."""
    for key in names:
        old, new = current.get(key), wanted.get(key)
        if key == "x-queue-type":  # no type is classic
            if (old or "classic") == (new or "classic"):
                continue
        elif old == new:
            continue
        raise errors.precondition(f"{_inequivalent(key, what, name)}: {_both(old, new)}", method)


def compare_property(what: str, name: str, key: str, old: str, new: str, method: Method) -> None:
    """Raise PreconditionFailed if a property (durable, type, ...) differs from how it was declared."""
    if old != new:
        text = f"{_inequivalent(key, what, name)}: received '{new}' but current is '{old}'"
        raise errors.precondition(text, method)


def _inequivalent(key: str, what: str, name: str) -> str:
    return f"inequivalent arg '{key}' for {what} '{name}' in vhost '{VHOST}'"


def _both(old: Any, new: Any) -> str:
    if old is not None and new is not None:
        return f"received '{new}' but current is '{old}'"
    return f"received {_one(new)} but current is {_one(old)}"


def _one(value: Any) -> str:
    return "none" if value is None else f"the value '{value}' of type '{type_name(value)}'"


def type_name(value: Any) -> str:
    """Name the AMQP type that py-amqp gives a value."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "signedint" if -(2**31) <= value < 2**31 else "long"
    if isinstance(value, float):
        return "double"
    return "longstr" if isinstance(value, str | bytes) else "table" if isinstance(value, Mapping) else "array"


def flag(value: bool) -> str:
    """A boolean as Erlang writes it."""
    return "true" if value else "false"
