"""Deleting what left the file: queues and exchanges of ours that hold nothing and that nobody uses."""

import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, replace

from amqp.exceptions import IrrecoverableChannelError, NotFound, ResourceLocked
from kombu.connection import Connection

from ebats.pipelines import changes
from ebats.pipelines.counting import counted
from ebats.pipelines.former import Former
from ebats.pipelines.model import Pipeline
from ebats.pipelines.stored_topology import to_json
from ebats.pipelines.topology import Topology
from ebats.runner.broker.connect import Say
from ebats.runner.broker.inspect import counts
from ebats.runner.broker.lock import alone, one_channel
from ebats.runner.broker.mismatch import TopologyMismatch
from ebats.runner.broker.stored import Stored

#: A quorum queue can't be told to be deleted only if it is empty, so it is looked at twice.
_BETWEEN_S = 1.0
#: Runners with the old file may still hand back what they took.
_RECENT_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """Something that left the file, and is still on the broker."""

    name: str
    #: `queue` or `exchange`.
    what: str
    #: Why it stays; None: it can go.
    why: str | None


def left(pipeline: Pipeline, say: Say, stop: Callable[[], bool]) -> list[Left] | None:
    """Return what left the file; None: `stop` became true.

    Raises:
        TopologyMismatch: the file isn't what was applied last, or that can't be read.
    """
    return alone(pipeline, say, stop, lambda connection: _look(connection, _current(connection, pipeline)))


def prune(
    pipeline: Pipeline, names: Collection[str], say: Say, stop: Callable[[], bool]
) -> list[Left] | None:
    """Delete what left the file, of these names, unless something came into it meanwhile; return what went.

    What was kept of former files is forgotten when nothing waits any more. None: `stop` became true.

    Raises:
        TopologyMismatch: see `left`.
    """

    def work(connection: Connection) -> list[Left]:
        current = _current(connection, pipeline)
        _look(connection, current)
        time.sleep(_BETWEEN_S)
        # Only now it is known that they were empty for a moment, too.
        free = [each for each in _look(connection, current) if each.why is None and each.name in names]
        gone = [each for each in free if _delete(connection, each)]
        _forget(connection, pipeline, {each.name for each in gone})
        return gone

    return alone(pipeline, say, stop, work)


def _current(connection: Connection, pipeline: Pipeline) -> Topology:
    topologies: list[Topology] = []
    with suppress(NotFound), one_channel(connection) as channel:
        stored = Stored(connection, channel, pipeline)
        topologies = stored.topologies()
        stored.give_back()
    change = changes.change(pipeline, topologies, time.time())
    if len(topologies) != 1 or topologies[0] != change.new:
        text = f"what {pipeline.name} has on the broker isn't what {pipeline.file} says"
        raise TopologyMismatch(f"{text}: run `ebats apply {pipeline.file}` first")
    return change.new


def _look(connection: Connection, current: Topology) -> list[Left]:
    former = current.former
    recent = time.time() - former.since < _RECENT_S
    found = []
    for name, kind in former.queues.items():
        with suppress(NotFound), one_channel(connection) as channel:
            ready = channel.queue_declare(name, passive=True)
            # What a clock remembers is nothing that waits.
            waits = 0 if kind == "ticks" else ready.message_count
            why = _why_stays(waits, ready.consumer_count, kind, recent=recent)
            if kind == "ticks" and _is_led(connection, name):
                why = "a runner with an older file goes by it"
            found.append(Left(name=name, what="queue", why=why))
    for name in former.exchanges:
        with suppress(NotFound), one_channel(connection) as channel:
            channel.exchange_declare(name, "direct", passive=True)
            # In front of a rung: it goes with it.
            waits = any(each.name == name and each.why for each in found)
            found.append(Left(name=name, what="exchange", why="its queue stays" if waits else None))
    return found


def _why_stays(ready: int, consumers: int, kind: str, *, recent: bool) -> str | None:
    if ready:
        return f"{counted(ready, 'message')} {'waits' if ready == 1 else 'wait'} there"
    if consumers:
        return f"{counted(consumers, 'consumer')} of a runner with an older file"
    if recent and kind != "rung":
        return "the file changed less than a minute ago: old runners may still hand messages back"
    return None


def _is_led(connection: Connection, ticks: str) -> bool:
    """Return whether a process holds the lock of a clock."""
    try:
        with one_channel(connection) as channel:
            channel.queue_declare(f"{ticks}.lock", passive=True)
    except NotFound:
        return False
    except ResourceLocked:
        pass
    return True


def _delete(connection: Connection, each: Left) -> bool:
    """Delete something; return whether it is gone."""
    try:
        with one_channel(connection) as channel:
            if each.what == "queue":
                channel.queue_delete(each.name)
            else:
                channel.exchange_delete(each.name, if_unused=True)
    except NotFound:
        return True
    except IrrecoverableChannelError:  # something is bound to it
        return False
    return True


def _forget(connection: Connection, pipeline: Pipeline, gone: Collection[str]) -> None:
    with one_channel(connection) as channel:
        stored = Stored(connection, channel, pipeline)
        change = changes.change(pipeline, stored.topologies(), time.time())
        former, rungs = change.new.former, [queue.name for queue in change.new.of_kind("rung")]
        queues = {name: kind for name, kind in former.queues.items() if name not in gone}
        exchanges = tuple(name for name in former.exchanges if name not in gone)
        existing = counts(connection, (*queues, *rungs))
        queues = {name: kind for name, kind in queues.items() if existing[name] is not None}
        kept = replace(former, queues=queues, exchanges=exchanges)
        redirects = tuple(each for each in change.new.redirects if each.exchange not in gone)
        # What is on a rung keeps its key, and may be for a task that only a former file had.
        if not queues and not any(existing.values()):
            kept, redirects = Former(since=former.since), ()
        stored.add(to_json(replace(change.new, former=kept, redirects=redirects)))
        for binding in {*change.new.redirects} - {*redirects}:
            with one_channel(connection) as own, suppress(NotFound):
                own.queue_unbind(binding.queue, binding.exchange, binding.key)
        stored.forget()
