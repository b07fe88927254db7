"""Where an item goes, by the names of the file: exchange and key, and what its body has to be. Pure."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ebats.pipelines import addresses
from ebats.pipelines.addresses import DUE, LONGEST_KEY, Address, Unaddressable
from ebats.pipelines.model import Event, Exchange, Format, Pipeline, Queue, Task
from ebats.pipelines.producer import Allow
from ebats.pipelines.routes import Routes
from ebats.pipelines.wiring import wire
from ebats.runner.execution import call
from ebats.runner.execution.ids import new_id
from ebats.runner.execution.settle import Outgoing
from ebats.runner.gateway.items import BadItem, Item
from ebats.runner.publishing import messages

#: Names of other items are looked up anew: routes may be without number.
_KNOWN = 10_000

Section = Literal["exchanges", "queues", "events", "tasks"]
#: (Unix time in seconds, delay in seconds) -> where a message goes that is published then.
_Addresses = Callable[[float, float], tuple[Address, ...]]
#: (event, payload) -> what is wrong with the payload, by the event's schema.
Problem = Callable[[str, Any], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where items of some names go."""

    #: Of what a caller has to be allowed to publish to.
    section: Section
    name: str
    addresses: _Addresses
    #: The events that its messages are.
    events: tuple[Event, ...] = ()
    #: What bodies have to be; None: nobody here knows.
    format: Format | None = None
    #: It was named as an event, or a task: its payload is what that takes, and not always JSON.
    is_named: bool = False


class Targets:
    """Makes messages of items, by the names of one pipeline."""

    def __init__(self, pipeline: Pipeline, problem: Problem) -> None:
        """Look up in a pipeline; `problem` says what is wrong with a payload, by its event's schema."""
        self._pipeline = pipeline
        self._problem = problem
        self._wiring = wire(pipeline)
        self._routes = Routes(pipeline)
        self._intakes = {event.queue.name: event for event in pipeline.events.values() if event.queue}
        self._found: dict[tuple[str | None, ...], Target] = {}
        #: Where those go that aren't to wait.
        self._straight: dict[tuple[str | None, ...], tuple[Address, ...]] = {}

    def messages(
        self, item: Item, *, id_: str | None = None, allow: Allow | None = None, most: int | None = None
    ) -> list[Outgoing]:
        """Return an item's messages: one, or one for each task of an event; all have the same id.

        Args:
            item: What to publish.
            id_: Of an item that gives none; None: a new one.
            allow: What its sender may publish to; None: everything.
            most: How many bytes its body may have.

        Raises:
            BadItem: its names mean nothing, its sender may not publish there, or its body doesn't fit.
        """
        target = self._target(item)
        if allow is not None and target.name not in getattr(allow, target.section):
            text = f"you may not publish to the {target.section[:-1]} `{target.name}`"
            raise BadItem(text, "forbidden")
        body, format_ = self._body(item, target)
        if most is not None and len(body) > most:
            raise BadItem(f"the body has {len(body):,} bytes, and {most:,} are allowed", "too_large")
        now, id_ = time.time(), item.id or id_ or new_id()
        where = self._addresses(item, target, now)
        headers = item.headers or {}
        return [messages.message(address, body, format_, id_, now, headers) for address in where]

    def _addresses(self, item: Item, target: Target, now: float) -> tuple[Address, ...]:
        if not item.delay_s and (straight := self._straight.get(item.names)):
            return straight
        try:
            found = target.addresses(now, item.delay_s)
        except Unaddressable as error:
            # What programs call a key is a route in items.
            raise BadItem(str(error).replace("choose a key", "choose a `route`")) from None
        # From a chosen queue, what the file delays waits too: until a moment that is another each time.
        if not item.delay_s and not any(DUE in address.headers for address in found):
            self._straight[item.names] = found
        return found

    def _target(self, item: Item) -> Target:
        names = item.names
        found = self._found.get(names)
        if found is None:
            if len(self._found) >= _KNOWN:
                self._found.clear()
                self._straight.clear()
            found = self._found[names] = self._look_up(item)
        return found

    def _look_up(self, item: Item) -> Target:
        if any(name and len(name) > LONGEST_KEY for name in item.names):
            # Nothing here is called so, and what is found is kept.
            raise BadItem(f"a name, or a route, has {LONGEST_KEY} bytes at most")
        if item.route and "\0" in item.route:
            raise BadItem(f"a route has {LONGEST_KEY} bytes at most, and no NUL")
        if item.event is not None or item.task is not None:
            if item.exchange is not None or (item.event is not None and item.task is not None):
                raise BadItem("an item has one of `event`, `task` and `exchange`")
            return self._event(item, item.event) if item.event is not None else self._task(item)
        if item.exchange is not None:
            return self._exchange(item, item.exchange)
        if item.queue is None:
            raise BadItem("the item has no `exchange`, `queue`, `event` or `task`: where does it go?")
        if item.route:
            raise BadItem("`route` goes with `exchange`: a queue alone has none")
        return self._queue(_known(self._pipeline.queues, item.queue, "queue"))

    def _event(self, item: Item, name: str) -> Target:
        event: Event = _known(self._pipeline.events, name, "event")
        return Target(
            section="events",
            name=name,
            addresses=lambda now, delay_s: self._of_event(name, now, delay_s, item.queue, item.route),
            events=(event,),
            format=event.format,
            is_named=True,
        )

    def _task(self, item: Item) -> Target:
        task: Task = _known(self._pipeline.tasks, str(item.task), "task")
        if item.route is not None:
            raise BadItem("`route` goes with `exchange`, or an event: a task has none")
        return Target(
            section="tasks",
            name=task.name,
            addresses=lambda now, delay_s: self._of_task(task.name, now, delay_s, item.queue),
            format="json",
            is_named=True,
        )

    def _exchange(self, item: Item, name: str) -> Target:
        exchange: Exchange = _known(self._pipeline.exchanges, name, "exchange")
        if item.route is None and exchange.type != "fanout":
            raise BadItem(f"the item has no `route`, and `{name}` is a {exchange.type} exchange")
        key = item.route or ""
        if len(key.encode()) > LONGEST_KEY:
            raise BadItem(f"a route has {LONGEST_KEY} bytes at most")
        events = self._routes.events_of(exchange.broker_name, key)
        if item.queue is not None:
            self._check_bound(exchange, key, events, item.queue)
        straight = (Address(exchange=exchange.broker_name, key=key),)
        formats: set[Format] = {event.format for event in events}
        return Target(
            section="exchanges",
            name=name,
            addresses=lambda now, delay_s: self._delayed(name, key, events, now, delay_s) or straight,
            events=events,
            format=formats.pop() if len(formats) == 1 else None,
        )

    def _check_bound(self, exchange: Exchange, key: str, events: tuple[Event, ...], queue: str) -> None:
        """Check that the file binds a route to a queue."""
        _known(self._pipeline.queues, queue, "queue")
        if not any(each.queue.name == queue for event in events for each in event.tasks):
            text = f"no event binds `{exchange.name}` with the route {key!r:.80} to the queue `{queue}`"
            raise BadItem(f"{text}: leave one of them out")

    def _delayed(
        self, exchange: str, key: str, events: tuple[Event, ...], now: float, delay_s: float
    ) -> tuple[Address, ...]:
        """Return where a message goes that is to wait: to its events' tasks, for no exchange can hold it."""
        if not delay_s:
            return ()
        if not events:
            text = f"no event is `{exchange}` with the route {key!r:.80}"
            raise BadItem(f"{text}: only what goes to tasks of this file can be delayed")
        return tuple(
            address for event in events for address in self._of_event(event.name, now, delay_s, key=key)
        )

    def _queue(self, queue: Queue) -> Target:
        intake = self._intakes.get(queue.name)
        task = self._routes.only_task(queue.broker_name)
        if not intake and not task and any(queue in each.queues for each in self._pipeline.tasks.values()):
            raise BadItem(f"the queue `{queue.name}` feeds several tasks: say which, by `task`, or an event")
        straight = (Address(exchange="", key=queue.broker_name),)

        def found(now: float, delay_s: float) -> tuple[Address, ...]:
            if not delay_s:
                return straight
            if intake:
                return self._of_event(intake.name, now, delay_s)
            if task:
                return self._of_task(task.name, now, delay_s, queue.name)
            raise BadItem(f"`{queue.name}` feeds no task of this file: what goes there can't be delayed")

        format_ = intake.format if intake else "json" if task else None
        events = (intake,) if intake else ()
        return Target(section="queues", name=queue.name, addresses=found, events=events, format=format_)

    def _of_event(
        self, name: str, now: float, delay_s: float, queue: str | None = None, key: str | None = None
    ) -> tuple[Address, ...]:
        return addresses.of_event(
            self._pipeline.name, self._wiring, name, now=now, delay_s=delay_s, queue=queue, key=key
        )

    def _of_task(self, name: str, now: float, delay_s: float, queue: str | None) -> tuple[Address, ...]:
        found = addresses.of_task(
            self._pipeline.name, self._wiring, name, now=now, delay_s=delay_s, queue=queue
        )
        return (found,)

    def _body(self, item: Item, target: Target) -> tuple[bytes, Format]:
        """Return the body of an item's messages, and which format it has."""
        as_text = item.raw or (target.is_named and target.format in ("text", "bytes"))
        if not as_text:
            self._check(target, item.payload)
            return item.json, "json"
        if not isinstance(item.payload, str):
            why = "`raw` says" if item.raw else f"the event's format, {target.format}, says"
            raise BadItem(f"the payload has to be a text, as {why}")
        body = item.payload.encode()
        if target.format == "json":
            try:
                self._check(target, call.decode(body, "json"))
            except call.BadBody as error:
                raise BadItem(f"the payload, as it stands, can't be what its task takes: {error}") from None
        return body, target.format or "text"

    def _check(self, target: Target, payload: Any) -> None:
        for event in target.events:
            if text := self._problem(event.name, payload):
                raise BadItem(text)


def _known(known: Mapping[str, Any], name: str, kind: str) -> Any:
    if name in known:
        return known[name]
    raise BadItem(f"there is no {kind} {name!r:.80}", name=name, known=known)
