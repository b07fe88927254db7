"""A producer that is a coroutine or an asynchronous generator, on an event loop of its own."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AbstractContextManager, suppress
from typing import Any, Protocol

from ebats.runner.execution.producer import Items, items
from ebats.runner.publishing.feed import ITEM_ERRORS, Feed
from ebats.runner.publishing.flight import Waits


class Control(Protocol):
    """What says how far a producer may go."""

    #: Set here: what cancels it, from any thread.
    cancel: Callable[[], object]

    @property
    def is_stopping(self) -> bool: ...

    def begin(self, woken: asyncio.Event) -> Feed: ...

    def noted(self) -> AbstractContextManager[None]: ...


def run(made: AsyncIterable[Any] | Awaitable[Items], control: Control) -> None:
    """Publish what a producer yields, to its end, or until it is cancelled.

    Raises:
        Exception: what the producer raises.
    """
    asyncio.run(_run(made, control))


async def _run(made: AsyncIterable[Any] | Awaitable[Items], control: Control) -> None:
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    assert task

    def cancel() -> None:
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(task.cancel)

    control.cancel = cancel
    if control.is_stopping:  # asked before there was anything to cancel
        cancel()
    try:
        found = made if isinstance(made, AsyncIterable) else items(await made)
        if found is not None:
            await _publish(found, control)
    except asyncio.CancelledError:
        if not control.is_stopping:
            raise


async def _publish(found: Iterable[Any] | AsyncIterable[Any], control: Control) -> None:
    woken = asyncio.Event()
    feed = control.begin(woken)
    iterator = aiter(found) if isinstance(found, AsyncIterable) else _asynchronous(found)
    try:
        try:
            await _take(iterator, feed, woken, control)
        finally:
            if close := getattr(iterator, "aclose", None):
                await close()
    except Exception:
        # It begins anew when all that it has yielded is safe: else there would be more and more of it.
        with control.noted():
            await _wait(feed.end(), woken)
        raise
    await _wait(feed.end(), woken)


async def _take(iterator: AsyncIterator[Any], feed: Feed, woken: asyncio.Event, control: Control) -> None:
    take: Callable[[], Awaitable[Any]] = iterator.__anext__
    while not control.is_stopping:
        try:
            item = await take()
        except StopAsyncIteration:
            return
        take = iterator.__anext__
        try:
            await _wait(feed.put(item), woken)
        except ITEM_ERRORS as error:
            take = _throw(iterator, error)


async def _wait(steps: Waits, woken: asyncio.Event) -> None:
    """Go through steps, for as long as they take."""
    sent: bool | None = None
    with suppress(StopIteration):
        while True:
            steps.send(sent)
            sent = await woken.wait()


def _throw(iterator: Any, error: Exception) -> Callable[[], Awaitable[Any]]:
    """Return what raises an error at the `yield` that it is about, and takes what is yielded next."""
    throw = getattr(iterator, "athrow", None)
    if throw is None:
        raise error
    return lambda: _thrown(throw, error)


async def _thrown(throw: Callable[[Exception], Awaitable[Any]], error: Exception) -> Any:
    return await throw(error)


async def _asynchronous(found: Iterable[Any]) -> AsyncIterator[Any]:
    for item in found:
        yield item
