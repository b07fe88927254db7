"""Where a message goes that is published by hand: what the command line names, looked up in the file."""

from collections.abc import Iterable
from dataclasses import dataclass

from ebats.pipelines import addresses
from ebats.pipelines.model import Event, Format, Pipeline
from ebats.pipelines.problems import UsageError
from ebats.pipelines.routes import Routes
from ebats.pipelines.wiring import wire
from ebats.pipelines.wording import suggest

#: The pipeline's own exchanges, as they are called on the command line.
EVENTS, TASKS = "events", "tasks"
#: Of names and keys, in AMQP.
_LONGEST = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """An address on the broker."""

    #: As the broker calls it.
    exchange: str
    key: str
    #: What the bodies have to be.
    format: Format
    #: For people: `event order_create`.
    name: str


def of_event(pipeline: Pipeline, name: str) -> Target:
    """Return where an event of the file is published.

    Raises:
        UsageError: there is no such event, or it is a pattern, which no message can have as its key.
    """
    event = pipeline.events.get(name)
    if event is None:
        raise _unknown(f"{pipeline.file} has no event {name!r}", name, pipeline.events)
    try:
        (address,) = addresses.of_event(pipeline.name, wire(pipeline), name, now=0.0)
    except addresses.Unaddressable as error:
        exchange = event.exchange.name if event.exchange else EVENTS
        raise UsageError(f"{error}, with --exchange {exchange} --key KEY") from None
    return Target(exchange=address.exchange, key=address.key, format=event.format, name=f"event {name}")


def of_task(pipeline: Pipeline, name: str) -> Target:
    """Return where a message for one task is published.

    Raises:
        UsageError: there is no such task.
    """
    if name not in pipeline.tasks:
        raise _unknown(f"{pipeline.file} has no task {name!r}", name, pipeline.tasks)
    return Target(exchange=pipeline.on_broker(TASKS), key=name, format="json", name=f"task {name}")


def of_exchange(pipeline: Pipeline, name: str, key: str) -> Target:
    """Return an exchange of the file, or the pipeline's own `events` and `tasks`, with any key.

    Raises:
        UsageError: there is no such exchange, or nothing can have this key there.
    """
    known = (*pipeline.exchanges, EVENTS, TASKS)
    if name not in known:
        raise _unknown(f"{pipeline.file} has no exchange {name!r}", name, known)
    if name == TASKS and not key.startswith("@"):
        return of_task(pipeline, key)
    broker_name = (
        pipeline.exchanges[name].broker_name if name in pipeline.exchanges else pipeline.on_broker(name)
    )
    events = Routes(pipeline).events_of(broker_name, key)
    if name == EVENTS and not events:
        own = [event.name for event in pipeline.events.values() if not event.exchange]
        raise _unknown(f"no event has the key {key!r} on the exchange {name!r}", key, own)
    if len(key.encode()) > _LONGEST:
        raise UsageError(f"a key is {_LONGEST} bytes at most")
    name = f"exchange {name}, key {key!r}" if key else f"exchange {name}"
    return Target(exchange=broker_name, key=key, format=_format(events), name=name)


def _unknown(text: str, name: str, known: Iterable[str]) -> UsageError:
    hint = suggest(name, known)
    return UsageError(f"{text}; {hint}" if hint else text)


def _format(events: tuple[Event, ...]) -> Format:
    """Return the one format that all events of a message have; without any it is JSON, as everywhere."""
    formats: set[Format] = {event.format for event in events}
    if not formats:
        return "json"
    return formats.pop() if len(formats) == 1 else "bytes"
