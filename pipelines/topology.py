"""What a pipeline needs on the broker, as a value: exchanges, queues, bindings."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from ebats.pipelines import wiring
from ebats.pipelines.addresses import rung_exchange
from ebats.pipelines.former import Former
from ebats.pipelines.ladder import HOPS_MS, RETRY_WITHOUT_LADDER, format_duration
from ebats.pipelines.model import Event, EventTask, Pipeline, Queue, Task
from ebats.pipelines.problems import Place
from ebats.pipelines.producer import TickProducer
from ebats.pipelines.wiring import Wiring

#: The broker gives a message up after so many deliveries that came back: the last resort only.
DELIVERY_LIMIT = 20
#: For queues that people look into: RabbitMQ 4.x drops at the 21st look by default,
#: and 3.10 at the first with -1.
NO_DELIVERY_LIMIT = 1_000_000
#: Where messages wait that this version of the file doesn't know.
UNKNOWN_RUNG_MS = 10_000

Kind = Literal["work", "intake", "rung", "dead", "suspects", "topology", "ticks"]
Arguments = tuple[tuple[str, str | int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredExchange:
    """An exchange as it is declared; always durable."""

    name: str
    type: str
    #: Somebody else's: it only has to be there.
    external: bool = False
    arguments: Arguments = ()
    place: Place | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredQueue:
    """A queue as it is declared; always durable."""

    name: str
    kind: Kind
    #: Somebody else's: it only has to be there.
    external: bool = False
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
    wiring: Wiring = field(default_factory=Wiring)
    #: What left the file, and what leads its keys on `NAME.tasks` somewhere: nothing that a file says.
    former: Former = field(default_factory=Former, compare=False)
    redirects: tuple[Binding, ...] = field(default=(), compare=False)

    def of_kind(self, kind: Kind) -> tuple[DeclaredQueue, ...]:
        """Return the queues of one kind."""
        return tuple(queue for queue in self.queues if queue.kind == kind)


def derive(pipeline: Pipeline) -> Topology:
    """Return what the pipeline needs on the broker; the same for the same file."""
    return Topology(
        exchanges=tuple(_exchanges(pipeline)),
        queues=tuple(_queues(pipeline)),
        bindings=tuple(dict.fromkeys(_bindings(pipeline))),
        wiring=wiring.wire(pipeline),
    )


def task_key(task: Task, queue: Queue) -> str:
    """Return the routing key on `NAME.tasks` that leads to a task on a queue: see `wiring.task_key`."""
    return wiring.task_key(task.name, queue.name, task.queue.name)


def rung_name(pipeline: Pipeline, delay_ms: int) -> str:
    """Return the name of the exchange in front of the shared rung for a delay: `shop.delay.5s`."""
    return rung_exchange(pipeline.name, delay_ms)


def rung_queue(pipeline: Pipeline, delay_ms: int) -> str:
    """Return the name of the queue that is the shared rung for a delay: `shop.delay.5s`, or with `~2`."""
    return pipeline.queue_on_broker(f"delay.{format_duration(delay_ms)}")


def event_rung_name(pipeline: Pipeline, event: Event, task: EventTask) -> str:
    """Return the name of an event's own rung for a delayed task: `shop.delay.10s.EVENT.TASK`.

    With `@QUEUE` at its end where the event chose a queue: messages return there, and a queue can't change.
    """
    delay = format_duration(task.delay_ms)
    return pipeline.queue_on_broker(f"delay.{delay}.{event.name}.{task_key(task.task, task.queue)}")


def ticks_queue(pipeline: Pipeline, producer: TickProducer) -> str:
    """Return the name of the queue that keeps what a clock did last: `shop.ticks.nightly`."""
    return pipeline.on_broker(f"ticks.{producer.name}")


def exchange_of(pipeline: Pipeline, event: Event) -> str:
    """Return the broker's name of the exchange that an event is published to."""
    return event.exchange.broker_name if event.exchange else pipeline.on_broker("events")


def shared_delays_ms(pipeline: Pipeline) -> tuple[int, ...]:
    """Return the distinct delays that have a shared rung, shortest first."""
    return tuple(sorted({*written_delays_ms(pipeline), *HOPS_MS}))


def written_delays_ms(pipeline: Pipeline) -> frozenset[int]:
    """Return the delays of the shared rungs that the ladders of a file need, or any file."""
    written = (task.ladder.rungs_ms for task in pipeline.tasks.values() if task.ladder)
    return frozenset({UNKNOWN_RUNG_MS, *RETRY_WITHOUT_LADDER.rungs_ms}.union(*written))


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
        yield DeclaredExchange(
            name=exchange.broker_name, type=exchange.type, external=exchange.external, place=exchange.place
        )


def _queues(pipeline: Pipeline) -> Iterator[DeclaredQueue]:
    name = pipeline.queue_on_broker
    dead = pipeline.on_broker("dead")
    yield DeclaredQueue(name=name("dead"), kind="dead", arguments=_kept())
    yield DeclaredQueue(name=name("suspects"), kind="suspects", arguments=_kept(*_dead_lettering(dead)))
    yield DeclaredQueue(name=name("topology"), kind="topology", arguments=_kept())
    for producer in pipeline.producers.values():
        if isinstance(producer, TickProducer):
            yield DeclaredQueue(
                name=ticks_queue(pipeline, producer), kind="ticks", arguments=_kept(), place=producer.place
            )
    intakes = intake_names(pipeline)
    for queue in pipeline.queues.values():
        yield DeclaredQueue(
            name=queue.broker_name,
            kind="intake" if queue.name in intakes else "work",
            external=queue.external,
            arguments=() if queue.external else _work(pipeline, queue),
            place=queue.place,
        )
    for delay_ms in shared_delays_ms(pipeline):
        yield DeclaredQueue(
            name=rung_queue(pipeline, delay_ms), kind="rung", arguments=rung_arguments(pipeline, delay_ms)
        )
    for event, task in _delayed(pipeline):
        yield DeclaredQueue(
            name=event_rung_name(pipeline, event, task),
            kind="rung",
            arguments=rung_arguments(pipeline, task.delay_ms, back_to=task_key(task.task, task.queue)),
            place=task.place,
        )


def _bindings(pipeline: Pipeline) -> Iterator[Binding]:
    name = pipeline.on_broker
    dead = pipeline.queue_on_broker("dead")
    yield Binding(name("dead"), "", dead)
    if pipeline.unrouted == "dead":
        yield Binding(name("unrouted"), "", dead)
    for delay_ms in shared_delays_ms(pipeline):
        yield Binding(rung_name(pipeline, delay_ms), "", rung_queue(pipeline, delay_ms))
    intakes = intake_names(pipeline)
    for queue in pipeline.queues.values():
        if queue.name not in intakes and not queue.external:
            yield Binding(name("tasks"), f"@{queue.name}", queue.broker_name)
    for task in pipeline.tasks.values():
        for queue in task.queues:
            yield Binding(name("tasks"), task_key(task, queue), queue.broker_name)
    for event in pipeline.events.values():
        # What comes through an intake is handed on by whoever takes it.
        for key in event.keys if event.queue is None else ():
            for item in event.tasks:
                queue_name = (
                    event_rung_name(pipeline, event, item) if item.delay_ms else item.queue.broker_name
                )
                yield Binding(exchange_of(pipeline, event), key, queue_name)


def intake_names(pipeline: Pipeline) -> frozenset[str]:
    """Return the names, in the file, of the queues that events come from."""
    return frozenset(event.queue.name for event in pipeline.events.values() if event.queue)


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


def rung_arguments(pipeline: Pipeline, delay_ms: int, back_to: str | None = None) -> Arguments:
    """Return the arguments of a queue whose messages go on to the tasks after a time.

    By their own routing keys, or by `back_to`.
    """
    # The limit on the queue, never on the message: mixed ones block each other at the head.
    key = (("x-dead-letter-routing-key", back_to),) if back_to else ()
    dead = _dead_lettering(pipeline.on_broker("tasks"))
    return _quorum(("x-message-ttl", delay_ms), *dead, *key)
