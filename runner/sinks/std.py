"""Records for people, on standard output."""

import os
import select
import sys

import msgspec

from ebats.pipelines.sink import StdSink
from ebats.runner.execution.record import WEIGHTS, Line, decode
from ebats.runner.sinks.exposure import Exposures
from ebats.runner.sinks.people import Layout, escaped
from ebats.runner.sinks.sink import SinkError

#: How long a terminal or pipe that takes nothing is waited for at a time.
_PATIENCE_MS = 1000


class Std:
    """Writes one line a record; in colour and with short ids only where somebody is looking."""

    batch = 500

    def __init__(self, sink: StdSink, exposures: Exposures, fd: int = 1) -> None:
        """Make a sink that writes what `exposures` shows to the file descriptor `fd`."""
        self.name = sink.name
        self.wants_payload = exposures.wants_payload
        self.weight = WEIGHTS[sink.level]
        self._fd = fd
        terminal = os.isatty(fd)
        self._layout = Layout(colour=terminal and _colour_is_welcome(), short_ids=terminal)
        self._encoding = getattr(sys.__stdout__, "encoding", None) or "utf-8"

    def write(self, lines: list[Line]) -> None:
        """Write the lines.

        Raises:
            SinkError: nobody takes them; the rest begins with the first line that isn't out in full.
        """
        text = "".join([self._line(line) + "\n" for line in lines])
        data = text.encode(self._encoding, "backslashreplace")
        written = 0
        try:
            while written < len(data):
                written += self._write_some(data[written:])
        except OSError as error:
            raise SinkError(str(error), rest=lines[data.count(b"\n", 0, written) :]) from None

    def close(self) -> None:
        """Do nothing: standard output isn't ours to close."""

    def _line(self, line: Line) -> str:
        try:
            return self._layout.line(decode(line.json))
        except msgspec.MsgspecError:
            return escaped(line.json.decode(errors="replace"))

    def _write_some(self, data: bytes) -> int:
        try:
            return os.write(self._fd, data)
        except BlockingIOError:
            # Another program has made the terminal non-blocking, for all who share it.
            poll = select.poll()
            poll.register(self._fd, select.POLLOUT)
            poll.poll(_PATIENCE_MS)
            return 0


def _colour_is_welcome() -> bool:
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
