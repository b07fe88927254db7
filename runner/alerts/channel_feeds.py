"""All channels of a file: each notice to those that it is for, and a word where all of them fail."""

import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ebats.runner.alerts.channel_feed import ChannelFeed, ChannelStatus, Say, Watcher
from ebats.runner.alerts.channels.channel import Channel
from ebats.runner.alerts.notice import Notice
from ebats.runner.alerts.wording import line

#: Notices that are watched; of older ones nobody knows any more whether somebody was told.
_WATCHED = 10_000
_LONGEST_TEXT = 200

_Key = tuple[str, str, str]


@dataclass(slots=True)
class _Watched:
    """A notice that nobody has been told of yet."""

    title: str
    #: The channels that haven't failed with it.
    hopes: set[str]
    #: Why the others have.
    reasons: dict[str, str] = field(default_factory=dict)


class ChannelFeeds:
    """Gives each notice to the channels that it is for; never blocks."""

    def __init__(self, channels: Sequence[Channel], say: Say, watcher: Watcher | None = None) -> None:
        """Feed these channels; `say` takes a level and a text for the log, from any thread.

        `watcher` gets to know what has become of each notice in each channel.
        """
        self._say = say
        self._watcher = watcher
        self._lock = threading.Lock()
        self._watched: OrderedDict[_Key, _Watched] = OrderedDict()
        self._feeds = {channel.name: ChannelFeed(channel, say, self) for channel in channels}

    def put(self, notice: Notice, channels: Iterable[str]) -> None:
        """Give a notice to channels, by their names."""
        names = [name for name in dict.fromkeys(channels) if name in self._feeds]
        with self._lock:
            self._watched[_key(notice)] = _Watched(line(notice.title, _LONGEST_TEXT), set(names))
            while len(self._watched) > _WATCHED:
                self._watched.popitem(last=False)
        for name in names:
            self._feeds[name].put(notice)

    def status(self) -> dict[str, ChannelStatus]:
        """Return how the channels are doing, by name."""
        return {name: feed.status() for name, feed in self._feeds.items()}

    def close(self, deadline_s: float) -> None:
        """Let all send what waits, side by side, until the monotonic clock's `deadline_s`."""
        threads = [
            threading.Thread(target=feed.close, args=(deadline_s,), daemon=True)
            for feed in self._feeds.values()
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            # They end by themselves at the deadline; what they say then takes a moment.
            thread.join(max(0.0, deadline_s - time.monotonic()) + 1.0)

    def sent(self, channel: str, notices: Sequence[Notice]) -> None:
        """Note that somebody was told."""
        if self._watcher:
            self._watcher.sent(channel, notices)
        with self._lock:
            for notice in notices:
                self._watched.pop(_key(notice), None)

    def failed(self, channel: str, notices: Sequence[Notice], reason: str) -> None:
        """Note that a channel couldn't tell; say so where none of a notice's could."""
        if self._watcher:
            self._watcher.failed(channel, notices, reason)
        self._note_failed(channel, notices, reason)

    def lost(self, channel: str, notices: Sequence[Notice], reason: str) -> None:
        """Note that a channel never will."""
        if self._watcher:
            self._watcher.lost(channel, notices, reason)
        self._note_failed(channel, notices, reason)

    def _note_failed(self, channel: str, notices: Sequence[Notice], reason: str) -> None:
        lost: list[_Watched] = []
        with self._lock:
            for notice in notices:
                watched = self._watched.get(_key(notice))
                if watched is None or channel not in watched.hopes:
                    continue
                watched.hopes.discard(channel)
                watched.reasons[channel] = reason
                if not watched.hopes:
                    lost.append(self._watched.pop(_key(notice)))
        # What a notice's only channel fails with is told already.
        lost = [watched for watched in lost if len(watched.reasons) > 1]
        if lost:
            reasons = "; ".join(f"{name}: {why}" for name, why in lost[0].reasons.items())
            more = f" (and {len(lost) - 1} more)" if len(lost) > 1 else ""
            self._say("error", f"nobody has been told of {lost[0].title}{more}: {reasons}")


def _key(notice: Notice) -> _Key:
    return notice.id, notice.state, notice.time.isoformat()
