"""What the broker says when something can't be declared, in a sentence for people."""

import re

from ebats.pipelines.model import Pipeline
from ebats.pipelines.problems import EbatsError
from ebats.pipelines.topology import Binding, DeclaredExchange, DeclaredQueue

#: RabbitMQ cuts its text at 255 bytes, so the broker's value may be missing from it.
_ARGUMENT = re.compile(r"inequivalent arg '([^']+)'")
_CURRENT = re.compile(r"but current is (?:(none)|(?:the value )?'(.*?)')")

Item = DeclaredExchange | DeclaredQueue | Binding


class TopologyMismatch(EbatsError):
    """Raised when the broker has, or allows, something else than what the file needs."""

    exit_code = 78


def describe(pipeline: Pipeline, item: Item, code: int, text: str) -> str:
    """Return what is wrong with one item, and what to do: `shop.yaml:12:3: error: the queue shop.demo ...`.

    `code` and `text` are those of AMQP's channel.close.
    """
    place = None if isinstance(item, Binding) else item.place
    return f"{place or pipeline.file}: error: {_sentence(item, code, text)}"


def _sentence(item: Item, code: int, text: str) -> str:
    what = _name(item)
    if isinstance(item, Binding):
        verb = "may not be bound by this user" if code == 403 else "can't be bound"
        return f"{what} {verb}: {text}"
    if code == 403:
        hint = "let the user configure, write and read what begins with the pipeline's name"
        return f"{what} may not be declared by the broker's user: {text}; {hint}"
    argument = _ARGUMENT.search(text)
    if not argument:
        return f"{what} is refused by the broker: {text}"
    return f"{what} {_difference(item, argument[1], text)}; {_hint(item)}"


def _name(item: Item) -> str:
    if isinstance(item, Binding):
        return f"the queue {item.queue} to the exchange {item.exchange} with the key {item.key!r}"
    return f"the {'queue' if isinstance(item, DeclaredQueue) else 'exchange'} {item.name}"


def _difference(item: DeclaredExchange | DeclaredQueue, argument: str, text: str) -> str:
    current = _CURRENT.search(text)
    theirs = (current[1] or current[2]) if current else "another value"
    return f"has {argument} {theirs} on the broker, and {_wanted(item, argument)} by the file"


def _wanted(item: DeclaredExchange | DeclaredQueue, argument: str) -> str | int:
    if argument == "type" and isinstance(item, DeclaredExchange):
        return item.type
    properties: dict[str, str | int] = {"durable": "true", "auto_delete": "false", "exclusive": "false"}
    return {**properties, **dict(item.arguments)}.get(argument, "none")


def _hint(item: DeclaredExchange | DeclaredQueue) -> str:
    if isinstance(item, DeclaredExchange):
        other = "give it another name in the file, or " if item.place else ""
        return f"an exchange can't change: {other}delete it on the broker, and it is made anew"
    if item.kind == "work":
        return (
            "a queue can't change: give it another name in the file,"
            " or delete it on the broker once it is empty, and it is made anew"
        )
    return "a queue can't change: delete it on the broker once it is empty, and it is made anew"
