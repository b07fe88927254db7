"""Notices on their way: what every channel still has to send, and what became of the rest."""

import threading
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ebats.runner.alerts.channel_feed import Say
from ebats.runner.alerts.channel_feeds import ChannelFeeds
from ebats.runner.alerts.channels.channel import Channel
from ebats.runner.alerts.notice import Notice
from ebats.runner.alerts.store import Pending

#: One that so many alerters began with, and none sent, ends its process.
_MOST_STARTS = 20
#: Of outcomes that nobody has asked for yet.
_MOST_OUTCOMES = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a notice in one channel: it was sent, wasn't yet, or never will be."""

    channel: str
    notice: Notice
    state: Literal["sent", "failed", "lost"]
    #: Why not.
    reason: str = ""


class Outgoing:
    """Gives notices to channels, and knows what isn't sent yet: for one thread, and those of the channels."""

    def __init__(
        self, channels: Sequence[Channel], pending: Mapping[str, Iterable[Pending]], say: Say
    ) -> None:
        """Go on with what was pending, by channel; `say` takes a level and a text, from any thread."""
        self._lock = threading.Lock()
        self._outcomes: deque[Outcome] = deque(maxlen=_MOST_OUTCOMES)
        self._pending: dict[str, list[Pending]] = {channel.name: [] for channel in channels}
        self._failed: set[tuple[str, str, str, float]] = set()
        #: Something has changed since `pending` was asked for.
        self.changed = False
        self._feeds = ChannelFeeds(channels, say, self)
        for name, items in pending.items():
            for item in items:
                self._resume(name, item)

    def put(self, notice: Notice, channels: Iterable[str]) -> None:
        """Send a notice through channels, by their names."""
        names = [name for name in channels if name in self._pending]
        with self._lock:
            self.changed = True
            for name in names:
                self._pending[name].append(Pending(notice=notice))
        self._feeds.put(notice, names)

    def outcomes(self) -> list[Outcome]:
        """Return what became of notices since the last call."""
        found = []
        while self._outcomes:
            found.append(self._outcomes.popleft())
        return found

    def pending(self) -> dict[str, list[Pending]]:
        """Return what isn't sent yet, by channel."""
        with self._lock:
            self.changed = False
            return {name: list(items) for name, items in self._pending.items() if items}

    def waiting(self) -> dict[str, int]:
        """Return how many notices aren't sent yet, by channel."""
        with self._lock:
            return {name: len(items) for name, items in self._pending.items()}

    def close(self, deadline_s: float) -> None:
        """Send what waits until the monotonic clock's `deadline_s`; what is left stays pending."""
        self._feeds.close(deadline_s)

    # What channels tell, from their threads.

    def sent(self, channel: str, notices: Sequence[Notice]) -> None:
        """Note that these are with the other side."""
        self._settle(channel, notices)
        self._outcomes.extend(Outcome(channel=channel, notice=each, state="sent") for each in notices)

    def failed(self, channel: str, notices: Sequence[Notice], reason: str) -> None:
        """Note that these aren't yet; of each it is told once."""
        with self._lock:
            new = [each for each in notices if (channel, *_key(each)) not in self._failed]
            self._failed.update((channel, *_key(each)) for each in new)
        failed = (Outcome(channel=channel, notice=each, state="failed", reason=reason) for each in new)
        self._outcomes.extend(failed)

    def lost(self, channel: str, notices: Sequence[Notice], reason: str) -> None:
        """Note that these will never be."""
        self._settle(channel, notices)
        lost = (Outcome(channel=channel, notice=each, state="lost", reason=reason) for each in notices)
        self._outcomes.extend(lost)

    def _resume(self, name: str, item: Pending) -> None:
        if name not in self._pending:
            return  # the channel left the file
        if item.starts >= _MOST_STARTS:
            self.lost(name, [item.notice], f"not sent in {_MOST_STARTS} lives of the alerter")
            return
        self._pending[name].append(Pending(notice=item.notice, starts=item.starts + 1))
        self._feeds.put(item.notice, [name])

    def _settle(self, channel: str, notices: Sequence[Notice]) -> None:
        gone = {_key(notice) for notice in notices}
        with self._lock:
            self.changed = True
            left = [item for item in self._pending[channel] if _key(item.notice) not in gone]
            self._pending[channel] = left
            self._failed -= {(channel, *key) for key in gone}


def _key(notice: Notice) -> tuple[str, str, float]:
    return notice.id, notice.state, notice.time.timestamp()
