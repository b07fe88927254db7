"""A producer's function at work: what it yields is published, and it is started again when it fails."""

import inspect
import threading
import time
from collections.abc import AsyncIterable, Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, cast

from ebats.runner.execution.api import ProducerContext, Publishes
from ebats.runner.execution.call import failed
from ebats.runner.execution.journal import TaskLogger
from ebats.runner.execution.producer import ProducerFunction
from ebats.runner.execution.unpublished import PublishError
from ebats.runner.publishing.feed import ITEM_ERRORS, Feed
from ebats.runner.publishing.flight import Waits
from ebats.runner.roles.producing import Producing

if TYPE_CHECKING:
    import asyncio

_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 60.0
#: After so long without a failure the next one is taken for the first.
_GOOD_S = 60.0


class _Stopped(BaseException):
    """Raised where a producer waits for the broker, when it is to leave."""


class Feeding:
    """Runs a producer's function on a thread of its own, again and again until it returns."""

    def __init__(
        self, producing: Producing, name: str, event: str | None, function: ProducerFunction
    ) -> None:
        """Publish what it yields: payloads of `event`, or whole items where that is None."""
        self._producing = producing
        self._event = event
        self._function = function
        self._log = producing.journal.log
        self._stop = threading.Event()
        #: Wakes whoever waits for the broker.
        self._woken = threading.Event()
        #: Cancels what is async.
        self.cancel: Callable[[], object] = lambda: None
        self._feed: Feed | None = None
        self._context = ProducerContext(
            name=name,
            logger=TaskLogger(self._log),
            publisher=cast("Publishes", producing.outlet),
            _stop=self._stop,
        )
        #: It has returned by itself, and all that it yielded is confirmed.
        self.finished = False
        #: Of the thread, none of the producer's.
        self.failure: BaseException | None = None
        #: In its whole life: how often it failed, and how the last time.
        self.failures = 0
        self.last_failure: str | None = None
        self._earlier = 0
        self._thread = threading.Thread(target=self._run, name=f"producer {name}", daemon=True)

    def start(self) -> None:
        """Start the function."""
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether the function is at work, or about to be again."""
        return self._thread.is_alive()

    @property
    def is_stopping(self) -> bool:
        """Whether it was asked to leave."""
        return self._stop.is_set()

    def stop(self) -> None:
        """Ask it to leave: a generator is closed where it yields, what is async is cancelled."""
        self._stop.set()
        self._woken.set()
        self.cancel()

    def counts(self) -> tuple[int, int]:
        """Return how many items were taken so far, and how many messages are on their way."""
        feed = self._feed
        return (self._earlier + feed.taken, feed.open) if feed else (self._earlier, 0)

    def _run(self) -> None:
        try:
            in_a_row = 0
            while not self._stop.is_set():
                began = time.monotonic()
                try:
                    self._once()
                except _Stopped:
                    return
                except BaseException as error:
                    in_a_row = 1 if time.monotonic() - began > _GOOD_S else in_a_row + 1
                    self._stop.wait(self._note(error, in_a_row))
                else:
                    self.finished = not self._stop.is_set()
                    return
        except BaseException as error:
            self.failure = error

    def _note(self, error: BaseException, in_a_row: int) -> float:
        """Write a failure down, and return how long to wait before the function is started again."""
        what = failed(error)
        self.last_failure = f"{what.error}: {what.text}"
        self.failures += 1
        if self._stop.is_set():
            self._log.error(f"failed while it left: {self.last_failure}", traceback=what.traceback)
            return 0.0
        pause_s: float = min(_FIRST_PAUSE_S * 2 ** (in_a_row - 1), _LONGEST_PAUSE_S)
        text = f"failed: {self.last_failure}; it is started again in {pause_s:g} s"
        self._log.error(text, traceback=what.traceback)
        return pause_s

    def _once(self) -> None:
        """Call the function and publish what it yields, to its end."""
        made = self._function.call(self._context)
        if inspect.isawaitable(made) or isinstance(made, AsyncIterable):
            from ebats.runner.roles import feeding_async  # asyncio costs memory

            feeding_async.run(made, self)
        elif made is not None:
            self._sync(made)

    def _sync(self, made: Iterable[Any]) -> None:
        feed = self.begin(self._woken)
        iterator = iter(made)
        try:
            try:
                self._take(iterator, feed)
            finally:
                if close := getattr(iterator, "close", None):
                    close()
        except Exception:
            # It begins anew when all that it has yielded is safe: else there would be more and more of it.
            with self.noted():
                self._wait(feed.end())
            raise
        self._wait(feed.end())

    def _take(self, iterator: Iterator[Any], feed: Feed) -> None:
        take: Callable[[], Any] = iterator.__next__
        while not self._stop.is_set():
            try:
                item = take()
            except StopIteration:
                return
            take = iterator.__next__
            try:
                self._wait(feed.put(item))
            except ITEM_ERRORS as error:
                take = _throw(iterator, error)

    def _wait(self, steps: Waits) -> None:
        """Go through steps, for as long as they take."""
        woken: bool | None = None
        with suppress(StopIteration):
            while True:
                steps.send(woken)
                # Whoever stops says so before he wakes: either is seen here.
                if self._stop.is_set():
                    raise _Stopped
                woken = self._woken.wait()

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Write down what the broker refuses, where another failure is on its way already."""
        try:
            yield
        except PublishError as error:
            self._log.error(f"{error}: {', '.join(error.ids)}")

    def last_words(self) -> None:
        """Write down what the broker has refused of what was on its way at the end."""
        if self._feed:
            with self.noted(), suppress(StopIteration):
                self._feed.end().send(None)

    def begin(self, woken: "threading.Event | asyncio.Event") -> Feed:
        """Return the way for what one call of the function yields."""
        self._earlier, _ = self.counts()
        feed = self._feed = Feed(self._producing.outlet, self._event, woken)
        return feed


def _throw(iterator: Any, error: Exception) -> Callable[[], Any]:
    """Return what raises an error at the `yield` that it is about, and takes what is yielded next."""
    if throw := getattr(iterator, "throw", None):
        return lambda: throw(error)
    raise error
