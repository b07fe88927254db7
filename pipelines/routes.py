"""What a delivery is for: the tasks, of which event, that its way to a queue names."""

from typing import NamedTuple

from ebats.pipelines.former import NEVER_CHANGED, Former
from ebats.pipelines.ladder import parse_duration
from ebats.pipelines.model import Event, Pipeline, Task
from ebats.pipelines.moves import Moves
from ebats.pipelines.topics import matches
from ebats.pipelines.topology import exchange_of, task_key
from ebats.pipelines.wiring import mark, wire


class Rung(NamedTuple):
    """A queue in which messages wait."""

    delay_ms: int
    #: The event whose delayed task waits there; None: it is shared.
    event: str | None = None


class Routes:
    """The routing of one pipeline, looked up by what a delivery shows. Queues go by their broker names."""

    def __init__(
        self, pipeline: Pipeline, former: Former = NEVER_CHANGED, moves: Moves | None = None
    ) -> None:
        """Route by a pipeline, and, what it has nothing for, by what left its file.

        `moves`: what knows how the file was before, where somebody has worked that out already.
        """
        self.events_exchange = pipeline.on_broker("events")
        self.suspects = pipeline.queue_on_broker("suspects")
        self._rungs = pipeline.on_broker("delay.")
        self.tasks_exchange = pipeline.on_broker("tasks")
        self.tasks = pipeline.tasks
        self.events = pipeline.events
        #: By their routing keys on the exchange `NAME.tasks`.
        self.by_key = {
            task_key(task, queue): task for task in pipeline.tasks.values() for queue in task.queues
        }
        wiring = wire(pipeline)
        #: What tells this version of the file from others.
        self.mark = mark(wiring)
        self.moves = moves or Moves(wiring, former.wirings)
        #: The same questions, to the file as it is.
        self.now = Moves(wiring, (wiring,))
        #: When the file changed last, a Unix time.
        self.since = former.since
        self._queues = {queue.name: queue.broker_name for queue in pipeline.queues.values()}
        self._only: dict[str, Task | None] = {}
        for task in pipeline.tasks.values():
            for queue in task.queues:
                name = queue.broker_name
                self._only[name] = None if name in self._only else task
        self._at_once: dict[tuple[str, str], tuple[Task, ...]] = {
            (event.name, queue): _undelayed(event, queue)
            for event in pipeline.events.values()
            for queue in {item.queue.broker_name for item in event.tasks}
        }
        self._by_exchange: dict[str, list[Event]] = {}
        for event in pipeline.events.values():
            self._by_exchange.setdefault(exchange_of(pipeline, event), []).append(event)
        self._fanouts = {item.broker_name for item in pipeline.exchanges.values() if item.type == "fanout"}

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
        return tuple(event for event in candidates if any(matches(pattern, key) for pattern in event.keys))

    def rung(self, queue: str) -> Rung | None:
        """Return what a queue's name says, if it is a rung: of this version of the file, or another."""
        if not queue.startswith(self._rungs):
            return None
        delay, *of = queue.removeprefix(self._rungs).partition("~")[0].split(".")
        try:
            delay_ms = parse_duration(delay)
        except ValueError:
            return None
        if not of:
            return Rung(delay_ms)
        return Rung(delay_ms, of[0]) if len(of) == 2 else None

    def is_rung_of(self, event: str, task: str, delay_ms: int) -> bool:
        """Return whether the file has an event's own rung of that delay for a task."""
        items = self.events[event].tasks if event in self.events else ()
        return any(item.task.name == task and item.delay_ms == delay_ms for item in items)

    def has(self, event: str, task: str) -> bool:
        """Return whether an event has a task."""
        return event in self.events and any(item.task.name == task for item in self.events[event].tasks)

    def feeds(self, queue: str, task: Task) -> bool:
        """Return whether a task may run from a queue."""
        return any(each.broker_name == queue for each in task.queues)

    def meant(self, key: str, queue: str) -> str:
        """Return the queue that a message was to come back to with the key `@QUEUE`: not always this one."""
        name = key[1:]
        return self._queues.get(name) or self.moves.queue_of(name) or queue

    def is_queue(self, name: str) -> bool:
        """Return whether a queue (the broker's name) is one of the file."""
        return name in self._queues.values()

    def only_task(self, queue: str) -> Task | None:
        """Return a queue's task, where it has just one."""
        return self._only.get(queue)


def _undelayed(event: Event, queue: str) -> tuple[Task, ...]:
    return tuple(item.task for item in event.tasks if not item.delay_ms and item.queue.broker_name == queue)
