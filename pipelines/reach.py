"""Which tasks nothing in a file leads to: whoever runs them has to address them."""

from collections.abc import Iterator

from ebats.pipelines.model import Pipeline, Task
from ebats.pipelines.producer import HttpProducer, TickProducer


def unreached(pipeline: Pipeline) -> Iterator[Task]:
    """Yield the tasks of no event that no clock and no gateway of the file may address.

    In a file without events, tasks are addressed by programs alone: nothing is said of it.
    """
    reached = {item.task.name for event in pipeline.events.values() for item in event.tasks}
    queues: set[str] = set()
    for producer in pipeline.producers.values():
        if isinstance(producer, TickProducer) and producer.task:
            reached.add(producer.task)
        elif isinstance(producer, HttpProducer):
            allowed = [token.allow for token in producer.tokens]
            if not allowed or None in allowed:
                return  # who may publish to everything may address each task
            reached |= {name for allow in allowed if allow for name in allow.tasks}
            queues |= {name for allow in allowed if allow for name in allow.queues}
    for task in pipeline.tasks.values() if pipeline.events else ():
        if task.name not in reached and not any(queue.name in queues for queue in task.queues):
            yield task
