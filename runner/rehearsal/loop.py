"""An event loop on an agenda's clock: `asyncio.sleep` and time-outs take no time."""

import asyncio
import contextvars
import selectors
import threading
from collections.abc import Callable, Coroutine
from typing import Any

from ebats.runner.rehearsal.agenda import Agenda

#: Sockets and the like of a task's own are waited for so long, when nothing else is to be done.
_PATIENCE_S = 2.0


class Loop(asyncio.SelectorEventLoop):
    """Runs coroutines until all of them wait, whenever its agenda comes to that."""

    def __init__(self, agenda: Agenda) -> None:
        self._agenda = agenda
        self._due = False
        super().__init__(_Selector(self.stop))

    def start(self, coroutine: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        """Let a coroutine run, from the agenda's next turn on."""
        return self.create_task(coroutine)

    def finish(self) -> None:
        """Cancel what is left, and close."""
        for task in asyncio.all_tasks(self):
            task.cancel()
        self._pump()
        self.run_until_complete(self.shutdown_asyncgens())
        self.close()

    # What asyncio asks of a loop, and means otherwise.

    def time(self) -> float:
        """Return the agenda's time."""
        return self._agenda.monotonic()

    def call_soon(  # type: ignore[override]
        self,
        callback: Callable[..., object],
        *args: Any,
        context: contextvars.Context | None = None,
    ) -> asyncio.Handle:
        """Call when its turn comes, and see to it that there is one."""
        if not self._due:
            self._due = True
            self._agenda.after(0.0, self._pump)
        return super().call_soon(callback, *args, context=context)

    def call_at(  # type: ignore[override]
        self,
        when: float,
        callback: Callable[..., object],
        *args: Any,
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        """Call at a time of the agenda's."""
        handle = asyncio.TimerHandle(when, callback, args, self, context)

        def call() -> None:
            if not handle.cancelled():
                callback(*args)

        def ring() -> None:
            if not handle.cancelled():
                self.call_soon(call, context=context)

        self._agenda.after(when - self.time(), ring)
        return handle

    def call_later(  # type: ignore[override]
        self,
        delay: float,
        callback: Callable[..., object],
        *args: Any,
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        """Call after so many seconds of the agenda's."""
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Do nothing: the agenda finds out when its time has come."""

    def run_in_executor(  # type: ignore[override]
        self,
        executor: object,  # noqa: ARG002 - none is needed
        func: Callable[..., Any],
        *args: Any,
    ) -> "asyncio.Future[Any]":
        """Call at once, on a thread that is waited for: what sync code of tasks does takes no time here."""
        future: asyncio.Future[Any] = self.create_future()

        def work() -> None:
            try:
                result = func(*args)
            except BaseException as error:  # a future holds what a thread raises
                future.set_exception(error)
            else:
                future.set_result(result)

        thread = threading.Thread(target=work, name="rehearsal")
        thread.start()
        thread.join()
        return future

    def _pump(self) -> None:
        self._due = True
        self.run_forever()
        self._due = False


class _Selector(selectors.DefaultSelector):
    """Ends a loop that has nothing left to do."""

    def __init__(self, stop: Callable[[], None]) -> None:
        super().__init__()
        self._stop = stop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what can be read or written; timeout None: nobody has anything to do but wait."""
        # The loop itself has one, by which other threads wake it.
        if len(self.get_map()) <= 1:
            if timeout is None:
                self._stop()
            return []
        found = super().select(_PATIENCE_S if timeout is None else 0)
        if timeout is None and not found:
            self._stop()
        return found
