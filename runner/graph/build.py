"""From a pipeline to its graph: every definition is a node, and the ways of messages are edges."""

from collections.abc import Iterator

from ebats.pipelines.ladder import format_duration
from ebats.pipelines.model import Event, EventTask, Ladder, Pipeline, Task
from ebats.pipelines.topology import event_rung_name, intake_names
from ebats.runner.graph import describe
from ebats.runner.graph.graph import Edge, Graph, Node
from ebats.runner.graph.ids import DEAD, EVENTS, OUTSIDE, STRAIGHT, TASKS, id_of
from ebats.runner.graph.sources import Sources, container, sources


def build(pipeline: Pipeline) -> Graph:
    """Return the graph of a whole pipeline; the same for the same file."""
    found = sources(pipeline)
    return Graph(
        name=pipeline.name,
        nodes=tuple(_nodes(pipeline, found)),
        edges=tuple(dict.fromkeys(_edges(pipeline, found))),
    )


def _nodes(pipeline: Pipeline, found: Sources) -> Iterator[Node]:
    if found.outside:
        yield Node(id=OUTSIDE, kind="outside", name="other programs", details=describe.outside())
    for producer in pipeline.producers.values():
        yield Node(
            id=id_of("producer", producer.name),
            kind="producer",
            name=producer.name,
            details=describe.producer(producer),
        )
    yield from _exchanges(pipeline, found)
    yield from _events(pipeline)
    yield from _keys(found)
    yield from _queues(pipeline)
    yield from _tasks(pipeline)
    yield Node(id=DEAD, kind="dead", name=pipeline.on_broker("dead"), details=("dead letters",))
    for sink in pipeline.sinks:
        details = describe.sink(sink, pipeline.folder)
        yield Node(id=id_of("sink", sink.name), kind="sink", name=sink.name, details=details)
    for channel in pipeline.alerts.channels.values() if pipeline.alerts else ():
        details = describe.channel(channel)
        yield Node(id=id_of("channel", channel.name), kind="channel", name=channel.name, details=details)


def _exchanges(pipeline: Pipeline, found: Sources) -> Iterator[Node]:
    if EVENTS in found.exchanges:
        yield Node(
            id=EVENTS,
            kind="exchange",
            name=pipeline.on_broker("events"),
            details=("topic exchange", describe.unrouted(pipeline)),
        )
    for exchange in pipeline.exchanges.values():
        yield Node(
            id=id_of("exchange", exchange.name),
            kind="exchange",
            name=exchange.name,
            details=describe.exchange(exchange),
            more=(exchange.broker_name,),
            external=exchange.external,
        )
    if TASKS in found.exchanges:
        yield Node(
            id=TASKS,
            kind="exchange",
            name=pipeline.on_broker("tasks"),
            details=("direct exchange", "key: the task"),
        )
    if STRAIGHT in found.exchanges:
        yield Node(id=STRAIGHT, kind="exchange", name="default exchange", details=("key: the queue",))


def _events(pipeline: Pipeline) -> Iterator[Node]:
    for event in pipeline.events.values():
        yield Node(
            id=id_of("event", event.name),
            kind="event",
            name=event.name,
            details=describe.event(event),
            more=describe.event_more(event),
            within=container(event),
        )
        for item in event.tasks:
            if item.delay_ms:
                yield Node(
                    id=_rung(event, item),
                    kind="rung",
                    name=format_duration(item.delay_ms),
                    more=(event_rung_name(pipeline, event, item),),
                )


def _keys(found: Sources) -> Iterator[Node]:
    for key in found.keys:
        yield Node(id=key.id, kind="key", name=key.name, within=key.exchange)


def _queues(pipeline: Pipeline) -> Iterator[Node]:
    intakes = intake_names(pipeline)
    for queue in pipeline.queues.values():
        yield Node(
            id=id_of("queue", queue.name),
            kind="queue",
            name=queue.name,
            details=describe.queue(queue, intake=queue.name in intakes),
            more=(queue.broker_name,),
            external=queue.external,
        )
    for consumer in pipeline.consumers.values():
        details = describe.consumer(consumer)
        yield Node(id=id_of("consumer", consumer.name), kind="consumer", name=consumer.name, details=details)


def _tasks(pipeline: Pipeline) -> Iterator[Node]:
    for task in pipeline.tasks.values():
        yield Node(
            id=id_of("task", task.name),
            kind="task",
            name=task.name,
            details=describe.task(task),
            more=describe.task_more(task),
        )
    ladders = [task.ladder for task in pipeline.tasks.values() if task.ladder]
    for id_, ladder in {_ladder(ladder): ladder for ladder in ladders}.items():
        yield Node(id=id_, kind="ladder", name=ladder.name or "retry", details=describe.rungs(ladder))


def _edges(pipeline: Pipeline, found: Sources) -> Iterator[Edge]:
    for source, target in found.publishes:
        yield Edge(source=source, target=target, kind="publish")
    for event in pipeline.events.values():
        for item in event.tasks:
            yield from _routes(event, item)
    for key in found.keys:
        yield Edge(source=key.id, target=id_of("queue", key.queue), kind="route", task=key.task)
    for task in pipeline.tasks.values():
        for queue in task.queues:
            yield Edge(source=id_of("queue", queue.name), target=id_of("task", task.name), kind="feed")
    for consumer in pipeline.consumers.values():
        for queue in consumer.queues:
            taken, taker = id_of("queue", queue.name), id_of("consumer", consumer.name)
            yield Edge(source=taken, target=taker, kind="take")
    for task in pipeline.tasks.values():
        yield from _afterwards(task)


def _routes(event: Event, item: EventTask) -> Iterator[Edge]:
    source, target = id_of("event", event.name), id_of("queue", item.queue.name)
    task = id_of("task", item.task.name)
    if not item.delay_ms:
        yield Edge(source=source, target=target, kind="route", task=task)
        return
    rung = _rung(event, item)
    yield Edge(source=source, target=rung, kind="route", task=task)
    yield Edge(source=rung, target=target, kind="wait", task=task)


def _afterwards(task: Task) -> Iterator[Edge]:
    source = id_of("task", task.name)
    if task.ladder:
        yield Edge(source=source, target=_ladder(task.ladder), kind="retry")
        yield Edge(source=_ladder(task.ladder), target=DEAD, kind="die")
    else:
        yield Edge(source=source, target=DEAD, kind="die")
    if task.then is not None:
        yield Edge(source=source, target=id_of("event", task.then), kind="then")
    if task.on_dead is not None:
        yield Edge(source=source, target=id_of("event", task.on_dead), kind="on_dead")


def _rung(event: Event, item: EventTask) -> str:
    where = f"{event.name}.{item.task.name}@{item.queue.name}"
    return id_of("rung", f"{format_duration(item.delay_ms)}.{where}")


def _ladder(ladder: Ladder) -> str:
    # A name begins with a letter, a wait with a digit.
    return id_of("ladder", ladder.name or "-".join(describe.rungs(ladder)))
