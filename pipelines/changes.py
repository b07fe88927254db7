"""What the next start has to do because a file has changed: a value, worked out before anything is done."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from ebats.pipelines.former import Former, distinct
from ebats.pipelines.model import Pipeline
from ebats.pipelines.moves import Moves, Way, is_pattern
from ebats.pipelines.topology import Binding, Topology, derive, event_rung_name
from ebats.pipelines.wiring import WiredEvent, Wiring, task_key

#: Those whose messages move when they have left the file; a rung lets go by itself.
EMPTIED = ("work", "intake", "suspects", "dead")


class Waiting(NamedTuple):
    """An event's own rung that stays, while its event has come to mean more."""

    queue: str
    event: str
    task: str
    delay_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The way from what the broker has to what the file says."""

    #: What was declared last: none at the first start, two after a crash in a change.
    olds: tuple[Topology, ...]
    #: What the file says, with what is left of the files before.
    new: Topology
    moves: Moves
    #: Queues that stay, and whose messages from events may be for other tasks now.
    converted: tuple[str, ...]
    #: Rungs that stay, and whose messages may be for more tasks now.
    extended: tuple[Waiting, ...]

    @property
    def unbound(self) -> tuple[Binding, ...]:
        """The bindings that only the old files had."""
        wanted = {*self.new.bindings, *self.new.redirects}
        before = (each for old in self.olds for each in (*old.bindings, *old.redirects))
        return tuple(dict.fromkeys(each for each in before if each not in wanted))

    @property
    def emptied(self) -> tuple[str, ...]:
        """The queues that left the file, and whose messages move."""
        return self.new.former.of_kind(*EMPTIED)


def change(pipeline: Pipeline, olds: Sequence[Topology], now: float) -> Change:
    """Return how to get from what was declared last to what the file says; `now` is the Unix time."""
    new = derive(pipeline)
    former = _former(pipeline, olds, new, now)
    recent = len(distinct((old.wiring for old in reversed(olds)), new.wiring))
    moves = Moves(new.wiring, former.wirings, recent)
    new = replace(
        new,
        former=former,
        redirects=(*_redirects(pipeline, new, former, moves), *_left_rungs(pipeline, olds, former)),
    )
    changed = any(old.wiring != new.wiring for old in olds)
    return Change(
        olds=tuple(olds),
        new=new,
        moves=moves,
        converted=tuple(_converted(new, former.wirings[:recent], moves)) if changed else (),
        extended=tuple(_extended(pipeline, olds, new, moves)) if changed else (),
    )


def _former(pipeline: Pipeline, olds: Sequence[Topology], new: Topology, now: float) -> Former:
    queues = {
        **{name: kind for old in olds for name, kind in old.former.queues.items()},
        **{queue.name: queue.kind for old in olds for queue in old.queues if not queue.external},
        **dict(_earlier_generations(pipeline, new)),
    }
    exchanges = {
        **{name: None for old in olds for name in old.former.exchanges},
        **{each.name: None for old in olds for each in old.exchanges if not each.external},
    }
    living_queues = {queue.name for queue in new.queues}
    living_exchanges = {exchange.name for exchange in new.exchanges}
    changed = any(old != new for old in olds)
    return Former(
        since=now if changed else max((old.former.since for old in olds), default=0.0),
        wirings=distinct(
            [
                *(old.wiring for old in reversed(olds)),
                *(each for old in reversed(olds) for each in old.former.wirings),
            ],
            new.wiring,
        ),
        queues={name: kind for name, kind in queues.items() if name not in living_queues},
        exchanges=tuple(name for name in exchanges if name not in living_exchanges),
    )


def _earlier_generations(pipeline: Pipeline, new: Topology) -> Iterator[tuple[str, str]]:
    """Return the queues that a generation has taken the place of, also those that somebody else made."""
    kinds = {queue.name: queue.kind for queue in new.queues}
    for name, number in pipeline.generations.items():
        if kind := kinds.get(pipeline.queue_on_broker(name)):
            yield pipeline.on_broker(name), kind
            yield from ((pipeline.on_broker(f"{name}~{each}"), kind) for each in range(2, number))


def _redirects(pipeline: Pipeline, new: Topology, former: Former, moves: Moves) -> Iterator[Binding]:
    """Return what leads the keys of former files on `NAME.tasks` somewhere: what is on a rung keeps its key.

    Whoever gets such a message knows from `Former` what became of its task.
    """
    exchange = pipeline.on_broker("tasks")
    bound = {binding.key for binding in new.bindings if binding.exchange == exchange}
    somewhere = next((queue.name for queue in new.of_kind("work") if not queue.external), None)
    for key, task, queue in dict.fromkeys(_former_keys(former.wirings)):
        if key in bound:
            continue
        name = moves.task(task) if task else None
        target = new.wiring.queues[moves.way(None, name, queue).queue] if name else somewhere
        if target:
            bound.add(key)
            yield Binding(exchange, key, target)


def _left_rungs(pipeline: Pipeline, olds: Sequence[Topology], former: Former) -> Iterator[Binding]:
    """Return what leads to shared rungs that left the file: runners that go by the old one need them."""
    rungs = tuple(name for name in former.exchanges if name.startswith(pipeline.on_broker("delay.")))
    bindings = (each for old in olds for each in (*old.bindings, *old.redirects))
    yield from dict.fromkeys(each for each in bindings if each.exchange in rungs)


def _former_keys(wirings: Iterable[Wiring]) -> Iterator[tuple[str, str, str]]:
    """Return keys on `NAME.tasks`, with the task (none: it is a queue's) and the queue that they are for."""
    for wiring in wirings:
        for name, task in wiring.tasks.items():
            for queue in task.queues:
                yield task_key(name, queue, task.queues[0]), name, queue
        for name in wiring.queues:
            yield f"@{name}", "", name


def _converted(new: Topology, former: Sequence[Wiring], moves: Moves) -> Iterator[str]:
    for queue in new.queues:
        if queue.kind in ("work", "intake") and not queue.external:
            # What was published straight to the queue, and named no task, was for its only one.
            named_no_more = bool(moves.of_queue(queue.name)) and _tasks_on(new.wiring, queue.name) > 1
            if named_no_more or any(_differs(queue.name, before, new, moves) for before in former):
                yield queue.name


def _differs(queue: str, before: Wiring, new: Topology, moves: Moves) -> bool:
    """Return whether messages from before may be for other tasks than such that come now."""
    for exchange in {event.exchange for event in before.events.values() if _feeds(before, event, queue)}:
        changed = _changed(before, new.wiring, exchange)
        if any(is_pattern(event) for event in changed):
            return True
        for key in {key for event in changed for key in event.keys}:
            now = Moves(new.wiring, (new.wiring,)).of_delivery(exchange, key, queue)
            then = moves.of_delivery(exchange, key, queue, before=True)
            if then is not None and {*then} != {*(now or ())}:
                return True
            if any(_is_for_others(each, moves, exchange, key) for each in _copies(before, exchange, queue)):
                return True
    return False


def _copies(wiring: Wiring, exchange: str, queue: str) -> Iterator[tuple[str, str]]:
    """Return the event and the task of each copy that a queue may hold because it was handed back."""
    for name, event in wiring.events.items():
        for item in event.tasks if event.exchange == exchange else ():
            if wiring.queues.get(item.queue) == queue:
                yield name, item.task


def _is_for_others(copy: tuple[str, str], moves: Moves, exchange: str, key: str) -> bool:
    """Return whether a copy of before is for something else now; that shows only while it is known as old."""
    ways = moves.of_copy(*copy, exchange, key, delay_ms=None, before=True)
    return ways is not None and [(way.event, way.task) for way in ways] != [copy]


def _changed(before: Wiring, after: Wiring, exchange: str) -> list[WiredEvent]:
    """Return the events of an exchange that aren't what they were, as they were and as they are."""

    def events(wiring: Wiring) -> dict[tuple[str, WiredEvent, tuple[str | None, ...]], WiredEvent]:
        return {
            (name, event, tuple(wiring.queues.get(item.queue) for item in event.tasks)): event
            for name, event in wiring.events.items()
            if event.exchange == exchange
        }

    old, new = events(before), events(after)
    return [(old.get(key) or new[key]) for key in {*old} ^ {*new}]


def _feeds(wiring: Wiring, event: WiredEvent, queue: str) -> bool:
    if event.queue is not None:
        return event.queue == queue
    return any(wiring.queues.get(item.queue) == queue for item in event.tasks)


def _tasks_on(wiring: Wiring, queue: str) -> int:
    names = {name for name, broker_name in wiring.queues.items() if broker_name == queue}
    return sum(bool(names & {*task.queues}) for task in wiring.tasks.values())


def _extended(pipeline: Pipeline, olds: Sequence[Topology], new: Topology, moves: Moves) -> Iterator[Waiting]:
    existed = {name for old in olds for name in (*(queue.name for queue in old.queues), *old.former.queues)}
    for event in pipeline.events.values():
        wired = new.wiring.events[event.name]
        for item in (
            event.tasks if any(_changed(old.wiring, new.wiring, wired.exchange) for old in olds) else ()
        ):
            name = event_rung_name(pipeline, event, item) if item.delay_ms else ""
            waiting = Waiting(name, event.name, item.task.name, item.delay_ms)
            key = wired.keys[0] if wired.keys else ""
            if name in existed and (is_pattern(wired) or extra(moves, waiting, wired.exchange, key)):
                yield waiting


def extra(moves: Moves, waiting: Waiting, exchange: str, key: str) -> tuple[Way, ...]:
    """Return for what else a message is that waits on such a rung, published with this key."""
    event, task = waiting.event, waiting.task
    ways = moves.of_copy(event, task, exchange, key, delay_ms=waiting.delay_ms, before=True) or ()
    return tuple(way for way in ways if (way.event, way.task) != (event, task))
