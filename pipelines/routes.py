"""What a delivery is for: the tasks, of which event, that its way to a queue names."""

from typing import NamedTuple

from ebats.pipelines.model import Event, Pipeline, Task
from ebats.pipelines.topics import matches
from ebats.pipelines.topology import event_rung_name, exchange_of


class EventRung(NamedTuple):
    """Where a delayed task of an event waits."""

    event: Event
    task: Task
    delay_ms: int


class Routes:
    """The routing of one pipeline, looked up by what a delivery shows. Queues go by their broker names."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.events_exchange = pipeline.on_broker("events")
        self.tasks_exchange = pipeline.on_broker("tasks")
        self.tasks = pipeline.tasks
        self.events = pipeline.events
        self._only: dict[str, Task | None] = {}
        for task in pipeline.tasks.values():
            queue = task.queue.broker_name
            self._only[queue] = None if queue in self._only else task
        self._at_once: dict[tuple[str, str], tuple[Task, ...]] = {
            (event.name, queue): _undelayed(event, queue)
            for event in pipeline.events.values()
            for queue in {event_task.task.queue.broker_name for event_task in event.tasks}
        }
        self._by_exchange: dict[str, list[Event]] = {}
        for event in pipeline.events.values():
            self._by_exchange.setdefault(exchange_of(pipeline, event), []).append(event)
        self._fanouts = {item.broker_name for item in pipeline.exchanges.values() if item.type == "fanout"}
        self.rungs = {
            event_rung_name(pipeline, event, item): EventRung(event, item.task, item.delay_ms)
            for event in pipeline.events.values()
            for item in event.tasks
            if item.delay_ms
        }

    def tasks_of(self, event: str, queue: str) -> tuple[Task, ...]:
        """Return the undelayed tasks that an event has on a queue: none where either is unknown."""
        return self._at_once.get((event, queue), ())

    def events_of(self, exchange: str, key: str) -> tuple[Event, ...]:
        """Return the events that a message of this exchange and key is."""
        if exchange == self.events_exchange and key in self.events:
            event = self.events[key]
            return (event,) if event.exchange is None else ()
        candidates = self._by_exchange.get(exchange, ())
        if exchange in self._fanouts:
            return tuple(candidates)
        return tuple(event for event in candidates if matches(event.key, key))

    def only_task(self, queue: str) -> Task | None:
        """Return a queue's task, where it has just one."""
        return self._only.get(queue)


def _undelayed(event: Event, queue: str) -> tuple[Task, ...]:
    return tuple(
        item.task for item in event.tasks if not item.delay_ms and item.task.queue.broker_name == queue
    )
