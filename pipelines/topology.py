"""What a pipeline needs on the broker, as a value: exchanges, queues, bindings."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from ebats.pipelines.ladder import RETRY_WITHOUT_LADDER, format_duration
from ebats.pipelines.model import Event, EventTask, Pipeline, Queue, Task
from ebats.pipelines.problems import Place

#: The broker gives a message up after so many deliveries that came back: the last resort only.
DELIVERY_LIMIT = 20
#: For queues that people look into: RabbitMQ 4.x drops at the 21st look by default,
#: and 3.10 at the first with -1.
NO_DELIVERY_LIMIT = 1_000_000
#: Where messages wait that this version of the file doesn't know.
UNKNOWN_RUNG_MS = 10_000

Kind = Literal["work", "rung", "dead", "suspects", "topology"]
Arguments = tuple[tuple[str, str | int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredExchange:
    """An exchange as it is declared; always durable."""

    name: str
    type: str
    arguments: Arguments = ()
    place: Place | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredQueue:
    """A queue as it is declared; always durable."""

    name: str
    kind: Kind
    arguments: Arguments
    place: Place | None = field(default=None, compare=False)


class Binding(NamedTuple):
    """A queue takes from an exchange what matches the key."""

    exchange: str
    key: str
    queue: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """All that ebats declares for one pipeline, in the order in which it is declared."""

    exchanges: tuple[DeclaredExchange, ...]
    queues: tuple[DeclaredQueue, ...]
    bindings: tuple[Binding, ...]

    def of_kind(self, kind: Kind) -> tuple[DeclaredQueue, ...]:
        """Return the queues of one kind."""
        return tuple(queue for queue in self.queues if queue.kind == kind)


def derive(pipeline: Pipeline) -> Topology:
    """Return what the pipeline needs on the broker; the same for the same file."""
    return Topology(
        exchanges=tuple(_exchanges(pipeline)),
        queues=tuple(_queues(pipeline)),
        bindings=tuple(dict.fromkeys(_bindings(pipeline))),
    )


def rung_name(pipeline: Pipeline, delay_ms: int) -> str:
    """Return the name of the shared rung for a delay, of its queue and its exchange: `shop.delay.5s`."""
    return pipeline.on_broker(f"delay.{format_duration(delay_ms)}")


def event_rung_name(pipeline: Pipeline, event: Event, task: EventTask) -> str:
    """Return the name of an event's own rung for a delayed task: `shop.delay.10s.EVENT.TASK`."""
    return f"{rung_name(pipeline, task.delay_ms)}.{event.name}.{task.task.name}"


def exchange_of(pipeline: Pipeline, event: Event) -> str:
    """Return the broker's name of the exchange that an event is published to."""
    return event.exchange.broker_name if event.exchange else pipeline.on_broker("events")


def shared_delays_ms(pipeline: Pipeline) -> tuple[int, ...]:
    """Return the distinct delays that have a shared rung, shortest first."""
    delays = {UNKNOWN_RUNG_MS, *RETRY_WITHOUT_LADDER.rungs_ms}
    for task in pipeline.tasks.values():
        delays.update(task.ladder.rungs_ms if task.ladder else ())
    return tuple(sorted(delays))


def _exchanges(pipeline: Pipeline) -> Iterator[DeclaredExchange]:
    name = pipeline.on_broker
    yield DeclaredExchange(name=name("dead"), type="fanout")
    yield DeclaredExchange(name=name("unrouted"), type="fanout")
    yield DeclaredExchange(
        name=name("events"), type="topic", arguments=(("alternate-exchange", name("unrouted")),)
    )
    yield DeclaredExchange(
        name=name("tasks"), type="direct", arguments=(("alternate-exchange", name("dead")),)
    )
    for delay_ms in shared_delays_ms(pipeline):
        yield DeclaredExchange(name=rung_name(pipeline, delay_ms), type="fanout")
    for exchange in pipeline.exchanges.values():
        yield DeclaredExchange(name=exchange.broker_name, type=exchange.type, place=exchange.place)


def _queues(pipeline: Pipeline) -> Iterator[DeclaredQueue]:
    name = pipeline.on_broker
    yield DeclaredQueue(name=name("dead"), kind="dead", arguments=_kept())
    yield DeclaredQueue(
        name=name("suspects"), kind="suspects", arguments=_kept(*_dead_lettering(name("dead")))
    )
    yield DeclaredQueue(name=name("topology"), kind="topology", arguments=_kept())
    for queue in pipeline.queues.values():
        yield DeclaredQueue(
            name=queue.broker_name, kind="work", arguments=_work(pipeline, queue), place=queue.place
        )
    for delay_ms in shared_delays_ms(pipeline):
        yield DeclaredQueue(
            name=rung_name(pipeline, delay_ms), kind="rung", arguments=_rung(pipeline, delay_ms)
        )
    for event, task in _delayed(pipeline):
        yield DeclaredQueue(
            name=event_rung_name(pipeline, event, task),
            kind="rung",
            arguments=_rung(pipeline, task.delay_ms, back_to=task.task),
            place=task.place,
        )


def _bindings(pipeline: Pipeline) -> Iterator[Binding]:
    name = pipeline.on_broker
    yield Binding(name("dead"), "", name("dead"))
    if pipeline.unrouted == "dead":
        yield Binding(name("unrouted"), "", name("dead"))
    for delay_ms in shared_delays_ms(pipeline):
        yield Binding(rung_name(pipeline, delay_ms), "", rung_name(pipeline, delay_ms))
    for queue in pipeline.queues.values():
        yield Binding(name("tasks"), f"@{queue.name}", queue.broker_name)
    for task in pipeline.tasks.values():
        yield Binding(name("tasks"), task.name, task.queue.broker_name)
    for event in pipeline.events.values():
        for event_task in event.tasks:
            if not event_task.delay_ms:
                yield Binding(exchange_of(pipeline, event), event.key, event_task.task.queue.broker_name)
    for event, event_task in _delayed(pipeline):
        yield Binding(exchange_of(pipeline, event), event.key, event_rung_name(pipeline, event, event_task))


def _delayed(pipeline: Pipeline) -> Iterable[tuple[Event, EventTask]]:
    return ((event, task) for event in pipeline.events.values() for task in event.tasks if task.delay_ms)


def _quorum(*arguments: tuple[str, str | int]) -> Arguments:
    return (("x-queue-type", "quorum"), *arguments)


def _kept(*arguments: tuple[str, str | int]) -> Arguments:
    return _quorum(("x-delivery-limit", NO_DELIVERY_LIMIT), *arguments)


def _dead_lettering(exchange: str) -> Arguments:
    # At least once needs a quorum queue and reject-publish, or RabbitMQ falls back to at most
    # once without a word (https://www.rabbitmq.com/docs/quorum-queues#activating-at-least-once-dead-lettering).
    return (
        ("x-dead-letter-exchange", exchange),
        ("x-dead-letter-strategy", "at-least-once"),
        ("x-overflow", "reject-publish"),
    )


def _work(pipeline: Pipeline, queue: Queue) -> Arguments:
    if queue.type == "classic":
        return (("x-queue-type", "classic"),)
    dead = _dead_lettering(pipeline.on_broker("dead"))
    return _quorum(("x-delivery-limit", DELIVERY_LIMIT), *dead)


def _rung(pipeline: Pipeline, delay_ms: int, back_to: Task | None = None) -> Arguments:
    # The limit on the queue, never on the message: mixed ones block each other at the head.
    key = (("x-dead-letter-routing-key", back_to.name),) if back_to else ()
    dead = _dead_lettering(pipeline.on_broker("tasks"))
    return _quorum(("x-message-ttl", delay_ms), *dead, *key)


def to_json(topology: Topology) -> str:
    """Return a topology as the JSON that is kept in the queue `NAME.topology`."""
    return json.dumps(
        {
            "version": 1,
            "exchanges": [[item.name, item.type, dict(item.arguments)] for item in topology.exchanges],
            "queues": [[item.name, item.kind, dict(item.arguments)] for item in topology.queues],
            "bindings": [list(item) for item in topology.bindings],
        },
        indent=1,
    )


def from_json(text: str | bytes) -> Topology:
    """Return the topology that `to_json` wrote; places are not kept.

    Raises:
        ValueError: the text is none of ours, or of a version that isn't known here.
    """
    data: Any = json.loads(text)
    if not isinstance(data, dict) or data.get("version") != 1:
        raise ValueError("this topology was written by another version of ebats")
    try:
        return _topology(data)
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"this is no topology: {type(error).__name__}: {error}") from None


def _topology(data: dict[str, Any]) -> Topology:
    return Topology(
        exchanges=tuple(
            DeclaredExchange(name=name, type=type_, arguments=tuple(arguments.items()))
            for name, type_, arguments in data["exchanges"]
        ),
        queues=tuple(
            DeclaredQueue(name=name, kind=kind, arguments=tuple(arguments.items()))
            for name, kind, arguments in data["queues"]
        ),
        bindings=tuple(Binding(*binding) for binding in data["bindings"]),
    )
