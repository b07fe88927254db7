"""Making the broker match the file: declare and bind what is new, unbind what only the old file had."""

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, TypeVar

from amqp.exceptions import AMQPError, IrrecoverableChannelError, NotFound, ResourceLocked
from kombu.connection import Connection

from ebats.pipelines import changes
from ebats.pipelines.former import Former
from ebats.pipelines.model import Pipeline
from ebats.pipelines.problems import Problem
from ebats.pipelines.stored_topology import to_json
from ebats.pipelines.topology import (
    Binding,
    DeclaredExchange,
    Topology,
    derive,
)
from ebats.runner.broker import present
from ebats.runner.broker.change import move_all, waiting_before
from ebats.runner.broker.connect import Say
from ebats.runner.broker.lock import alone, one_channel
from ebats.runner.broker.mismatch import (
    Declared,
    Difference,
    TopologyProblems,
    describe,
    describe_refusal,
    difference,
)
from ebats.runner.broker.stored import Stored

#: The broker refuses one thing and closes the channel.
_REFUSALS = (IrrecoverableChannelError, ResourceLocked)
_QUORUM = {"x-queue-type": "quorum"}

#: A guard against a broker that names the same one for ever.
_MOST_DIFFERENCES = 20

Item = Declared | Binding
ItemT = TypeVar("ItemT", Declared, Binding)


def apply(pipeline: Pipeline, say: Say, stop: Callable[[], bool] = lambda: False) -> Former | None:
    """Make the broker match the file, and return what is left of the files before. Idempotent.

    What waits in queues is moved to where the file wants it now. None: `stop` became true before that was
    begun. Waits for the broker, and for another runner that is at it.

    Raises:
        TopologyMismatch: with all that exists with other arguments, or may not be declared.
        MoveFailed: a message that has to move can't; it stays where it is.
    """

    return alone(pipeline, say, stop, lambda connection: _change(connection, pipeline, say))


def ensure(pipeline: Pipeline, say: Say, stop: Callable[[], bool] = lambda: False) -> bool | None:
    """Declare a pipeline that never was; return whether what the broker has differs from the file.

    What differs is left alone: who runs the file applies it. None: `stop` became true.

    Raises:
        TopologyMismatch: see `apply`.
    """
    new = derive(pipeline)

    def work(connection: Connection) -> bool:
        if _exists(connection, pipeline.on_broker("topology")):
            with one_channel(connection) as channel:
                stored = Stored(connection, channel, pipeline)
                if topologies := stored.topologies():
                    stored.give_back()
                    return any(topology != new for topology in topologies)
        _change(connection, pipeline, say)
        return False

    return alone(pipeline, say, stop, work)


def clashes(connection: Connection, pipeline: Pipeline, items: Iterable[Declared]) -> list[Problem]:
    """Return what is wrong with things that exist: each other than the file wants it, or not allowed.

    Nothing changes: what exists is declared once more, with the arguments of the file.
    """
    return _one_by_one(connection, pipeline, items, _declare_one)


def _exists(connection: Connection, queue: str) -> bool:
    with one_channel(connection) as channel, suppress(NotFound):
        channel.queue_declare(queue, passive=True)
        return True
    return False


def _change(connection: Connection, pipeline: Pipeline, say: Say) -> Former:
    _declare(connection, pipeline, derive(pipeline))
    with one_channel(connection) as channel:
        stored = Stored(connection, channel, pipeline)
        known = stored.topologies()
        change = changes.change(pipeline, known, time.time())
        if known != [change.new]:
            _have_names_kept(connection, pipeline)
        # Before anything is bound: were it after, a crash in between would leave bindings that nobody
        # knows of. The old ones are forgotten last, so until all is done both are known.
        stored.add(to_json(change.new))
        _bind(connection, pipeline, (*change.new.bindings, *change.new.redirects))
        before = waiting_before(connection, change)
        _unbind(connection, change.unbound)
        move_all(connection, pipeline, change, before, say)
        stored.forget()
    return change.new.former


# All is sent without waiting for answers, which costs one round trip instead of one for each. An error
# closes the channel and shows at the call that waits; only then it is worth asking for one after another.


def _declare(connection: Connection, pipeline: Pipeline, topology: Topology) -> None:
    items: tuple[Declared, ...] = (*topology.exchanges, *topology.queues)
    ours = [item for item in items if not item.external]
    refused: list[Problem] = []
    try:
        with one_channel(connection) as channel:
            for item in ours:
                _declare_one(channel, item, nowait=True)
            channel.queue_declare(pipeline.on_broker("topology"), passive=True)
    except _REFUSALS:
        refused = _one_by_one(connection, pipeline, ours, _declare_one)
    theirs = [item for item in items if item.external]
    refused += present.problems(connection, pipeline, theirs, to_bind=True)
    if refused:
        raise TopologyProblems(tuple(refused))


def _have_names_kept(connection: Connection, pipeline: Pipeline) -> None:
    """Have RabbitMQ write down which quorum queues it has, before anything is published to the new ones.

    It does so when one more is made, or up to a second later. Killed before that, it starts the last one
    anew: empty, whatever it had confirmed, and without a leader for ever, so that who consumes from it waits
    (https://github.com/rabbitmq/rabbitmq-server/issues/15725; tried on 3.10.8 and 4.0.5).
    """
    # Of no use to a user who may not make it, and no reason not to start.
    with suppress(*_REFUSALS), one_channel(connection) as channel:
        name = pipeline.on_broker("lock.names")
        channel.queue_declare(name, durable=True, auto_delete=False, arguments=_QUORUM)
        channel.queue_delete(name)


def _declare_one(channel: Any, item: Declared, *, nowait: bool = False) -> None:
    options = {"durable": True, "auto_delete": False, "nowait": nowait, "arguments": dict(item.arguments)}
    if isinstance(item, DeclaredExchange):
        channel.exchange_declare(item.name, item.type, **options)
    else:
        channel.queue_declare(item.name, **options)


def _bind(connection: Connection, pipeline: Pipeline, bindings: Sequence[Binding]) -> None:
    try:
        with one_channel(connection) as channel:
            for binding in bindings:
                _bind_one(channel, binding, nowait=True)
            channel.queue_declare(pipeline.on_broker("topology"), passive=True)
    except _REFUSALS:
        if refused := _one_by_one(connection, pipeline, bindings, _bind_one):
            raise TopologyProblems(tuple(refused)) from None


def _bind_one(channel: Any, binding: Binding, *, nowait: bool = False) -> None:
    channel.queue_bind(binding.queue, binding.exchange, binding.key, nowait=nowait)


def _one_by_one(
    connection: Connection,
    pipeline: Pipeline,
    items: Iterable[ItemT],
    act: Callable[[Any, ItemT], None],
) -> list[Problem]:
    refused = []
    for item in items:
        try:
            with one_channel(connection) as channel:
                act(channel, item)
        except _REFUSALS as error:
            refused.append(_why(connection, pipeline, item, error))
    return refused


def _why(connection: Connection, pipeline: Pipeline, item: Item, error: AMQPError) -> Problem:
    if not isinstance(item, Binding) and (differences := _differences(connection, item, error)):
        return describe(pipeline, item, differences)
    return describe_refusal(pipeline, item, error.reply_text)


def _differences(connection: Connection, item: Declared, error: AMQPError) -> list[Difference]:
    """Return all that differs: the broker names one argument, and is asked again with its value for it."""
    found: list[Difference] = []
    while (new := difference(item, error.reply_text)) and len(found) < _MOST_DIFFERENCES:
        found.append(new)
        if not new.is_known:
            break
        theirs = {**dict(item.arguments), **{each.argument: each.theirs for each in found}}
        arguments = tuple((name, value) for name, value in theirs.items() if value is not None)
        try:
            with one_channel(connection) as channel:
                _declare_one(channel, replace(item, arguments=arguments))
        except _REFUSALS as another:
            error = another
        else:
            break
    return found


def _unbind(connection: Connection, bindings: Iterable[Binding]) -> None:
    for binding in bindings:
        # Its queue or its exchange may be gone, and the binding with it.
        with one_channel(connection) as channel, suppress(NotFound):
            channel.queue_unbind(binding.queue, binding.exchange, binding.key)
