"""Records on standard output: for people, or for programs that read JSON."""

import os
import select
import sys
from collections.abc import Callable

import msgspec

from ebats.pipelines.sink import StdSink
from ebats.runner.execution.record import WEIGHTS, Line
from ebats.runner.sinks.exposure import Exposures
from ebats.runner.sinks.people import Layout
from ebats.runner.sinks.safe import unforged
from ebats.runner.sinks.setting import Setting
from ebats.runner.sinks.shape import shape
from ebats.runner.sinks.sink import SinkError

#: How long a terminal or pipe that takes nothing is waited for at a time.
_PATIENCE_MS = 1000


class Std:
    """Writes one line a record; for people in colour and with short ids only where somebody is looking."""

    batch = 500

    def __init__(self, sink: StdSink, exposures: Exposures, setting: Setting, fd: int = 1) -> None:
        """Make a sink that writes what `exposures` shows to the file descriptor `fd`."""
        self.name = sink.name
        self.wants_payload = exposures.wants_payload
        self.weight = WEIGHTS[sink.level]
        self._fd = fd
        self._exposures = exposures
        self._shape: Callable[[Line], bytes]
        if sink.format == "human":
            terminal = os.isatty(fd)
            self._layout = Layout(colour=terminal and _colour_is_welcome(), short_ids=terminal)
            self._encoding = getattr(sys.__stdout__, "encoding", None) or "utf-8"
            self._shape = self._line
        else:
            self._shape = shape(sink.format, exposures, setting)

    def write(self, lines: list[Line]) -> None:
        """Write the lines.

        Raises:
            SinkError: nobody takes them; the rest begins with the first line that isn't out in full.
        """
        data = b"".join([self._shape(line) + b"\n" for line in lines])
        written = 0
        try:
            while written < len(data):
                written += self._write_some(data[written:])
        except OSError as error:
            raise SinkError(str(error), rest=lines[data.count(b"\n", 0, written) :]) from None

    def close(self) -> None:
        """Do nothing: standard output isn't ours to close."""

    def _line(self, line: Line) -> bytes:
        try:
            text = self._layout.line(self._exposures.read(line))
        except msgspec.MsgspecError:
            return unforged(line.json)
        return text.encode(self._encoding, "backslashreplace")

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
