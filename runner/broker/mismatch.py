"""What the broker says when something can't be declared, in sentences for people."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from ebats.pipelines import rules
from ebats.pipelines.model import Pipeline
from ebats.pipelines.problems import BadFile, EbatsError, Place, Problem
from ebats.pipelines.rules import Rule
from ebats.pipelines.topology import Binding, DeclaredExchange, DeclaredQueue
from ebats.runner.broker.rights import Right, lacking, refused_name

_ARGUMENT = re.compile(r"inequivalent arg '([^']+)'")
#: RabbitMQ cuts its text at 255 bytes, so this may be missing from it.
_CURRENT = re.compile(
    r"but current is (?:none|(?:the value )?'(?P<value>[^']*)'(?: of type '(?P<type>\w+)')?)"
)
_TEXT_TYPES = ("longstr", "shortstr")
#: Not arguments, though the broker calls them so.
_PROPERTIES: Mapping[str, str] = {"durable": "true", "auto_delete": "false", "exclusive": "false"}

Declared = DeclaredExchange | DeclaredQueue
Value = str | int | None


class TopologyMismatch(EbatsError):
    """Raised when the broker has, or allows, something else than what the file needs."""

    exit_code = 78


class TopologyProblems(BadFile, TopologyMismatch):
    """Raised with all that is wrong on the broker, each with its place in the file."""


class Difference(NamedTuple):
    """One argument with which something exists, that the file wants otherwise."""

    argument: str
    #: None: without this argument.
    ours: Value
    theirs: Value
    #: The broker's value could be read, and may be declared.
    is_known: bool


def difference(item: Declared, text: str) -> Difference | None:
    """Return what a 406 tells: the first argument that differs. None: it tells something else."""
    found = _ARGUMENT.search(text)
    if not found:
        return None
    argument = found[1]
    ours = _ours(item, argument)
    current = _CURRENT.search(text)
    if current is None:
        return Difference(argument, ours, "something else", is_known=False)
    theirs = _value(current["value"], current["type"], ours)
    return Difference(argument, ours, theirs, is_known=argument not in _PROPERTIES and argument != "type")


def problem(pipeline: Pipeline, place: Place | None, rule: Rule, text: str, hint: str = "") -> Problem:
    """Return what is wrong on the broker: at its place in the file, or where that has none, at `broker`."""
    where = place or pipeline.broker.place or Place(file=pipeline.file, line=1, column=1)
    return Problem(place=where, rule=rule, text=text, hint=hint)


def describe(pipeline: Pipeline, item: Declared, differences: list[Difference]) -> Problem:
    """Return what is wrong with something that exists, and what to do."""
    listed = ", ".join(
        f"{argument} is {_shown(theirs)} on the broker and {_shown(ours)} for this file"
        for argument, ours, theirs, _ in differences
    )
    text = f"{_name(item)} differs: {listed}"
    return problem(pipeline, item.place, rules.DIFFERS, text, _hint(pipeline, item))


def describe_refusal(pipeline: Pipeline, item: Declared | Binding, text: str) -> Problem:
    """Return what is wrong where the broker refuses for another reason; `text` is its own."""
    place = None if isinstance(item, Binding) else item.place
    verb = "bound" if isinstance(item, Binding) else "declared"
    right = lacking(text, *_rights(item, text), pipeline=pipeline.name)
    rule = rules.LACKING_RIGHT if right else rules.BROKER_REFUSES
    return problem(pipeline, place, rule, f"{_name(item)} can't be {verb}: {right or text}")


def _rights(item: Declared | Binding, text: str) -> tuple[Right, ...]:
    """Return which rights are needed on what a refusal names.

    See https://www.rabbitmq.com/docs/access-control#authorisation.
    """
    name = refused_name(text)
    if isinstance(item, Binding):
        # One name may be a queue's and an exchange's.
        return ("write",) if name == item.queue and "queue '" in text else ("read",)
    if name != item.name:
        return ("write",)
    return ("configure", "read") if item.arguments else ("configure",)


def _value(text: str | None, type_: str | None, ours: Value) -> Value:
    is_number = type_ not in _TEXT_TYPES if type_ else isinstance(ours, int)
    if text is None or not is_number:
        return text
    try:
        return int(text)
    except ValueError:
        return text


def _ours(item: Declared, argument: str) -> Value:
    if argument == "type" and isinstance(item, DeclaredExchange):
        return item.type
    return {**_PROPERTIES, **dict(item.arguments)}.get(argument)


def _shown(value: Value) -> Value:
    return "none" if value is None else value


def _name(item: Declared | Binding) -> str:
    if isinstance(item, Binding):
        return f"the queue {item.queue} to the exchange {item.exchange} with the key {item.key!r}"
    return f"the {'queue' if isinstance(item, DeclaredQueue) else 'exchange'} {item.name}"


def _hint(pipeline: Pipeline, item: Declared) -> str:
    if isinstance(item, DeclaredQueue) and (line := next_generation(pipeline, item.name)):
        return (
            f"a queue can't change: write `generations: {{{line}}}` at the top of the file, and a new one"
            " takes its place, into which the messages of this one are moved"
        )
    is_queue = isinstance(item, DeclaredQueue)
    # What has a place is named in the file.
    is_named = item.kind in ("work", "intake") if isinstance(item, DeclaredQueue) else item.place is not None
    rename = "give it another name in the file, or " if is_named else ""
    when = " once it is empty" if is_queue else ""
    kind = "a queue" if is_queue else "an exchange"
    return f"{kind} can't change: {rename}delete it on the broker{when}, and it is made anew"


def next_generation(pipeline: Pipeline, queue: str) -> str | None:
    """Return the entry of `generations` that lets a new queue take the place of one (the broker's name).

    None: it goes by a name of somebody else's choice, or is one that keeps what is remembered.
    """
    short = queue.removeprefix(f"{pipeline.name}.").partition("~")[0]
    if queue != pipeline.queue_on_broker(short) or short == "topology" or short.startswith("ticks."):
        return None
    entries = {**pipeline.generations, short: pipeline.generations.get(short, 1) + 1}
    return ", ".join(f"{name}: {number}" for name, number in entries.items())
