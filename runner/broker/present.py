"""Whether all that isn't declared here is there and may be used: looked at, never changed."""

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from amqp import Message
from amqp.exceptions import AccessRefused, IrrecoverableChannelError, NotFound, ResourceLocked
from kombu.connection import Connection

from ebats.pipelines import rules
from ebats.pipelines.model import Pipeline
from ebats.pipelines.problems import Problem
from ebats.pipelines.rules import Rule
from ebats.pipelines.topology import DeclaredExchange, DeclaredQueue, Topology, derive
from ebats.runner.broker.connect import Say
from ebats.runner.broker.lock import CLASSIC, one_channel, patiently
from ebats.runner.broker.mismatch import Declared, TopologyProblems, problem
from ebats.runner.broker.rights import lacking, refused_name

_REFUSALS = (IrrecoverableChannelError, ResourceLocked)
#: Takes part in no binding, and no queue is called so: what a right is tried with.
_NOTHING = "ebats-no-such-key"
_ANSWER_S = 10.0
_STREAM = "it is a stream, whose messages stay in it whoever takes them; bind a queue to what fills it"


def check(pipeline: Pipeline, say: Say, stop: Callable[[], bool]) -> bool:
    """Look whether all that a file needs is there, and change nothing; False: `stop` became true before.

    Bindings can't be looked at: AMQP lists none.

    Raises:
        TopologyMismatch: with all that is missing, or may not be used.
        BrokerUnusable: the embedded broker's file is wrong.
    """
    topology = derive(pipeline)

    found = patiently(pipeline, say, stop, lambda connection: all_problems(connection, pipeline, topology))
    if found:
        raise TopologyProblems(tuple(found))
    return found is not None


def all_problems(connection: Connection, pipeline: Pipeline, topology: Topology) -> list[Problem]:
    """Return what a file that declares nothing lacks on the broker: things first, then rights."""
    items: tuple[Declared, ...] = (*topology.exchanges, *topology.queues)
    return (
        problems(connection, pipeline, items, to_bind=False)
        or lacking_rights(connection, pipeline, topology)
        or _lacking_for_clocks(connection, pipeline, topology)
    )


def problems(
    connection: Connection, pipeline: Pipeline, items: Iterable[Declared], *, to_bind: bool
) -> list[Problem]:
    """Return what is missing, or can't be used, of things that have to be there; each with its place.

    Of an exchange it can be told whether it is there and may be read, not its type: a passive declare
    doesn't compare types. A queue mustn't be a stream. `to_bind`: queues will be bound to the exchanges.
    """
    found: list[Problem] = []
    for item in items:
        try:
            look(connection, item)
        except NotFound:
            text = f"isn't on the broker{_what_to_do(pipeline, item)}"
            found.append(_problem(pipeline, item, rules.NOT_ON_BROKER, text))
        except _REFUSALS as error:
            text = f"can't be used: {error.reply_text}"
            found.append(_problem(pipeline, item, rules.BROKER_REFUSES, text))
        else:
            if why := _why_useless(connection, pipeline, item, to_bind=to_bind):
                rule = rules.UNUSABLE if why == _STREAM else rules.LACKING_RIGHT
                found.append(_problem(pipeline, item, rule, f"can't be used: {why}"))
    return found


def lacking_rights(connection: Connection, pipeline: Pipeline, topology: Topology) -> list[Problem]:
    """Return which rights to publish the broker's user lacks; on the embedded broker there are none."""
    if _is_embedded(pipeline):
        return []
    names = [exchange.name for exchange in topology.exchanges if not exchange.external]
    found = [why for name in names if (why := _why_no_write(connection, pipeline, name))]
    if why := why_no_default(connection):
        found.append(why)
    # One permission is for many names: it is said of one of them.
    by_permission = {why.partition(": add ")[2]: why for why in reversed(found)}
    told = reversed(by_permission.values())
    return [problem(pipeline, None, rules.LACKING_RIGHT, why) for why in told]


def _problem(pipeline: Pipeline, item: Declared, rule: Rule, text: str) -> Problem:
    kind = "queue" if isinstance(item, DeclaredQueue) else "exchange"
    return problem(pipeline, item.place, rule, f"the {kind} {item.name} {text}")


def _what_to_do(pipeline: Pipeline, item: Declared) -> str:
    if item.external:
        return ", and is external here: have its owner make it, or take `external` out, and ebats makes it"
    return (
        f", and with `declare: never` isn't made: let `ebats apply {pipeline.file}` do it, by a user who may"
    )


def look(connection: Connection, item: Declared) -> None:
    """Do nothing where something is on the broker.

    Raises:
        NotFound: it isn't. IrrecoverableChannelError, ResourceLocked: it can't be looked at.
    """
    with one_channel(connection) as channel:
        if isinstance(item, DeclaredExchange):
            channel.exchange_declare(item.name, item.type, passive=True)
        else:
            channel.queue_declare(item.name, passive=True)


def _is_embedded(pipeline: Pipeline) -> bool:
    return pipeline.broker.urls[0].startswith("sqlite:")


def _why_useless(connection: Connection, pipeline: Pipeline, item: Declared, *, to_bind: bool) -> str | None:
    if _is_embedded(pipeline):
        return None
    if isinstance(item, DeclaredQueue):
        return (
            _why_not_taken(connection, pipeline, item)
            if item.kind in ("work", "intake", "suspects")
            else None
        )
    return _why_not_bound(connection, pipeline, item) if to_bind else None


def _why_not_bound(connection: Connection, pipeline: Pipeline, item: DeclaredExchange) -> str | None:
    """Unbind what isn't bound: that changes nothing, and needs the rights that binding needs."""
    try:
        with one_channel(connection) as channel:
            channel.queue_unbind(pipeline.queue_on_broker("dead"), item.name, _NOTHING)
    except AccessRefused as error:
        if refused_name(error.reply_text) == item.name:
            return lacking(error.reply_text, "read", pipeline=pipeline.name)
    except _REFUSALS:
        pass  # the queue isn't there: that is said elsewhere
    return None


def _why_not_taken(connection: Connection, pipeline: Pipeline, item: DeclaredQueue) -> str | None:
    """Consume as one does from a stream: any other queue refuses that, after a look at the rights."""
    try:
        with one_channel(connection) as channel:
            channel.basic_qos(0, 1, False)
            next_only = {"x-stream-offset": "next"}
            channel.basic_consume(item.name, callback=lambda _: None, arguments=next_only)
    except AccessRefused as error:
        return lacking(error.reply_text, "read", pipeline=pipeline.name)
    except _REFUSALS:
        return None
    return _STREAM


def _why_no_write(connection: Connection, pipeline: Pipeline, exchange: str) -> str | None:
    """Unbind the exchange from another, where it isn't bound: that needs the right to write to it."""
    try:
        with one_channel(connection) as channel:
            channel.exchange_unbind(exchange, "amq.fanout", _NOTHING)
    except AccessRefused as error:
        if refused_name(error.reply_text) == exchange:
            return lacking(error.reply_text, "write", pipeline=pipeline.name)
    except _REFUSALS:
        pass  # it isn't there: that is said elsewhere
    return None


def _lacking_for_clocks(connection: Connection, pipeline: Pipeline, topology: Topology) -> list[Problem]:
    """Declare the lock of each clock for a moment: an exclusive queue, which nobody can have made before."""
    found = []
    for queue in topology.of_kind("ticks"):
        try:
            with one_channel(connection) as channel:
                lock = f"{queue.name}.lock"
                channel.queue_declare(lock, exclusive=True, auto_delete=False, arguments=CLASSIC)
                channel.queue_delete(lock)
        except ResourceLocked:  # another runner has it: so it may be had
            pass
        except AccessRefused as error:
            why = lacking(error.reply_text, "configure") or error.reply_text
            text = f"who fires the ticks is known by a lock: {why}"
            found.append(problem(pipeline, queue.place, rules.LACKING_RIGHT, text))
    return found


def why_no_default(connection: Connection) -> str | None:
    """Publish to the exchange without a name what no queue takes: it comes back, or is refused."""
    with one_channel(connection) as channel:
        returned: list[Any] = []
        channel.events["basic_return"].add(lambda *message: returned.append(message))
        try:
            channel.basic_publish(Message(b""), routing_key=_NOTHING, mandatory=True)
            deadline = time.monotonic() + _ANSWER_S
            while not returned and time.monotonic() < deadline:
                with suppress(TimeoutError):
                    connection.drain_events(timeout=1.0)
        except AccessRefused as error:
            return lacking(error.reply_text, "write")
    return None
