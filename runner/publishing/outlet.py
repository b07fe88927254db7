"""The methods by which programs and tasks publish, sync and async; where the messages go is its makers'."""

import threading
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, Unpack

from ebats.pipelines.addresses import Address
from ebats.pipelines.counting import counted
from ebats.pipelines.model import Format
from ebats.runner.execution.api import EventOptions, TaskOptions
from ebats.runner.execution.clock import Clock
from ebats.runner.execution.ids import new_id
from ebats.runner.execution.schemas import Schemas
from ebats.runner.execution.settle import Outgoing
from ebats.runner.publishing import messages
from ebats.runner.publishing.flight import Flight, Sends
from ebats.runner.publishing.messages import Duration
from ebats.runner.publishing.names import Names

if TYPE_CHECKING:
    import asyncio

#: Messages of one `publish_many` on their way: enough to hide the round trip.
WINDOW = 1000

T = TypeVar("T")

_OPTIONS = ("id", "delay", "queue", "headers", "key")
#: An item of `publish_many`: (event, payload), and what else `publish` takes by name.
Item = tuple[str, Any] | tuple[str, Any, Mapping[str, Any]]


class Outlet:
    """Publishes to one pipeline. Any thread may call it, and any event loop."""

    _timeout_s: float
    _names: Names
    #: None: nobody here knows the file.
    _schemas: Schemas | None = None
    _clock: Clock = time
    #: Makes the ids of messages that are given none.
    _new_id: Callable[[], str] = staticmethod(new_id)

    def _sender(self) -> Sends:
        """Return what sends, ready to do so; this may wait for the broker."""
        raise NotImplementedError

    def _is_ready(self) -> bool:
        """Return whether `_sender` answers at once."""
        raise NotImplementedError

    def _why(self) -> str:
        """Return what is wrong with the broker, if that is known."""
        return ""

    def publish(self, event: str, payload: Any, **options: Unpack[EventOptions]) -> str:
        """Publish an event and return the message's id, once the broker has confirmed it.

        Args:
            event: Its name.
            payload: What JSON can hold; a `str` or `bytes` where the event has that format.
            options: `id`: the message's id, to know repeats by; a new one by default.
                `delay`: how long its tasks wait: "37s", a timedelta, or seconds.
                `queue`: its tasks run from this queue, one that the file allows them.
                `headers`: AMQP headers for the tasks to see.
                `key`: for an event that is a pattern: a routing key that matches.

        Raises:
            TypeError, ValueError: an argument can't be published, or names what isn't there. Nothing
                was sent.
            NotConfirmed: the broker didn't confirm within the time-out: the message may arrive, or not.
            Unroutable: no queue takes it.
            Refused: the broker refuses it for good.
        """
        return self._publish(partial(self._event, event, payload, **options))

    def run_task(self, task: str, payload: Any, **options: Unpack[TaskOptions]) -> str:
        """Publish a message for one task, whatever its events; see `publish`, but for `key`."""
        return self._publish(partial(self._task, task, payload, **options))

    def publish_many(self, items: Iterable[Item]) -> list[str]:
        """Publish many events and return their ids, once the broker has confirmed all.

        Items are `(event, payload)` or `(event, payload, {"id": ..., "delay": ..., ...})`. They are
        taken one by one, and no more than a thousand messages are on their way at once.

        Raises:
            PublishError: as `publish`; its `confirmed` are the ids of those that are there.
            Exception: what the iterable raises, or what is wrong with an item, when the fate of all
                messages before is known.
        """
        ids: list[str] = []
        with self.flight(threading.Event()) as flight:
            try:
                for item in items:
                    self._send(flight, self.prepare(item), ids)
                    if len(flight) >= WINDOW or flight.has_failed:
                        flight.wait(flight.room(WINDOW // 2))
                        if flight.has_failed:
                            break
            except Exception as error:
                flight.wait(flight.end(ids))
                _note(error, ids)
                raise
            flight.wait(flight.end(ids))
        return ids

    async def publish_async(self, event: str, payload: Any, **options: Unpack[EventOptions]) -> str:
        """Do what `publish` does, for a coroutine to await."""
        return await self._publish_async(partial(self._event, event, payload, **options))

    async def run_task_async(self, task: str, payload: Any, **options: Unpack[TaskOptions]) -> str:
        """Do what `run_task` does, for a coroutine to await."""
        return await self._publish_async(partial(self._task, task, payload, **options))

    async def publish_many_async(self, items: Iterable[Item] | AsyncIterable[Item]) -> list[str]:
        """Do what `publish_many` does, for a coroutine to await; the items may come asynchronously."""
        import asyncio  # costs memory, and most processes don't need it

        ids: list[str] = []
        await self._get_ready()
        with self.flight(asyncio.Event()) as flight:
            try:
                async for item in _each(items):
                    self._send(flight, await self._ask(partial(self.prepare, item)), ids)
                    if len(flight) >= WINDOW or flight.has_failed:
                        await flight.wait_async(flight.room(WINDOW // 2))
                        if flight.has_failed:
                            break
            except Exception as error:
                await flight.wait_async(flight.end(ids))
                _note(error, ids)
                raise
            await flight.wait_async(flight.end(ids))
        return ids

    def _publish(self, prepare: Callable[[], list[Outgoing]]) -> str:
        outgoing = prepare()
        ids: list[str] = []
        with self.flight(threading.Event()) as flight:
            self._send(flight, outgoing, ids)
            flight.wait(flight.end())
        return ids[0]

    async def _publish_async(self, prepare: Callable[[], list[Outgoing]]) -> str:
        import asyncio

        outgoing = await self._ask(prepare)
        ids: list[str] = []
        await self._get_ready()
        with self.flight(asyncio.Event()) as flight:
            self._send(flight, outgoing, ids)
            await flight.wait_async(flight.end())
        return ids[0]

    def flight(self, event: "threading.Event | asyncio.Event") -> Flight:
        """Return a way for messages whose sender waits by `event`; this may wait for the broker."""
        return Flight(self._sender(), self._timeout_s, self._why, event)

    async def _get_ready(self) -> None:
        """Do in a thread what may wait for the broker."""
        if not self._is_ready():
            await _in_thread(self._sender)

    async def _ask(self, prepare: Callable[[], list[Outgoing]]) -> list[Outgoing]:
        """Prepare a message, in a thread where the broker is asked what its names mean."""
        return await _in_thread(prepare) if self._names.may_ask else prepare()

    def _send(self, flight: Flight, outgoing: list[Outgoing], ids: list[str]) -> None:
        ids.append(outgoing[0].properties["message_id"])
        for each in outgoing:
            flight.send(each)

    def prepare(self, item: Item) -> list[Outgoing]:
        """Return the messages that an item of `publish_many` is: several for an event with a delay.

        Raises:
            TypeError, ValueError: it can't be published.
        """
        if not isinstance(item, tuple | list) or not 2 <= len(item) <= 3:
            raise TypeError(f"an item is (event, payload) or (event, payload, options), unlike {item!r:.60}")
        event, payload, *more = item
        options: Mapping[str, Any] = more[0] if more else {}
        if not isinstance(options, Mapping):
            raise TypeError(f"the options of an item are a mapping: {{'id': ...}}, unlike {options!r:.60}")
        if unknown := [name for name in options if name not in _OPTIONS]:
            raise TypeError(f"an item has no option {unknown[0]!r}; there are {', '.join(_OPTIONS)}")
        return self._event(event, payload, **options)

    def _event(
        self,
        name: str,
        payload: Any,
        *,
        id: str | None = None,
        delay: Duration | None = None,
        queue: str | None = None,
        headers: Mapping[str, Any] | None = None,
        key: str | None = None,
    ) -> list[Outgoing]:
        now, delay_s = self._clock.time(), 0.0 if delay is None else messages.seconds(delay)
        found = self._names.event(name, now, delay_s, queue, key)
        format_ = self._names.format_of(name) or _format_of(payload)
        body = messages.encode(payload, format_)
        if self._schemas:
            self._schemas.check_body(name, body)
        return self._outgoing(found, body, format_, id, headers, now)

    def _task(
        self,
        name: str,
        payload: Any,
        *,
        id: str | None = None,
        delay: Duration | None = None,
        queue: str | None = None,
        headers: Mapping[str, Any] | None = None,
    ) -> list[Outgoing]:
        now, delay_s = self._clock.time(), 0.0 if delay is None else messages.seconds(delay)
        found = self._names.task(name, now, delay_s, queue)
        return self._outgoing((found,), messages.encode(payload, "json"), "json", id, headers, now)

    def _outgoing(
        self,
        found: tuple[Address, ...],
        body: bytes,
        format_: Format,
        id_: str | None,
        headers: Mapping[str, Any] | None,
        now: float,
    ) -> list[Outgoing]:
        id_ = self._new_id() if id_ is None else messages.check_id(id_)
        if headers is not None:
            messages.check_headers(headers)
        return [messages.message(address, body, format_, id_, now, headers or {}) for address in found]


def _format_of(payload: Any) -> Format:
    return "bytes" if isinstance(payload, bytes | bytearray | memoryview) else "json"


def _note(error: Exception, ids: list[str]) -> None:
    confirmed = counted(len(ids), "message")
    error.add_note(f"publish_many: {confirmed} before it {'is' if len(ids) == 1 else 'are'} confirmed")


async def _in_thread(work: Callable[[], T]) -> T:
    import asyncio

    return await asyncio.to_thread(work)


async def _each(items: Iterable[Item] | AsyncIterable[Item]) -> AsyncIterator[Item]:
    if isinstance(items, AsyncIterable):
        async for item in items:
            yield item
    else:
        for item in items:
            yield item
