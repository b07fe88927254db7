"""One file of a spool: items in the order in which they came."""

import os
from dataclasses import dataclass
from pathlib import Path

from ebats.runner.sinks.elastic.files import open_private

_SCAN_BYTES = 1024 * 1024
#: Of segments' names.
ENDING = ".ndjson"


@dataclass(slots=True, eq=False)
class Segment:
    """A file, what is in it, and how much of that has been settled."""

    folder: Path
    number: int
    #: Bytes, whole items only.
    size: int = 0
    records: int = 0
    #: From the beginning: what needs nothing more.
    done_bytes: int = 0
    done_records: int = 0

    @property
    def path(self) -> Path:
        """Where it is."""
        return self.folder / f"{self.number:08d}{ENDING}"

    @property
    def is_done(self) -> bool:
        """Whether all of it is settled."""
        return self.done_bytes >= self.size

    def read(self, size: int) -> bytes:
        """Return whole lines of what isn't settled: `size` bytes at most, but one item at least.

        Raises:
            OSError: the file is gone, or can't be read.
        """
        fd = open_private(self.path, os.O_RDONLY)
        try:
            while True:
                data = os.pread(fd, min(size, self.size - self.done_bytes), self.done_bytes)
                lines = data.count(b"\n")
                end = data.rfind(b"\n")
                if lines % 2 and lines > 1:
                    end = data.rfind(b"\n", 0, end)
                if lines > 1 or len(data) < size:
                    return data[: end + 1]
                size *= 2
        finally:
            os.close(fd)

    def remove(self) -> None:
        """Remove the file."""
        self.path.unlink(missing_ok=True)


def found_in(folder: Path, cursor: tuple[int, int]) -> tuple[list[Segment], int]:
    """Return the segments of a folder that a writer left, oldest first, and how many torn items they had.

    An item that a kill cut short is cut off. What the cursor has passed is removed.

    Raises:
        OSError: they can't be read, or changed.
    """
    segments: list[Segment] = []
    torn = 0
    for path in sorted(folder.glob(f"*{ENDING}")):
        if not path.stem.isdigit():
            continue
        segment = Segment(folder, int(path.stem))
        if segment.number < cursor[0]:
            segment.remove()
            continue
        torn += _scan(segment, cursor[1] if segment.number == cursor[0] else 0)
        if segment.is_done:
            segment.remove()
        else:
            segments.append(segment)
    return segments, torn


def _scan(segment: Segment, done_bytes: int) -> int:
    """Count what a segment holds, cut off what isn't whole, and return how many items that were: 0 or 1."""
    fd = open_private(segment.path, os.O_RDWR)
    try:
        before = done_records = lines = 0
        #: Where the last two lines end: an item is two.
        ends = [0, 0, 0]
        position = 0
        while data := os.pread(fd, _SCAN_BYTES, position):
            before = lines
            lines += data.count(b"\n")
            if position <= done_bytes < position + len(data):
                done_records = (before + data.count(b"\n", 0, done_bytes - position)) // 2
            ends = _last_ends(data, position, ends)
            position += len(data)
        whole = ends[-1] if lines % 2 == 0 else ends[-2]
        if whole < position:
            os.ftruncate(fd, whole)
    finally:
        os.close(fd)
    segment.size, segment.records = whole, lines // 2
    segment.done_bytes = min(done_bytes, whole)
    segment.done_records = segment.records if segment.is_done else done_records
    return int(whole < position)


def _last_ends(data: bytes, position: int, ends: list[int]) -> list[int]:
    found: list[int] = []
    end = len(data)
    while len(found) < 3 and (end := data.rfind(b"\n", 0, end)) >= 0:
        found.append(position + end + 1)
    return [*ends, *reversed(found)][-3:]
