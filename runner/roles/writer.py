"""The one process that writes logs: takes everybody's records and hands them to the sinks."""

import os
import select
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, TypedDict

import msgspec

from ebats.pipelines.sink import Sink
from ebats.runner.execution.process_log import Source
from ebats.runner.execution.record import Line, decode_batch
from ebats.runner.sinks.build import build
from ebats.runner.sinks.feed import Feed, SinkStatus
from ebats.runner.sinks.payload import without_payload
from ebats.runner.sinks.people import escaped
from ebats.runner.sinks.setting import Setting

if TYPE_CHECKING:
    from ebats.runner.alerts.tally import Tally

#: How soon a stop is noticed while nothing arrives.
_WAIT_MS = 100
#: Datagrams read before the sinks get them.
_READ_AT_ONCE = 8
#: Twice the largest record that an outbox sends.
_LARGEST_DATAGRAM = 2 * 1024 * 1024
_PAUSE_S = 0.01
#: Records that a sink writes in a pause that is worth another one.
_GETS_ON = 100
_MOST_PAUSES = 100
_CLOSE_S = 5.0
_STDERR = 2


class WriterStatus(TypedDict):
    """Counts since the writer started."""

    sinks: dict[str, SinkStatus]
    #: Datagrams that hold no batch of lines.
    unreadable: int


class Writer:
    """Reads the socket and never waits for a sink: each has its own queue, thread and troubles."""

    def __init__(
        self, sinks: tuple[Sink, ...], setting: Setting, receive: socket.socket, tally: "Tally | None" = None
    ) -> None:
        """Make a writer for a pipeline's sinks, fed by `receive`; `tally` counts what it writes."""
        self._tally = tally
        self._source = Source(pipeline=setting.pipeline, process="writer", environment=setting.environment)
        self._receive = receive
        self._feeds = [Feed(sink, setting.tasks) for sink in build(sinks, setting)]
        # Without a sink that asks for payloads no record has one.
        self._strips = any(feed.sink.wants_payload for feed in self._feeds)
        self._buffer = memoryview(bytearray(_LARGEST_DATAGRAM))
        self._unreadable = 0

    def serve(self, should_stop: Callable[[], bool]) -> WriterStatus:
        """Write until `should_stop()` is true, then what is still in the socket; return the final counts.

        It is to be true when no other process sends any more. Sinks that hang are left behind after 5 s.
        """
        poll = select.poll()
        poll.register(self._receive, select.POLLIN)
        while not should_stop():
            if poll.poll(_WAIT_MS):
                self._read()
            self._tell_news()
        while self._read():
            pass
        return self._close()

    def status(self) -> WriterStatus:
        """Return how the sinks are doing."""
        return WriterStatus(
            sinks={feed.sink.name: feed.status() for feed in self._feeds}, unreadable=self._unreadable
        )

    def _read(self) -> bool:
        """Pass on what has arrived, up to a number of datagrams; return whether there was any."""
        lines: list[Line] = []
        arrived = False
        for _ in range(_READ_AT_ONCE):
            try:
                size = self._receive.recv_into(self._buffer, 0, socket.MSG_DONTWAIT)
            except OSError:
                break
            arrived = True
            try:
                lines += decode_batch(bytes(self._buffer[:size]))
            except msgspec.MsgspecError:
                self._unreadable += 1
        self._pass_on(lines)
        self._let_catch_up()
        return arrived

    def _let_catch_up(self) -> None:
        """Pause for crowded sinks as long as they get on well; what arrives waits in the kernel.

        One that is slow or hangs, and stays crowded, holds up the others by a single short pause.
        """
        for _ in range(_MOST_PAUSES):
            crowded = [feed for feed in self._feeds if feed.crowded]
            if not crowded:
                return
            before = [feed.done for feed in crowded]
            time.sleep(_PAUSE_S)
            if all(feed.done - done < _GETS_ON for feed, done in zip(crowded, before, strict=True)):
                return

    def _pass_on(self, lines: list[Line]) -> None:
        if self._tally:
            self._tally.add(lines)
        plain = without_payload(lines) if self._strips else lines
        for feed in self._feeds:
            feed.put(lines if feed.sink.wants_payload else plain)

    def _tell_news(self) -> None:
        """Tell what happened to a sink: to the others, which may work, and on standard error."""
        now = time.monotonic()
        if self._tally and self._tally.is_due(now):
            self._tally.tell(self.status()["sinks"], now)
        for feed in self._feeds:
            if text := feed.news(now):
                _complain(text)
                line = self._source.line(feed.level, text)
                for other in self._feeds:
                    if other is not feed or feed.works:
                        other.put([line])

    def _close(self) -> WriterStatus:
        deadline = time.monotonic() + _CLOSE_S
        # All at once: one that hangs takes nothing from the time of the others.
        for feed in self._feeds:
            feed.finish()
        for feed in self._feeds:
            feed.close(deadline)
        for feed in self._feeds:
            if text := feed.last_words():
                _complain(text)
        return self.status()


def _complain(text: str) -> None:
    # A terminal that is held (Ctrl-S, a full pipe) must not hold the sinks.
    poll = select.poll()
    poll.register(_STDERR, select.POLLOUT)
    with suppress(OSError):
        if poll.poll(0):
            os.write(_STDERR, f"ebats: {escaped(text)}\n".encode())
