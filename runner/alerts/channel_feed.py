"""Feed one channel from a bounded queue and a thread of its own, so that its trouble stays its own."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol, TypedDict

from ebats.pipelines.counting import counted
from ebats.runner.alerts.channels.channel import Channel, ChannelError, Paced
from ebats.runner.alerts.notice import Notice
from ebats.runner.alerts.wording import line

_FIRST_WAIT_S = 1.0
_LONGEST_WAIT_S = 60.0
#: Notices that wait; of a storm there are a handful, so these are many.
_MOST_WAITING = 1000
#: Channels of ours end by their time-outs long before; a function of the pipeline may not.
_HANGS_S = 60.0
#: What is dropped is told at most so often.
_TELL_EVERY_S = 10.0
_LONGEST_TEXT = 300
#: How many of those that are given up are named.
_TITLES = 3

_HANGS = "it hangs"

#: Says something for the log: a level and a text.
Say = Callable[[str, str], None]


class Watcher(Protocol):
    """Who wants to know what has become of notices. Called from the channels' threads."""

    def sent(self, channel: str, notices: Sequence[Notice]) -> None:
        """These are with the other side."""

    def failed(self, channel: str, notices: Sequence[Notice], reason: str) -> None:
        """These aren't yet: they are tried again, or there is no time left for that."""

    def lost(self, channel: str, notices: Sequence[Notice], reason: str) -> None:
        """These will never be: the other side doesn't take them, or others have pushed them out."""


class ChannelStatus(TypedDict):
    """How a channel is doing: counts of notices since its process started."""

    sent: int
    waiting: int
    #: The other side doesn't take these, now or later.
    refused: int
    #: There was no room for these, or no time at the end.
    dropped: int
    #: Why the last attempt failed; None: it didn't.
    error: str | None


class ChannelFeed:
    """Takes notices for a channel without ever blocking.

    A channel that fails is tried again with growing waits while its notices wait, and become one message
    where the channel can do that. What can't get better is given up at once; what finds no room pushes out
    the oldest. Both are counted and told.
    """

    def __init__(
        self, channel: Channel, say: Say, watcher: Watcher | None = None, most_waiting: int = _MOST_WAITING
    ) -> None:
        """Feed a channel; `say` and `watcher` are called from its thread, or from that which calls."""
        self.channel = channel
        self._trouble = Trouble(channel.name, say)
        self._watcher = watcher
        self._most_waiting = most_waiting
        self._changed = threading.Condition()
        self._waiting: deque[Notice] = deque()
        self._in_hand: list[Notice] = []
        self._began_s = 0.0
        self._closing = threading.Event()
        self._closed = False
        self._deadline_s = 0.0
        self._status = ChannelStatus(sent=0, waiting=0, refused=0, dropped=0, error=None)
        self._wait_s = _FIRST_WAIT_S
        self._thread = threading.Thread(target=self._run, name=f"channel {channel.name}", daemon=True)
        self._thread.start()

    def put(self, notice: Notice) -> None:
        """Take a notice; where there is no room, the oldest that waits makes some."""
        dropped = []
        self._look_whether_it_hangs()
        with self._changed:
            self._waiting.append(notice)
            while len(self._waiting) > self._most_waiting or (self._closed and self._waiting):
                dropped.append(self._waiting.popleft())
            self._status["dropped"] += len(dropped)
            reason = self._status["error"] or "it is slow, or hangs"
            self._changed.notify()
        if dropped:
            self._trouble.dropped(len(dropped), reason)
            if self._watcher:
                self._watcher.lost(self.channel.name, dropped, reason)

    def status(self) -> ChannelStatus:
        """Return how the channel is doing."""
        with self._changed:
            status = self._status.copy()
            status["waiting"] = len(self._waiting) + len(self._in_hand)
            return status

    def close(self, deadline_s: float) -> None:
        """Send what waits, until the monotonic clock's `deadline_s`; the rest has failed, and is told."""
        self._deadline_s = deadline_s
        self._closing.set()
        with self._changed:
            self._changed.notify()
        self._thread.join(max(0.0, deadline_s - time.monotonic()))
        with self._changed:
            # A thread that hangs is a daemon: it dies with the process.
            self._closed = True
            left = [*self._in_hand, *self._waiting]
            self._waiting.clear()
            self._in_hand = []
            self._status["dropped"] += len(left)
            reason = self._status["error"] or "there was no time"
        if left and self._watcher:
            self._watcher.failed(self.channel.name, left, reason)
        self._trouble.end(len(left), reason)

    def _look_whether_it_hangs(self) -> None:
        with self._changed:
            seconds = time.monotonic() - self._began_s if self._in_hand else 0.0
        if seconds > _HANGS_S:
            self._trouble.hangs(seconds)

    def _run(self) -> None:
        while notices := self._take():
            wait_s = self._send(notices)
            if not wait_s:
                continue
            if self._closing.wait(wait_s):
                wait_s = min(wait_s, _FIRST_WAIT_S)
                if time.monotonic() + wait_s > self._deadline_s:
                    break
                time.sleep(wait_s)
        self.channel.close()

    def _take(self) -> list[Notice]:
        with self._changed:
            while not self._waiting and not self._closing.is_set():
                self._changed.wait()
            self._began_s = time.monotonic()
            self._in_hand = list(self._waiting)
            self._waiting.clear()
            return self._in_hand

    def _send(self, notices: list[Notice]) -> float:
        """Send notices, keep what is to be tried again, and return how long to wait before that."""
        error = self._try(notices)
        rest, refused = (error.rest, error.refused) if error else ((), ())
        left = {id(notice) for notice in (*rest, *refused)}
        sent = [notice for notice in notices if id(notice) not in left]
        with self._changed:
            if self._closed:
                # They are counted as dropped already.
                return 0.0
            self._in_hand = []
            self._waiting.extendleft(reversed(rest))
            self._status["sent"] += len(sent)
            self._status["refused"] += len(refused)
            if not isinstance(error, Paced):
                self._status["error"] = str(error) if error and left else None
        if sent and self._watcher:
            self._watcher.sent(self.channel.name, sent)
        if self._watcher and error and refused:
            self._watcher.lost(self.channel.name, refused, str(error))
        if self._watcher and error and rest and not isinstance(error, Paced):
            self._watcher.failed(self.channel.name, rest, str(error))
        self._trouble.attempt(error, refused, len(rest))
        return self._next_wait_s(error, bool(sent))

    def _try(self, notices: list[Notice]) -> ChannelError | None:
        try:
            self.channel.send(list(notices))
        except ChannelError as error:
            return error
        except Exception as error:
            # A fault of ours, or of these notices: again would be the same again.
            text = line(f"{type(error).__name__}: {error}", _LONGEST_TEXT)
            return ChannelError(text, refused=notices)
        return None

    def _next_wait_s(self, error: ChannelError | None, progress: bool) -> float:
        if error is None or progress or error.refused:
            self._wait_s = _FIRST_WAIT_S
        if error is None or not error.rest:
            return 0.0
        if isinstance(error, Paced):
            return error.retry_after_s or _FIRST_WAIT_S
        wait_s = max(self._wait_s, error.retry_after_s or 0.0)
        self._wait_s = min(self._wait_s * 2, _LONGEST_WAIT_S)
        return wait_s


class Trouble:
    """Tells the log of a channel's trouble: once when it begins and once when it ends, and what is lost."""

    def __init__(self, name: str, say: Say) -> None:
        self._name = name
        self._say = say
        self._reason: str | None = None
        self._lock = threading.Lock()
        self._untold = 0
        self._told_at = -_TELL_EVERY_S

    def attempt(self, error: ChannelError | None, refused: Sequence[Notice], waiting: int) -> None:
        """Tell what came of an attempt, if that is news."""
        if isinstance(error, Paced):
            return
        if refused:
            titles = "; ".join(line(notice.title, _LONGEST_TEXT) for notice in refused[:_TITLES])
            more = f" and {len(refused) - _TITLES} more" if len(refused) > _TITLES else ""
            self._say("error", f"channel {self._name} doesn't take {titles}{more}: {error}")
        elif error and not waiting:
            self._say("warning", f"channel {self._name}: {error}")
        elif error and str(error) != self._reason:
            waits = "alert waits" if waiting == 1 else "alerts wait"
            self._say("warning", f"channel {self._name} fails, {waiting} {waits}: {error}")
        elif error is None and self._reason is not None:
            self._say("info", f"channel {self._name} works again")
        self._reason = str(error) if error and waiting else None

    def hangs(self, seconds: float) -> None:
        """Tell that a call doesn't return, once until it has."""
        if self._reason != _HANGS:
            self._reason = _HANGS
            self._say(
                "error", f"channel {self._name} hangs for {seconds:.0f} s: others wait behind that alert"
            )

    def dropped(self, count: int, reason: str) -> None:
        """Tell of alerts that found no room, now and then."""
        with self._lock:
            self._untold += count
            now = time.monotonic()
            if now < self._told_at + _TELL_EVERY_S:
                return
            count, self._untold, self._told_at = self._untold, 0, now
        self._say(
            "error", f"channel {self._name} has no room and dropped {counted(count, 'alert')}: {reason}"
        )

    def end(self, count: int, reason: str) -> None:
        """Tell of alerts that are left at the end, and of those dropped that weren't told of yet."""
        with self._lock:
            count, self._untold = count + self._untold, 0
        if count:
            self._say(
                "error", f"channel {self._name} didn't send {counted(count, 'alert')} in the end: {reason}"
            )
