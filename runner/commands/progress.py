"""A bar that shows on a terminal how far a command has come."""

import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TextIO

_EVERY_S = 0.1
_CLEAR = "\r\x1b[K"


class Progress:
    """One line on a terminal, written over again and again; nothing at all elsewhere."""

    def __init__(self, stream: TextIO = sys.stderr) -> None:
        """Show it on a stream, if that is a terminal."""
        self._stream = stream
        self._shows = stream.isatty()
        self._begun = self._shown_at = time.monotonic()

    def lines(self, lines: Iterator[bytes | None], size: int | None) -> Iterator[bytes | None]:
        """Yield the lines of a file, and show how far it is read; `size` in bytes, where that is known."""
        return self._counted(lines, size) if self._shows else lines

    def counter(self, what: str) -> Callable[[int], None]:
        """Return what shows a number that grows, such as `1,200 dead letters read`."""

        def show(number: int) -> None:
            now = time.monotonic()
            if self._shows and now - self._shown_at >= _EVERY_S:
                self._shown_at = now
                self._stream.write(f"{_CLEAR}{number:,} {what}")
                self._stream.flush()

        return show

    def clear(self) -> None:
        """Make room for another line."""
        if self._shows:
            self._stream.write(_CLEAR)
            self._stream.flush()

    def _counted(self, lines: Iterable[bytes | None], size: int | None) -> Iterator[bytes | None]:
        read = number = 0
        for line in lines:
            read += len(line or b"")
            number += line is not None
            now = time.monotonic()
            if now - self._shown_at >= _EVERY_S:
                self._shown_at = now
                self._show(number, read / size if size else None, number / (now - self._begun))
            yield line

    def _show(self, number: int, share: float | None, rate: float) -> None:
        text = f"{number:,} messages, {rate:,.0f}/s"
        if share is not None:
            width = max(10, min(40, shutil.get_terminal_size().columns - len(text) - 12))
            full = int(width * min(share, 1.0))
            text = f"[{'#' * full}{'.' * (width - full)}] {share:4.0%}  {text}"
        self._stream.write(_CLEAR + text)
        self._stream.flush()
