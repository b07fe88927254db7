"""What the next start would change on the broker, looked up without changing anything."""

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from amqp.exceptions import NotFound
from kombu.connection import Connection

from ebats.pipelines import changes
from ebats.pipelines.changes import Change
from ebats.pipelines.model import Pipeline
from ebats.pipelines.problems import Problem
from ebats.pipelines.topology import Binding, DeclaredExchange, DeclaredQueue, Topology
from ebats.runner.broker import present
from ebats.runner.broker.connect import Say
from ebats.runner.broker.declare import clashes
from ebats.runner.broker.inspect import counts
from ebats.runner.broker.lock import alone, one_channel
from ebats.runner.broker.mismatch import Declared
from ebats.runner.broker.stored import Stored


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What there is, beside what the file says."""

    change: Change
    #: What isn't there yet.
    exchanges: tuple[DeclaredExchange, ...]
    queues: tuple[DeclaredQueue, ...]
    #: Why what is there doesn't fit, each with the way out.
    clashes: tuple[Problem, ...]
    #: Ready messages of queues, by the broker's names: those of the file and those that left it, where they
    #: exist.
    ready: Mapping[str, int]

    @property
    def is_first(self) -> bool:
        """Whether nothing was ever declared."""
        return not self.change.olds

    @property
    def bound(self) -> tuple[Binding, ...]:
        """The bindings that aren't there yet."""
        known = {binding for old in self.change.olds for binding in (*old.bindings, *old.redirects)}
        return tuple(each for each in self.change.new.bindings if each not in known)

    @property
    def left(self) -> dict[str, int]:
        """The messages in queues that left the file, and that move."""
        return {name: count for name in self.change.emptied if (count := self.ready.get(name))}

    @property
    def differs(self) -> bool:
        """Whether a start has anything to do."""
        stored = any(old != self.change.new for old in self.change.olds) or len(self.change.olds) > 1
        missing = bool(self.exchanges or self.queues or self.clashes)
        return self.is_first or stored or missing or bool(self.left)


def survey(pipeline: Pipeline, say: Say, stop: Callable[[], bool]) -> Survey | None:
    """Look at what a pipeline has on the broker; None: `stop` became true.

    Raises:
        TopologyMismatch: what was declared last can't be read.
        LockRefused: the user may not be the only one who changes it.
    """

    def work(connection: Connection) -> Survey:
        change = changes.change(pipeline, _stored(connection, pipeline), time.time())
        new = change.new
        ready = {
            name: count
            for name, count in counts(
                connection, (*(queue.name for queue in new.queues), *new.former.queues)
            ).items()
            if count is not None
        }
        items: tuple[Declared, ...] = (*new.exchanges, *new.queues)
        missing = {each.name for each in _missing(connection, new.exchanges)}
        missing |= {each.name for each in new.queues if each.name not in ready}
        there = [each for each in items if not each.external and each.name not in missing]
        refused = [
            *clashes(connection, pipeline, there),
            *present.problems(connection, pipeline, (each for each in items if each.external), to_bind=True),
        ]
        return Survey(
            change=change,
            exchanges=tuple(each for each in new.exchanges if each.name in missing and not each.external),
            queues=tuple(each for each in new.queues if each.name in missing and not each.external),
            clashes=tuple(refused),
            ready=ready,
        )

    return alone(pipeline, say, stop, work)


def _stored(connection: Connection, pipeline: Pipeline) -> list[Topology]:
    with suppress(NotFound), one_channel(connection) as channel:
        stored = Stored(connection, channel, pipeline)
        topologies = stored.topologies()
        stored.give_back()
        return topologies
    return []


def _missing(connection: Connection, exchanges: Iterable[DeclaredExchange]) -> Iterable[DeclaredExchange]:
    for exchange in exchanges:
        try:
            with one_channel(connection) as channel:
                channel.exchange_declare(exchange.name, exchange.type, passive=True)
        except NotFound:
            yield exchange
