"""Whose an exchange or a queue is, what it is called on the broker, and what a file may do with it."""

import re
from collections.abc import Iterable, Mapping
from typing import Literal

from ebats.pipelines import rules
from ebats.pipelines.model import Event, Exchange, Pipeline, Queue
from ebats.pipelines.producer import HttpProducer
from ebats.pipelines.rules import Rule
from ebats.pipelines.topology import intake_names
from ebats.pipelines.values import Values

#: Exchanges that every RabbitMQ has, and their types (AMQP 0-9-1, section 3.1.3).
PREDECLARED: Mapping[str, str] = {"amq.direct": "direct", "amq.fanout": "fanout", "amq.topic": "topic"}
#: What ebats itself uses behind `NAME.`; the schema refuses the same for the names of the file.
_OURS = re.compile(r"(?:dead|suspects|topology|unrouted|events|tasks)(?:~\d+)?$|(?:lock|delay|lease|ticks)")
#: In bytes (AMQP 0-9-1, section 4.2.5.3).
_LONGEST_NAME = 255

Section = Literal["exchanges", "queues"]


def check(pipeline: Pipeline, values: Values) -> None:
    """Note in `values.problems` what is wrong with the names, and with what is somebody else's."""
    _check_names(pipeline, "exchanges", pipeline.exchanges.values(), values)
    _check_names(pipeline, "queues", pipeline.queues.values(), values)
    for exchange in pipeline.exchanges.values():
        _check_exchange(exchange, values)
    intakes = intake_names(pipeline)
    for name in values.keys("queues"):
        queue = pipeline.queues[name]
        if queue.external or name in intakes:
            _check_settings(queue, values)
        if queue.external and name not in intakes:
            _check_unused(pipeline, queue, values)
    _check_tasks(pipeline, values)
    _check_intakes(pipeline, values)


def _check_names(
    pipeline: Pipeline, section: Section, items: Iterable[Exchange | Queue], values: Values
) -> None:
    """Check that no two definitions are one thing on the broker, nor one of them a thing of ebats' own."""
    first: dict[str, str] = {}
    kind = section.removesuffix("s")
    for item in items:
        broker_name = item.broker_name
        if broker_name in first:
            text = f"`{item.name}` is called `{broker_name}` on the broker, as is `{first[broker_name]}`"
            _error_at_name(
                rules.SAME_ON_BROKER,
                section,
                item.name,
                text,
                "keep one of them, or give it another name",
                values,
            )
        first.setdefault(broker_name, item.name)
        if (size := len(broker_name.encode())) > _LONGEST_NAME:
            text = f"a name on the broker has {_LONGEST_NAME} bytes at most, and this one {size}"
            _error_at_name(rules.LONG_NAME, section, item.name, text, "shorten it", values)
        rest = broker_name.removeprefix(f"{pipeline.name}.")
        if rest != broker_name and _OURS.match(rest) and _is_chosen(section, item, values):
            text = f"`{broker_name}` is what ebats itself uses in this pipeline"
            _error_at_name(rules.RESERVED_NAME, section, item.name, text, "choose another name", values)
        if broker_name.startswith("amq.") and not (section == "exchanges" and item.external):
            text = f"`{broker_name}` belongs to the broker: names that begin with `amq.` can't be declared"
            hint = "choose another name"
            if broker_name in PREDECLARED and kind == "exchange":
                hint = "add `external: true`, or choose another name"
            _error_at_name(rules.RESERVED_NAME, section, item.name, text, hint, values)


def _is_chosen(section: Section, item: Exchange | Queue, values: Values) -> bool:
    """Return whether a name on the broker was written in the file, not derived from one that was refused."""
    return "name" in values.keys(section, item.name)


def _error_at_name(rule: Rule, section: Section, name: str, text: str, hint: str, values: Values) -> None:
    if "name" in values.keys(section, name):
        values.problem(rule, (section, name, "name"), text, hint)
    elif name in values.keys(section):
        values.problem_at_key(rule, (section, name), text, hint)
    else:  # a task's own queue
        values.problem_at_key(rule, ("tasks", name), text, hint)


def _check_exchange(exchange: Exchange, values: Values) -> None:
    if not exchange.external or not exchange.broker_name.startswith("amq."):
        return
    if not _is_chosen("exchanges", exchange, values):
        return  # the schema refuses it as a name of the file
    is_type = PREDECLARED.get(exchange.broker_name)
    path = ("exchanges", exchange.name)
    if is_type is None:
        text = f"`{exchange.broker_name}` routes by headers, which no event does"
        _error_at_name(
            rules.OTHER_TYPE,
            "exchanges",
            exchange.name,
            text,
            "take amq.topic, amq.direct or amq.fanout",
            values,
        )
    elif is_type != exchange.type:
        text = f"`{exchange.broker_name}` is a {is_type} exchange on every broker"
        at = (*path, "type") if "type" in values.keys(*path) else (*path, "name")
        values.problem(rules.OTHER_TYPE, at, text, f"write `type: {is_type}`")


def _check_settings(queue: Queue, values: Values) -> None:
    """Check that nothing is set that has no meaning: nothing runs from an intake, and theirs stays theirs."""
    path = ("queues", queue.name)
    for key in ("ack", "crashes", *(("type",) if queue.external else ())):
        if key in values.keys(*path):
            text = f"`{key}` means nothing at `{queue.name}`: {_why_not(key)}"
            values.problem_at_key(rules.KEY_WITHOUT_MEANING, (*path, key), text, "take it out")


def _why_not(key: str) -> str:
    if key == "type":
        return "it is somebody else's, and never declared here"
    return "its messages are moved to the queues of their tasks, and no task runs from it"


def _check_unused(pipeline: Pipeline, queue: Queue, values: Values) -> None:
    is_tasks = any(queue in task.queues for task in pipeline.tasks.values())
    if is_tasks or values.is_broken("events") or values.has_error("queues", queue.name):
        return
    if any(_is_unreadable(values, event) for event in values.keys("events")):
        return
    is_taken = any(queue in consumer.queues for consumer in pipeline.consumers.values())
    if not is_taken and any(isinstance(each, HttpProducer) for each in pipeline.producers.values()):
        return  # a gateway may publish to it
    text = f"no event comes from the external queue `{queue.name}`"
    values.problem_at_key(
        rules.UNUSED_EXTERNAL,
        ("queues", queue.name),
        text,
        f"name it in one, `queue: {queue.name}`, or take it out",
    )


def _is_unreadable(values: Values, event: str) -> bool:
    return values.is_broken("events", event, "queue") or values.has_error("events", event, "queue")


def _check_tasks(pipeline: Pipeline, values: Values) -> None:
    intakes = intake_names(pipeline)
    for task in pipeline.tasks.values():
        for queue in task.queues:
            if queue.external:
                text = f"`{task.name}` can't run from `{queue.name}`, which is somebody else's"
                hint = f"give it a queue of its own, and read that one by an event with `queue: {queue.name}`"
                _error_at_queue(task.name, queue, text, hint, values)
            elif queue.name in intakes:
                events = [event.name for event in pipeline.events.values() if event.queue == queue]
                text = f"`{task.name}` can't run from `{queue.name}`: everything in it is the event"
                hint = "give the task another queue"
                _error_at_queue(task.name, queue, f"{text} `{events[0]}`", hint, values)


def _error_at_queue(task: str, queue: Queue, text: str, hint: str, values: Values) -> None:
    """Note an error at the place where a task names a queue; at the task where the queue is its own."""
    path = ("tasks", task)
    if values.get(*path, "queue") == queue.name:
        values.problem(rules.NOT_ALLOWED_QUEUE, (*path, "queue"), text, hint)
        return
    for index, name in values.items(*path, "queues"):
        if name == queue.name:
            values.problem(rules.NOT_ALLOWED_QUEUE, (*path, "queues", index), text, hint)
            return
    values.problem_at_key(rules.NOT_ALLOWED_QUEUE, path, text, hint)


def _check_intakes(pipeline: Pipeline, values: Values) -> None:
    first: dict[str, Event] = {}
    for event in pipeline.events.values():
        if event.queue is None:
            continue
        other = first.setdefault(event.queue.name, event)
        if other is not event:
            text = f"`{event.queue.name}` is the intake of `{other.name}` already"
            hint = f"add the tasks to `{other.name}`: a message in a queue is one event"
            values.problem(rules.SECOND_INTAKE, ("events", event.name, "queue"), text, hint)
