"""The places where tasks run: threads for sync ones, one event loop for async ones."""

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from ebats.pipelines.model import Task
from ebats.runner.execution.call import Function
from ebats.runner.execution.delivery import Delivery
from ebats.runner.execution.envelope import Envelope
from ebats.runner.execution.outcome import Result

if TYPE_CHECKING:
    import asyncio


class Callback(Protocol):
    """Does what a task does without a Python function: its HTTP requests."""

    @property
    def is_async(self) -> bool:
        """Return whether it belongs on the event loop."""
        ...

    async def attempt(self, run: "Run", payload: object) -> Result:
        """Make one attempt with a decoded payload; it ends within the task's time-out, and raises nothing.

        But for its cancellation: the run has been handed back then, and `Run.done` has gone with it.
        """
        ...


class Run(msgspec.Struct, eq=False):
    """One task's run for one delivery."""

    envelope: Envelope
    task: Task
    #: None: it can't be imported, and the run fails before it starts.
    function: Function | Callback | None
    #: Monotonic time at which its delivery came: the machine's clock may be set meanwhile.
    came: float = msgspec.field(default_factory=time.monotonic)
    #: Monotonic time of the start; 0: not started.
    started: float = 0.0
    #: Unix time of the start.
    started_at: float = 0.0
    #: It has been settled, or handed back: what it may still return counts for nothing.
    settled: bool = False
    #: Numbers of its requests that have succeeded, those of earlier attempts among them.
    done: tuple[int, ...] = ()
    #: The asyncio task, while an async one runs.
    future: "asyncio.Task[None] | None" = None

    @property
    def is_async(self) -> bool:
        """Return whether the run belongs on the event loop."""
        return self.function is not None and self.function.is_async


class Slots:
    """Lets at most `concurrency` runs go at once; the others wait in order.

    `execute` runs a sync one to its end, on one of the threads; `execute_async` makes the coroutine
    of an async one. Neither raises but where the process is in trouble, without memory: see `failure`.
    """

    def __init__(
        self,
        concurrency: int,
        execute: Callable[[Run], None],
        execute_async: Callable[[Run], Coroutine[Any, Any, None]],
    ) -> None:
        self._execute = execute
        self._execute_async = execute_async
        self._concurrency = concurrency
        self._free = concurrency
        self._lock = threading.Lock()
        self._waiting: deque[Run] = deque()
        #: On their way to a thread or to the event loop, in order.
        self._starting: dict[Run, None] = {}
        #: Those of them that the next free thread begins, and what wakes one.
        self._ready: deque[Run] = deque()
        self._wakes: queue.SimpleQueue[None] = queue.SimpleQueue()
        #: A thread has been woken and has not looked yet: it wakes the next one itself.
        self._waking = False
        self._threads = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False
        #: How many runs may still start; None: any number.
        self.allowance: int | None = None
        self.running: set[Run] = set()
        #: How many runs have ended.
        self.ended = 0
        #: What kept a run from being settled, or ended a thread: the process has to end, too.
        self.failure: BaseException | None = None

    def submit(self, run: Run) -> bool:
        """Start a run, or let it wait for a free slot; False: the slots are closed."""
        with self._lock:
            if self._closed:
                return False
            if not self._free or not self._allow():
                self._waiting.append(run)
                return True
            self._free -= 1
            self._starting[run] = None
        self._start(run)
        return True

    def overdue(self, before: float) -> list[Run]:
        """Take out and return the runs that wait here since before a monotonic time."""
        with self._lock:
            # The event loop may be held up by a task that doesn't await.
            taken = [run for run in self._starting if run.came < before]
            for run in taken:
                del self._starting[run]
            while self._waiting and self._waiting[0].came < before:
                taken.append(self._waiting.popleft())
        return taken

    @property
    def is_spent(self) -> bool:
        """Return whether no run may start any more: `allowance` is used up."""
        return self.allowance is not None and self.allowance <= 0

    def take_runs(self, delivery: Delivery) -> tuple[list[Run], list[Run]]:
        """Return a delivery's runs: those that have not begun, which are taken out, and those that run."""
        with self._lock:
            running = [run for run in self.running if run.envelope.delivery is delivery]
            never = [run for run in (*self._starting, *self._waiting) if run.envelope.delivery is delivery]
            for run in never:
                if run in self._starting:
                    del self._starting[run]
                else:
                    self._waiting.remove(run)
        return never, running

    def close(self) -> list[Run]:
        """Start nothing more; return the runs that never started."""
        with self._lock:
            self._closed = True
            never_started = [*self._starting, *self._waiting]
            self._starting.clear()
            self._waiting.clear()
        return never_started

    def cancel(self, run: Run) -> None:
        """Cancel an async run; a sync one can't be."""
        if self._loop and (future := run.future):
            self._loop.call_soon_threadsafe(future.cancel)

    def _start(self, run: Run) -> None:
        if run.is_async:
            loop = self._loop or self._new_loop()
            loop.call_soon_threadsafe(self._start_async, run)
            return
        self._ready.append(run)
        if not self._waking:
            self._wake_one()

    def _wake_one(self) -> None:
        """Wake one thread, which wakes the next one if there is more to begin.

        Short tasks are done by then, and eight threads that are woken at once fight for one interpreter.
        """
        self._waking = True
        if self._threads < self._concurrency:
            self._threads += 1
            self._start_thread(self._work, f"slot-{self._threads}")
        self._wakes.put(None)

    def _start_thread(self, target: Callable[[], None], name: str) -> None:
        threading.Thread(target=self._guarded, args=(target,), name=name, daemon=True).start()

    def _guarded(self, target: Callable[[], None]) -> None:
        try:
            target()
        except BaseException as error:
            self.failure = error

    def _work(self) -> None:
        while True:
            self._wakes.get()
            # Before looking, as `_start` looks after it has added: one of them sees the other.
            self._waking = False
            while (run := self._take_ready()) is not None:
                while run is not None:
                    if self._begin(run):
                        self._execute(run)
                    run = self._next(run)

    def _take_ready(self) -> Run | None:
        try:
            run = self._ready.popleft()
        except IndexError:
            return None
        if self._ready and not self._waking:
            self._wake_one()
        return run

    def _next(self, done: Run) -> Run | None:
        """Free a run's slot; return the next run if it is one for this thread, start it elsewhere if not."""
        self.running.discard(done)
        with self._lock:
            self.ended += 1 if done.started else 0
            if not self._waiting or not self._allow():
                self._free += 1
                return None
            run = self._waiting.popleft()
            self._starting[run] = None
        if run.is_async == done.is_async:
            return run
        self._start(run)
        return None

    def _allow(self) -> bool:
        """Use up one of the runs that may still start, under the lock; False: there is none left."""
        if self.allowance is None:
            return True
        self.allowance -= 1
        return self.allowance >= 0

    def _begin(self, run: Run) -> bool:
        """Note that a run starts; False: it doesn't, for the slots were closed in between."""
        with self._lock:
            if run not in self._starting:
                return False
            del self._starting[run]
            run.started = time.monotonic()
            run.started_at = time.time()
            self.running.add(run)
        return True

    def _start_async(self, first: Run) -> None:
        run: Run | None = first
        while run is not None and not self._begin(run):
            run = self._next(run)
        if run is not None:
            self._create_task(run)

    def _create_task(self, run: Run) -> None:
        assert self._loop is not None
        run.future = self._loop.create_task(self._execute_async(run))
        run.future.add_done_callback(lambda future: self._done_async(run, future))

    def _done_async(self, run: Run, future: "asyncio.Task[None]") -> None:
        if not future.cancelled() and (error := future.exception()):
            self.failure = error
            return
        following = self._next(run)
        if following is not None:
            self._start_async(following)

    def _new_loop(self) -> "asyncio.AbstractEventLoop":
        import asyncio  # costs memory, and most pipelines have no async task

        # Only the intake's thread and a slot's come here, each under no lock: the first one wins.
        with self._lock:
            if self._loop is None:
                self._loop = _fast_loop() or asyncio.new_event_loop()
                self._start_thread(partial(_serve, self._loop), "event-loop")
            return self._loop


def _fast_loop() -> "asyncio.AbstractEventLoop | None":
    """Return an event loop of uvloop's, where that is installed (`ebats[fast]`)."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop()


def _serve(loop: "asyncio.AbstractEventLoop") -> None:
    while True:
        # asyncio lets these out where something that a task left behind raises them; the others go on.
        with suppress(SystemExit, KeyboardInterrupt):
            loop.run_forever()
