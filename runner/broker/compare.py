"""What a pipeline would find on its broker, asked so that nothing is declared or changed."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from amqp.exceptions import AccessRefused, IrrecoverableChannelError, NotFound, ResourceLocked
from kombu.connection import Connection

from ebats.pipelines import rules
from ebats.pipelines.model import Pipeline
from ebats.pipelines.problems import Problem
from ebats.pipelines.topology import DeclaredExchange, Topology
from ebats.runner.broker import present
from ebats.runner.broker.declare import clashes
from ebats.runner.broker.lock import one_channel
from ebats.runner.broker.mismatch import Declared, describe, difference, problem
from ebats.runner.broker.rights import Right, lacking, refused_name

_REFUSALS = (IrrecoverableChannelError, ResourceLocked)
#: No exchange can be made with it: RabbitMQ looks at it before it makes one, and at the type of one that
#: exists before it looks at this.
_IMPOSSIBLE = {"alternate-exchange": 1}


def problems(connection: Connection, pipeline: Pipeline, topology: Topology) -> list[Problem]:
    """Return what a start of this pipeline would stumble over.

    What is its own and isn't there yet, a start makes; what is there has to have the same arguments.

    Raises:
        BROKER_ERRORS: the connection is lost.
    """
    items: tuple[Declared, ...] = (*topology.exchanges, *topology.queues)
    theirs = [item for item in items if item.external]
    found = _of_other_types(connection, pipeline, theirs)
    if pipeline.broker.declare == "never":
        missing = present.problems(connection, pipeline, items, to_bind=False)
        return [*found, *(missing or present.lacking_rights(connection, pipeline, topology))]
    there = [item for item in items if not item.external and _is_there(connection, item)]
    found += present.problems(connection, pipeline, theirs, to_bind=True)
    found += clashes(connection, pipeline, there)
    if not any(each.rule is rules.LACKING_RIGHT for each in found):
        found += _lacking_rights(connection, pipeline)
    return found


def _is_there(connection: Connection, item: Declared) -> bool:
    try:
        present.look(connection, item)
    except NotFound:
        return False
    except _REFUSALS:
        pass  # what is wrong with it is said by who declares it once more
    return True


def _of_other_types(connection: Connection, pipeline: Pipeline, items: list[Declared]) -> list[Problem]:
    """Return the exchanges of somebody else that aren't of the type that the file says."""
    found = []
    is_embedded = pipeline.broker.urls[0].startswith("sqlite:")
    for item in items:
        if not isinstance(item, DeclaredExchange) or not _is_there(connection, item):
            continue
        try:
            with one_channel(connection) as channel:
                channel.exchange_declare(
                    item.name,
                    item.type,
                    durable=True,
                    auto_delete=False,
                    arguments=None if is_embedded else _IMPOSSIBLE,
                )
        except _REFUSALS as error:
            # Who may not configure it can't be told.
            differs = difference(item, error.reply_text)
            if differs and differs.argument == "type":
                said = describe(pipeline, item, [differs])
                hint = f"write `type: {differs.theirs}` in the file: that is how it treats keys"
                found.append(problem(pipeline, item.place, rules.DIFFERS, said.text, hint))
    return found


def _lacking_rights(connection: Connection, pipeline: Pipeline) -> Iterator[Problem]:
    """Try each right with a name of the pipeline's that nothing has: rights are looked at first."""
    if pipeline.broker.urls[0].startswith("sqlite:"):
        return
    name = pipeline.on_broker("lock.ebats-no-such-key")

    def delete(channel: Any) -> None:
        channel.queue_delete(name)

    def unbind(channel: Any) -> None:
        channel.exchange_unbind(name, "amq.fanout", name)

    def get(channel: Any) -> None:
        channel.basic_get(name)

    tries: tuple[tuple[Right, Any], ...] = (("configure", delete), ("write", unbind), ("read", get))
    for right, act in tries:
        try:
            with suppress(NotFound), one_channel(connection) as channel:
                act(channel)
        except AccessRefused as error:
            # The other exchange, which nobody needs, may be refused, too.
            why = lacking(error.reply_text, right, pipeline=pipeline.name)
            if why and refused_name(error.reply_text) == name:
                yield problem(pipeline, None, rules.LACKING_RIGHT, why)
    if why := present.why_no_default(connection):
        yield problem(pipeline, None, rules.LACKING_RIGHT, why)
