"""A pipeline as frozen values: every name is resolved, every default filled in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ebats.pipelines.alerts import Alerts
from ebats.pipelines.entry_point import EntryPoint
from ebats.pipelines.http_task import HttpTask
from ebats.pipelines.problems import Place
from ebats.pipelines.producer import Producer
from ebats.pipelines.sink import Sink, TaskLogs
from ebats.pipelines.tls import Tls

ExchangeType = Literal["direct", "topic", "fanout"]
QueueType = Literal["quorum", "classic"]
Format = Literal["json", "text", "bytes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """How the broker is reached."""

    #: One or more (failover): `sqlite:////absolute/path` or `amqp://...`, with the password in it.
    urls: tuple[str, ...]
    login_method: str | None = None
    locale: str | None = None
    connect_timeout_s: float = 20.0
    read_timeout_s: float = 120.0
    write_timeout_s: float = 120.0
    keepalive: bool = True
    heartbeat_s: int = 30
    #: `never`: all of the topology has to be there.
    declare: Literal["always", "never"] = "always"
    #: After which RabbitMQ takes back what isn't acknowledged; None: never.
    consumer_timeout_s: float | None = 1800.0
    tls: Tls | None = None
    #: Of `broker` in the file, or of the file; None: it came from elsewhere.
    place: Place | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """An exchange of the file's `exchanges` section."""

    name: str
    #: As it is called on the broker: `shop.orders`.
    broker_name: str
    type: ExchangeType
    #: Somebody else's: never declared or changed.
    external: bool = False
    place: Place = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """A queue: written in the file, or made for a task without one."""

    name: str
    #: As it is called on the broker: `shop.demo`.
    broker_name: str
    #: Somebody else's: never declared or changed.
    external: bool = False
    type: QueueType = "quorum"
    ack: Literal["late", "early"] = "late"
    #: Deaths in the lane after which a message is dead.
    crashes: int = 5
    place: Place = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """The waits between attempts: n rungs are n + 1 attempts."""

    #: In milliseconds, as they are written: the first follows the first failed attempt.
    rungs_ms: tuple[int, ...]
    #: In the file; None: it is written in place.
    name: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What to do, the queue it is fed from, what happens when it fails."""

    name: str
    #: One of them: a Python function, or HTTP requests.
    python: EntryPoint | None
    http: HttpTask | None = None
    #: Feeds it where nobody chooses another.
    queue: Queue
    #: Those that may be chosen, `queue` among them.
    queues: tuple[Queue, ...]
    ladder: Ladder | None
    #: For one attempt; None: as long as it likes.
    timeout_s: float | None
    #: The events, by name, that follow a success, and a death.
    then: str | None = None
    on_dead: str | None = None
    logs: TaskLogs = field(default_factory=TaskLogs)
    #: Who is told where it fails.
    owner: str | None = None
    place: Place = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventTask:
    """One task of an event, with the queue and the delay that it has for this event (0: none)."""

    task: Task
    queue: Queue
    delay_ms: int = 0
    place: Place = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PayloadSchema:
    """What the payloads of an event have to be: a JSON Schema of draft 2020-12, without faults."""

    #: As JSON.
    text: str
    #: Its file, as the pipeline's file names it; or the place in that file.
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happens, and the tasks that follow from it."""

    name: str
    #: None: the pipeline's own, `shop.events`.
    exchange: Exchange | None
    #: The routing keys, or the patterns that a routing key has to match one of.
    keys: tuple[str, ...]
    #: An intake: everything in this queue is the event, instead of what an exchange hands on.
    queue: Queue | None = None
    tasks: tuple[EventTask, ...]
    format: Format = "json"
    schema: PayloadSchema | None = None
    #: Label name to template, `{{ order.id }}` from the payload.
    labels: Mapping[str, str] = field(default_factory=dict)
    #: Who is told where its tasks fail, and they have no owner.
    owner: str | None = None
    place: Place = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumer:
    """A set of like processes that take from the same queues."""

    name: str
    queues: tuple[Queue, ...]
    processes: int
    #: Tasks at once in each process.
    concurrency: int
    #: Messages a process holds without having acknowledged them, over all its queues.
    prefetch: int
    #: While its tasks are short, a process holds so many times as many; 1 where the file says how many.
    growth: int = 1
    #: The process leaves, and is replaced, after so many tasks.
    max_tasks: int | None = None
    #: In bytes of resident memory: above it the process leaves and is replaced.
    max_memory: int | None = None
    on_start: EntryPoint | None = None
    on_stop: EntryPoint | None = None
    on_error: EntryPoint | None = None
    place: Place = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """A whole file. The mappings are by the names of the file, in its order."""

    name: str
    #: As it was given, for messages.
    file: str
    #: Absolute; Python modules and relative paths resolve from it.
    folder: str
    #: Those of included files, absolute: Python modules are also found there.
    included: tuple[str, ...] = ()
    #: An IANA name.
    timezone: str
    #: How long a process may finish what runs, once told to stop.
    grace_s: float
    unrouted: Literal["dead", "drop"]
    #: In every record, when given.
    environment: str | None
    broker: Broker
    exchanges: Mapping[str, Exchange]
    queues: Mapping[str, Queue]
    #: By the name of a queue, or of a rung and the like: which of its generations is meant, from 2.
    generations: Mapping[str, int] = field(default_factory=dict)
    tasks: Mapping[str, Task]
    events: Mapping[str, Event]
    producers: Mapping[str, Producer] = field(default_factory=dict)
    consumers: Mapping[str, Consumer]
    sinks: tuple[Sink, ...]
    #: None: nobody is told.
    alerts: Alerts | None = None

    @property
    def folders(self) -> tuple[str, ...]:
        """Where Python modules are looked for, before Python's own places: absolute, its own folder first."""
        return tuple(dict.fromkeys((self.folder, *self.included)))

    def on_broker(self, name: str) -> str:
        """Return what ebats calls `name` on the broker: `shop.name`."""
        return f"{self.name}.{name}"

    def queue_name(self, broker_name: str) -> str:
        """Return what the file calls a queue; of one that isn't in it, what it is called behind `shop.`."""
        for queue in self.queues.values():
            if queue.broker_name == broker_name:
                return queue.name
        return broker_name.removeprefix(f"{self.name}.").partition("~")[0]

    def queue_on_broker(self, name: str) -> str:
        """Return what ebats calls the queue `name` on the broker: `shop.name`, or `shop.name~2`."""
        return self.on_broker(generation_of(name, self.generations))


def generation_of(name: str, generations: Mapping[str, int]) -> str:
    """Return a queue's name with its generation, where it has had more than one: `demo~2`."""
    return f"{name}~{generations[name]}" if name in generations else name
