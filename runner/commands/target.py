"""Where a message goes that is published by hand: what the command line names, looked up in the file."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from ebats.pipelines import addresses
from ebats.pipelines.addresses import LONGEST_KEY, Address
from ebats.pipelines.model import Event, Format, Pipeline
from ebats.pipelines.problems import UsageError
from ebats.pipelines.routes import Routes
from ebats.pipelines.suggestion import suggest
from ebats.pipelines.wiring import wire
from ebats.runner.execution.schemas import Schemas

#: The pipeline's own exchanges, as they are called on the command line.
EVENTS, TASKS = "events", "tasks"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where messages go."""

    #: Returns, for a Unix time in seconds, where a message goes that is published then: one address, or one
    #: for each of an event's tasks.
    addresses: Callable[[float], tuple[Address, ...]]
    #: What the bodies have to be.
    format: Format
    #: For people: `event order_create`.
    name: str
    #: Raises BadPayload for what breaks the schema of an event that it would be.
    check: Callable[[object], None] = lambda _payload: None

    @property
    def copies(self) -> int:
        """How many messages on the broker one published message is."""
        return len(self.addresses(0.0))


def of_event(
    pipeline: Pipeline, name: str, delay_s: float = 0.0, queue: str | None = None, key: str | None = None
) -> Target:
    """Return where an event of the file is published.

    Raises:
        UsageError: there is no such event, `key` isn't its, or its tasks may not run from that queue.
    """
    event = pipeline.events.get(name)
    if event is None:
        raise _unknown(f"{pipeline.file} has no event {name!r}", name, pipeline.events)
    wired = wire(pipeline)

    def found(now: float) -> tuple[Address, ...]:
        return addresses.of_event(pipeline.name, wired, name, now=now, delay_s=delay_s, queue=queue, key=key)

    hint = ", with --key KEY" if key is None and queue is None and not delay_s else ""
    return replace(_target(found, event.format, f"event {name}", hint), check=_by_schemas(pipeline, (event,)))


def of_task(pipeline: Pipeline, name: str, delay_s: float = 0.0, queue: str | None = None) -> Target:
    """Return where a message for one task is published.

    Raises:
        UsageError: there is no such task, or it may not run from that queue.
    """
    if name not in pipeline.tasks:
        raise _unknown(f"{pipeline.file} has no task {name!r}", name, pipeline.tasks)
    wired = wire(pipeline)

    def found(now: float) -> tuple[Address, ...]:
        return (addresses.of_task(pipeline.name, wired, name, now=now, delay_s=delay_s, queue=queue),)

    return _target(found, "json", f"task {name}")


def _target(
    found: Callable[[float], tuple[Address, ...]], format_: Format, name: str, hint: str = ""
) -> Target:
    try:
        found(0.0)
    except addresses.Unaddressable as error:
        raise UsageError(f"{error}{hint}") from None
    return Target(addresses=found, format=format_, name=name)


def of_exchange(pipeline: Pipeline, name: str, key: str) -> Target:
    """Return an exchange of the file, or the pipeline's own `events` and `tasks`, with any key.

    Raises:
        UsageError: there is no such exchange, or nothing can have this key there.
    """
    known = (*pipeline.exchanges, EVENTS, TASKS)
    if name not in known:
        raise _unknown(f"{pipeline.file} has no exchange {name!r}", name, known)
    if name == TASKS and not key.startswith("@"):
        task, _, queue = key.partition("@")
        return of_task(pipeline, task, queue=queue or None)
    broker_name = (
        pipeline.exchanges[name].broker_name if name in pipeline.exchanges else pipeline.on_broker(name)
    )
    events = Routes(pipeline).events_of(broker_name, key)
    if name == EVENTS and not events:
        own = [event.name for event in pipeline.events.values() if not event.exchange]
        raise _unknown(f"no event has the key {key!r} on the exchange {name!r}", key, own)
    if len(key.encode()) > LONGEST_KEY:
        raise UsageError(f"a key is {LONGEST_KEY} bytes at most")
    name = f"exchange {name}, key {key!r}" if key else f"exchange {name}"
    address = Address(exchange=broker_name, key=key)
    check = _by_schemas(pipeline, events)
    return Target(addresses=lambda _now: (address,), format=_format(events), name=name, check=check)


def _by_schemas(pipeline: Pipeline, events: tuple[Event, ...]) -> Callable[[object], None]:
    schemas = Schemas(pipeline)

    def check(payload: object) -> None:
        for event in events:
            schemas.check(event.name, payload)

    return check


def _unknown(text: str, name: str, known: Iterable[str]) -> UsageError:
    hint = suggest(name, known)
    return UsageError(f"{text}; {hint}" if hint else text)


def _format(events: tuple[Event, ...]) -> Format:
    """Return the one format that all events of a message have; without any it is JSON, as everywhere."""
    formats: set[Format] = {event.format for event in events}
    if not formats:
        return "json"
    return formats.pop() if len(formats) == 1 else "bytes"
