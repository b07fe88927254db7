"""Feed one sink from a bounded queue and a thread of its own, so that its trouble stays its own."""

import threading
import time
from collections import deque
from collections.abc import Mapping
from typing import Literal, NotRequired, TypedDict

from ebats.pipelines.counting import counted
from ebats.pipelines.model import Task
from ebats.runner.execution.record import Line
from ebats.runner.sinks.choice import Choice
from ebats.runner.sinks.sink import SendsOn, Sink, SinkError

_FIRST_WAIT_S = 0.1
_LONGEST_WAIT_S = 10.0
#: News of one sink are told at most so often.
_TELL_EVERY_S = 10.0


class SinkStatus(TypedDict):
    """How a sink is doing: counts of records since the writer started."""

    written: int
    lost: int
    waiting: int
    #: Why the last attempt failed; None: it didn't.
    error: str | None
    #: Of a sink that sends on what it took: see `Report`.
    sent: NotRequired[int]
    rejected: NotRequired[int]
    spooled: NotRequired[int]
    spooled_bytes: NotRequired[int]
    overflowed: NotRequired[int]


class Feed:
    """Takes lines for a sink without ever blocking.

    A sink that fails is tried again with growing waits while its lines wait,
    within bounds; what doesn't fit is dropped and counted.
    """

    def __init__(
        self,
        sink: Sink,
        tasks: Mapping[str, Task] | None = None,
        *,
        most_records: int = 50_000,
        most_bytes: int = 32 * 1024 * 1024,
    ) -> None:
        """Feed a sink what it takes, which `tasks` may change for their records."""
        self.sink = sink
        self._sends_on = sink if isinstance(sink, SendsOn) else None
        self._choice = Choice(sink.name, sink.weight, tasks or {})
        self._most_records = most_records
        self._most_bytes = most_bytes
        self._changed = threading.Condition()
        self._waiting: deque[Line] = deque()
        self._in_hand = 0
        self._bytes = 0
        self._closing = threading.Event()
        self._written = 0
        self._lost = 0
        self._error: str | None = None
        #: What the sink raised when it lost the last record; None: there was no room for that.
        self._why_lost: str | None = None
        self._told_lost = 0
        #: Of the last news.
        self.level: Literal["info", "warning"] = "info"
        self._told_trouble = False
        self._told_at = -_TELL_EVERY_S
        self._thread = threading.Thread(target=self._run, name=f"sink {sink.name}", daemon=True)
        self._thread.start()

    def put(self, lines: list[Line]) -> None:
        """Take the lines that the sink wants; what finds no room is lost and counted."""
        wanted = self._choice.of(lines)
        with self._changed:
            for line in wanted:
                size = len(line.json)
                if len(self._waiting) >= self._most_records or self._bytes + size > self._most_bytes:
                    self._lost += 1
                    self._why_lost = None
                    continue
                self._bytes += size
                self._waiting.append(line)
            self._changed.notify()

    def status(self) -> SinkStatus:
        """Return how the sink is doing."""
        with self._changed:
            waiting = len(self._waiting) + self._in_hand
            status = SinkStatus(written=self._written, lost=self._lost, waiting=waiting, error=self._error)
        if self._sends_on:
            report = self._sends_on.report()
            status["lost"] += report.damaged
            status["error"] = status["error"] or report.error
            status["sent"], status["rejected"] = report.sent, report.rejected
            status["spooled"], status["spooled_bytes"] = report.spooled, report.spooled_bytes
            status["overflowed"] = report.overflowed
        return status

    def news(self, now_s: float) -> str | None:
        """Return what people should know about the sink, once; `now_s` is of the monotonic clock."""
        if now_s < self._told_at + _TELL_EVERY_S:
            return None
        self.level = "info"
        text = self._own_news()
        if not text and self._sends_on and (told := "; ".join(self._sends_on.news())):
            text, self.level = f"sink {self.sink.name} {told}", "warning"
        if text:
            self._told_at = now_s
        return text

    def _own_news(self) -> str | None:
        status = self.status()
        status["waiting"] += status.get("spooled", 0)
        lost = self._lost - self._told_lost
        reason = status["error"] or self._why_lost or "it is slower than the records come, or hangs"
        if lost:
            text = f"sink {self.sink.name} lost {counted(lost, 'record')}: {reason}"
        elif status["error"] and not self._told_trouble:
            wait = "waits" if status["waiting"] == 1 else "wait"
            text = f"sink {self.sink.name} fails, {counted(status['waiting'], 'record')} {wait}: {reason}"
        elif self._told_trouble and not status["error"]:
            text = f"sink {self.sink.name} works again"
        else:
            return None
        self._told_lost += lost
        self._told_trouble = bool(lost or status["error"])
        self.level = "warning" if self._told_trouble else "info"
        return text

    @property
    def done(self) -> int:
        """How many records it is done with: written or lost."""
        return self._written + self._lost

    @property
    def crowded(self) -> bool:
        """Whether half the room is taken: the sink could do with a pause."""
        return len(self._waiting) * 2 > self._most_records or self._bytes * 2 > self._most_bytes

    @property
    def works(self) -> bool:
        """Whether the last news were good, or there were none."""
        return not self._told_trouble

    def last_words(self) -> str | None:
        """Return what people should know of a sink that is closed."""
        told = [f"lost {counted(self._lost, 'record')} in all: {self._error or 'it was too slow'}"] * bool(
            self._lost
        )
        if self._sends_on:
            told += self._sends_on.last_words()
        return f"sink {self.sink.name} {'; '.join(told)}" if told else None

    def finish(self) -> None:
        """Let the sink begin to finish what waits."""
        self._closing.set()
        with self._changed:
            self._changed.notify()

    def close(self, deadline_s: float) -> None:
        """Let the sink finish what waits, until the monotonic clock's `deadline_s`; the rest is lost."""
        self.finish()
        self._thread.join(max(0.0, deadline_s - time.monotonic()))
        with self._changed:
            # A thread that hangs is a daemon: it dies with the process.
            self._lost += len(self._waiting) + self._in_hand
            self._waiting.clear()
            self._in_hand = 0
            # The last word on this sink, though it may have taken another record since.
            self._error = self._error or self._why_lost

    def _run(self) -> None:
        while lines := self._take():
            self._offer(lines)
        self.sink.close()

    def _take(self) -> list[Line]:
        with self._changed:
            while not self._waiting and not self._closing.is_set():
                self._changed.wait()
            lines = [self._waiting.popleft() for _ in range(min(self.sink.batch, len(self._waiting)))]
            self._bytes -= sum(len(line.json) for line in lines)
            self._in_hand = len(lines)
            return lines

    def _offer(self, lines: list[Line]) -> None:
        wait_s = _FIRST_WAIT_S
        while lines:
            last = self._closing.is_set()
            lines = self._try(lines, give_up=last)
            if lines:
                self._closing.wait(wait_s)
                wait_s = min(wait_s * 2, _LONGEST_WAIT_S)

    def _try(self, lines: list[Line], *, give_up: bool) -> list[Line]:
        """Return what is to be tried again."""
        rest: list[Line] = []
        lost = 0
        error = None
        try:
            self.sink.write(lines)
        except SinkError as failure:
            rest, lost, error = failure.rest, failure.lost, str(failure)
        except Exception as failure:
            # Not a fault of the place but of these lines, or of the sink: again would be the same again.
            lost, error = len(lines), f"{type(failure).__name__}: {failure}"
        with self._changed:
            if give_up and rest:
                # No time for one vain attempt a batch.
                lost += len(rest)
                rest = []
                self._lost += len(self._waiting)
                self._waiting.clear()
            # After a close that gave up on this thread, these are counted as lost already.
            if self._in_hand:
                self._written += len(lines) - len(rest) - lost
                self._lost += lost
                self._why_lost = error if lost else self._why_lost
                self._in_hand = len(rest)
            self._error = error
        return rest
