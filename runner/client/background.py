"""An event loop on a thread of its own, with one HTTP session for all that a process does with a client."""

import asyncio
import atexit
import os
import threading
import weakref
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

import aiohttp

T = TypeVar("T")

#: At the exit of the interpreter: for requests that other threads wait for.
_EXIT_S = 5.0

_all: "weakref.WeakSet[Background]" = weakref.WeakSet()
#: What a forked child got of its parent's loops: let go, their sockets would leave the parent's epoll.
_inherited: list[object] = []


class Background:
    """Does asynchronous work for any thread, any event loop, and any forked child."""

    def __init__(self, make_session: Callable[[], aiohttp.ClientSession]) -> None:
        """Work with a session; `make_session` is called once in each process, on the thread's loop."""
        self._make_session = make_session
        self._lock = threading.Lock()
        self._running: _Running | None = None
        _all.add(self)

    def start(self, work: Callable[[aiohttp.ClientSession], Coroutine[Any, Any, T]]) -> "Future[T]":
        """Start work on the loop, and return what tells of its end."""
        with self._lock:
            if self._running is None:
                self._running = _Running(self._make_session)
            return self._running.start(work)

    def close(self, timeout_s: float) -> None:
        """Wait for the work that is in hand, at most so long, and close the session."""
        with self._lock:
            running, self._running = self._running, None
        if running:
            running.stop(timeout_s)
            running.thread.join(timeout_s + _EXIT_S)

    def finish(self) -> None:
        """Close the session; nobody waits for that."""
        with self._lock:
            running, self._running = self._running, None
        if running:
            running.stop(0.0)

    def forget(self) -> None:
        """Begin anew, in a forked child: thread, loop and lock are the parent's."""
        _inherited.append(self._running)
        self._running = None
        self._lock = threading.Lock()


class _Running:
    """The thread of one process, from its start to its end."""

    def __init__(self, make_session: Callable[[], aiohttp.ClientSession]) -> None:
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._patience_s = 0.0
        begun: Future[aiohttp.ClientSession] = Future()
        self.thread = threading.Thread(
            target=self._run, args=(make_session, begun), name="ebats-client", daemon=True
        )
        self.thread.start()
        self._session = begun.result()

    def start(self, work: Callable[[aiohttp.ClientSession], Coroutine[Any, Any, T]]) -> "Future[T]":
        return asyncio.run_coroutine_threadsafe(work(self._session), self._loop)

    def stop(self, patience_s: float) -> None:
        self._patience_s = patience_s
        self._loop.call_soon_threadsafe(self._stop.set)

    def _run(
        self, make_session: Callable[[], aiohttp.ClientSession], begun: "Future[aiohttp.ClientSession]"
    ) -> None:
        try:
            self._loop.run_until_complete(self._serve(make_session, begun))
        except BaseException as error:
            if begun.done():
                raise
            begun.set_exception(error)
        finally:
            self._loop.close()

    async def _serve(
        self, make_session: Callable[[], aiohttp.ClientSession], begun: "Future[aiohttp.ClientSession]"
    ) -> None:
        async with make_session() as session:
            begun.set_result(session)
            await self._stop.wait()
            left = asyncio.all_tasks() - {asyncio.current_task()}
            if left and self._patience_s:
                _, left = await asyncio.wait(left, timeout=self._patience_s)
            for task in left:
                task.cancel()
            if left:
                await asyncio.wait(left)


def _forget_all() -> None:
    for background in list(_all):
        background.forget()


def _close_all() -> None:
    for background in list(_all):
        background.close(_EXIT_S)


os.register_at_fork(after_in_child=_forget_all)
atexit.register(_close_all)
