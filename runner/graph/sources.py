"""Where messages come from: what each producer may publish, and what only other programs do."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ebats.pipelines.model import Event, Pipeline
from ebats.pipelines.producer import Allow, HttpProducer, Producer, PythonProducer
from ebats.runner.graph.ids import EVENTS, OUTSIDE, STRAIGHT, TASKS, id_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A routing key that leads to one task, or straight to a queue."""

    id: str
    #: The key, as the file says it.
    name: str
    #: The id of its exchange.
    exchange: str
    #: The file's name.
    queue: str
    #: The id of the task; None: whatever is in the message.
    task: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What is published, by whom."""

    #: Pairs of ids: who, and what.
    publishes: tuple[tuple[str, str], ...]
    keys: tuple[Key, ...]
    #: Of ours, those with something on them, by their ids.
    exchanges: frozenset[str]
    #: Whether something is published by other programs alone.
    outside: bool


def sources(pipeline: Pipeline) -> Sources:
    """Return what the producers of a pipeline publish, and what nobody in its file does."""
    tasks = _addressed_tasks(pipeline)
    keys = (*(_task_key(pipeline, name) for name in tasks), *_straight_keys(pipeline))
    exchanges = {key.exchange for key in keys}
    yields_pairs = any(
        isinstance(each, PythonProducer) and each.event is None for each in pipeline.producers.values()
    )
    if yields_pairs or any(container(event) == EVENTS for event in pipeline.events.values()):
        exchanges.add(EVENTS)
    inside = [
        (id_of("producer", producer.name), target)
        for producer in pipeline.producers.values()
        for target in _targets(pipeline, producer, exchanges)
    ]
    outside = [(OUTSIDE, target) for target in dict.fromkeys(_from_outside(pipeline, inside, keys))]
    return Sources(
        publishes=(*outside, *inside), keys=keys, exchanges=frozenset(exchanges), outside=bool(outside)
    )


def _targets(pipeline: Pipeline, producer: Producer, exchanges: Iterable[str]) -> Iterator[str]:
    if isinstance(producer, HttpProducer):
        allow = _allow(producer)
        yield from _everything(pipeline, exchanges) if allow is None else _allowed(pipeline, allow)
    elif isinstance(producer, PythonProducer):
        yield EVENTS if producer.event is None else id_of("event", producer.event)
    elif producer.event is not None:
        yield id_of("event", producer.event)
    elif producer.task is not None:
        yield _task_id(producer.task)


def _everything(pipeline: Pipeline, exchanges: Iterable[str]) -> Iterator[str]:
    yield from (id_of("exchange", name) for name in pipeline.exchanges)
    yield from (each for each in (EVENTS, TASKS, STRAIGHT) if each in exchanges)


def _allowed(pipeline: Pipeline, allow: Allow) -> Iterator[str]:
    yield from (id_of("event", name) for name in pipeline.events if name in allow.events)
    yield from (id_of("exchange", name) for name in pipeline.exchanges if name in allow.exchanges)
    yield from (_task_id(name) for name in pipeline.tasks if name in allow.tasks)
    intakes = _intakes(pipeline)
    for name in pipeline.queues:
        if name in allow.queues:
            yield id_of("event", intakes[name]) if name in intakes else _queue_id(name)


def _allow(producer: HttpProducer) -> Allow | None:
    """Return what one token or another may publish to; None: one may publish everything."""
    allows = [token.allow for token in producer.tokens if token.allow is not None]
    if not producer.tokens or len(allows) < len(producer.tokens) or producer.secrets:
        return None
    return Allow(
        exchanges=frozenset[str]().union(*(allow.exchanges for allow in allows)),
        queues=frozenset[str]().union(*(allow.queues for allow in allows)),
        events=frozenset[str]().union(*(allow.events for allow in allows)),
        tasks=frozenset[str]().union(*(allow.tasks for allow in allows)),
    )


def _addressed_tasks(pipeline: Pipeline) -> tuple[str, ...]:
    """Return the tasks that a producer names, and those that no event has."""
    named: set[str] = set()
    for producer in pipeline.producers.values():
        if isinstance(producer, HttpProducer):
            allow = _allow(producer)
            named |= allow.tasks if allow else frozenset()
        elif not isinstance(producer, PythonProducer) and producer.task is not None:
            named.add(producer.task)
    had = {item.task.name for event in pipeline.events.values() for item in event.tasks}
    return tuple(name for name in pipeline.tasks if name in named or name not in had)


def _task_key(pipeline: Pipeline, name: str) -> Key:
    queue = pipeline.tasks[name].queue.name
    return Key(id=_task_id(name), name=name, exchange=TASKS, queue=queue, task=id_of("task", name))


def _straight_keys(pipeline: Pipeline) -> Iterator[Key]:
    """Return those of the queues that a gateway's token names, and of those that are only published to."""
    allows = [_allow(each) for each in pipeline.producers.values() if isinstance(each, HttpProducer)]
    named = {name for allow in allows if allow for name in allow.queues}
    if None in allows:
        fed = {queue.name for task in pipeline.tasks.values() for queue in task.queues}
        named |= pipeline.queues.keys() - fed
    # What is published to an intake is its event's.
    named -= _intakes(pipeline).keys()
    for name in pipeline.queues:
        if name in named:
            yield Key(id=_queue_id(name), name=name, exchange=STRAIGHT, queue=name, task=None)


def _from_outside(
    pipeline: Pipeline, inside: Iterable[tuple[str, str]], keys: Iterable[Key]
) -> Iterator[str]:
    """Return the exchanges, and the intakes, of what no producer and no task of the file publishes."""
    published = {target for _, target in inside}
    follow = (name for task in pipeline.tasks.values() for name in (task.then, task.on_dead) if name)
    followed = {id_of("event", name) for name in follow}
    for event in pipeline.events.values():
        where = container(event)
        # An exchange or a queue of the file's is there for others; of ours, a producer may publish any event.
        known = {id_of("event", event.name), *((EVENTS,) if where == EVENTS else ())}
        if not known & (published | followed):
            yield where
    for key in keys:
        if key.task is not None and not {key.id, key.exchange} & published:
            yield key.exchange


def container(event: Event) -> str:
    """Return the id of the exchange, or of the intake, that an event's messages come from."""
    if event.queue is not None:
        return id_of("queue", event.queue.name)
    return EVENTS if event.exchange is None else id_of("exchange", event.exchange.name)


def _intakes(pipeline: Pipeline) -> Mapping[str, str]:
    """Return the events that take all of a queue, by the names of the queues."""
    return {event.queue.name: event.name for event in pipeline.events.values() if event.queue}


def _task_id(task: str) -> str:
    return id_of("key", f"task.{task}")


def _queue_id(queue: str) -> str:
    return id_of("key", f"queue.{queue}")
