"""What waits on disk to be sent: segments, written at one end and read at the other, within a bound.

One thread writes and one reads. A segment holds bulk actions as they are sent, so that
`curl --data-binary @SEGMENT` can send one too.
"""

import os
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from ebats.pipelines.problems import EbatsError
from ebats.pipelines.sink import Batch as Rules
from ebats.runner.sinks.elastic.bulk import items_in
from ebats.runner.sinks.elastic.cursor import Cursor
from ebats.runner.sinks.elastic.files import make_folder, open_private, try_lock, write_all
from ebats.runner.sinks.elastic.segment import Segment, found_in

_CHUNK_BYTES = 256 * 1024
_SEGMENT_BYTES = 8_000_000
#: Of the bound: what goes at once when it is reached.
_PART = 16


class SpoolError(EbatsError):
    """Raised where the disk didn't take all items; its text says why, for people."""

    def __init__(self, text: str, written: int) -> None:
        """Say how many items are in the spool all the same."""
        super().__init__(text)
        self.written = written


@dataclass(frozen=True, slots=True, kw_only=True)
class InHand:
    """Items on their way."""

    items: list[bytes]
    segment: Segment
    #: How much of the segment they are: bytes, and records with those that were damaged.
    size: int
    records: int


@dataclass(slots=True)
class Counts:
    """Records, since this spool was opened."""

    #: Dropped, unsent, to stay within the bound.
    overflowed: int = 0
    #: Torn by a kill, or spoiled on the disk.
    damaged: int = 0


@dataclass(slots=True)
class Spool:
    """A folder that this process alone has in hand, from `open` to `close`."""

    folder: Path
    most_bytes: int
    counts: Counts = field(default_factory=Counts)
    #: How many records, and bytes, aren't settled: read without a lock, for a disk may hang.
    waiting: tuple[int, int] = (0, 0)
    _segments: list[Segment] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _hand: InHand | None = None
    _lock: int | None = None
    _writing: int | None = None
    _next_number: int = 1
    _cursor: Cursor = field(init=False)
    #: Since when, by the monotonic clock, something is there to take.
    _since: float = 0.0

    def __post_init__(self) -> None:
        """Open nothing yet."""
        self._cursor = Cursor(self.folder)

    def open(self) -> bool:
        """Take the folder, and what a former writer left in it; return whether nobody else has it.

        Raises:
            OSError: it can't be made, or read.
        """
        with self._changed:
            if self._lock is not None:
                return True
            make_folder(self.folder)
            lock = try_lock(self.folder)
            if lock is None:
                return False
            try:
                cursor = self._cursor.read()
                self._segments, torn = found_in(self.folder, cursor)
            except OSError:
                os.close(lock)
                raise
            numbers = [cursor[0], *(segment.number for segment in self._segments)]
            self._next_number = max(numbers) + 1
            self.counts.damaged += torn
            # Made now, for later the disk may be full.
            self._cursor.write(*cursor)
            self._lock = lock
            self._tell()
            return True

    def close(self) -> None:
        """Let go of the folder. What is sent is removed; the rest waits for the next who opens it."""
        with self._changed:
            self._stop_writing()
            if self._lock is None:
                return
            with suppress(OSError):
                self._remove_done()
            self._cursor.close()
            os.close(self._lock)
            self._lock = None

    def append(self, items: list[bytes]) -> None:
        """Keep items; they are on disk when this returns, and outlive a kill of this process.

        Raises:
            SpoolError: the disk took some only.
        """
        written = 0
        while written < len(items):
            chunk: list[bytes] = []
            size = 0
            for item in items[written:]:
                if chunk and size + len(item) > _CHUNK_BYTES:
                    break
                chunk.append(item)
                size += len(item)
            with self._changed:
                try:
                    written += self._write(chunk, size, written)
                finally:
                    self._tell()

    def wait(self, rules: Rules, most_s: float, hurry: threading.Event) -> InHand | None:
        """Return a batch when one is due by the rules, with `hurry` at once; None: none within `most_s`."""
        end = time.monotonic() + most_s
        with self._changed:
            while not self._is_due(rules) and not (hurry.is_set() and self._waiting()[0]):
                left = end - time.monotonic()
                if left <= 0 or hurry.is_set():
                    return None
                if self._waiting()[0]:
                    left = min(left, self._since + rules.wait_s - time.monotonic())
                self._changed.wait(max(left, 0.0))
            return self._take(rules)

    def take(self, rules: Rules) -> InHand | None:
        """Return what is oldest, as much as a batch may be; None: nothing is left."""
        with self._changed:
            return self._take(rules) if self._waiting()[0] else None

    def settle(self) -> None:
        """Note that what was taken needs nothing more."""
        with self._changed:
            hand, self._hand = self._hand, None
            assert hand is not None
            self._since = time.monotonic()
            hand.segment.done_bytes += hand.size
            hand.segment.done_records += hand.records
            if hand.segment in self._segments:
                self._cursor.write(hand.segment.number, hand.segment.done_bytes)
                with suppress(OSError):
                    self._remove_done()
            self._tell()

    def give_back(self) -> None:
        """Note that what was taken is to be taken again."""
        with self._changed:
            hand, self._hand = self._hand, None
            if hand and hand.segment not in self._segments:
                self.counts.overflowed += hand.records
            self._tell()

    def wake(self) -> None:
        """Let who waits look again."""
        with self._changed:
            self._changed.notify_all()

    def _tell(self) -> None:
        records, size = self._waiting()
        if self._hand and self._hand.segment not in self._segments:
            # Dropped from the disk, but still on its way.
            records, size = records + self._hand.records, size + self._hand.size
        self.waiting = (records, size)
        self._changed.notify_all()

    def _waiting(self) -> tuple[int, int]:
        left = [segment for segment in self._segments if not segment.is_done]
        # A disk that spoils lines also spoils the count.
        records = sum(max(1, segment.records - segment.done_records) for segment in left)
        return records, sum(segment.size - segment.done_bytes for segment in left)

    def _is_due(self, rules: Rules) -> bool:
        records, size = self._waiting()
        waited = time.monotonic() - self._since
        return records >= rules.records or size >= rules.size or (records > 0 and waited >= rules.wait_s)

    def _take(self, rules: Rules) -> InHand | None:
        assert self._hand is None
        segment = next(segment for segment in self._segments if not segment.is_done)
        try:
            data = segment.read(rules.size)
        except OSError:
            data = b""
        if not data:
            # Somebody else removed the file, or emptied it.
            self.counts.damaged += self._drop(segment)
            self._tell()
            return None
        items, damaged = items_in(data)
        size, records = len(data), data.count(b"\n") // 2
        if len(items) > rules.records and not damaged:
            items = items[: rules.records]
            size, records = sum(map(len, items)), len(items)
        self.counts.damaged += damaged
        self._hand = InHand(items=items, segment=segment, size=size, records=records)
        return self._hand

    def _write(self, items: list[bytes], size: int, before: int) -> int:
        """Append items, of `size` bytes in all; return how many there are."""
        try:
            fd = self._room_for(size)
            written = write_all(fd, b"".join(items))
        except OSError as error:
            raise SpoolError(error.strerror or str(error), before) from None
        count = len(items)
        if written < size:
            count, written = _whole(items, written)
            os.ftruncate(fd, self._segments[-1].size + written)
        if not self._waiting()[0]:
            self._since = time.monotonic()
        self._segments[-1].size += written
        self._segments[-1].records += count
        if count < len(items):
            raise SpoolError("No space left on device", before + count)
        return count

    def _room_for(self, size: int) -> int:
        """Return the descriptor to write so many bytes to, after what has to go for them."""
        if self._lock is None:
            raise PermissionError(f"{self.folder} isn't open")
        while self._segments and sum(segment.size for segment in self._segments) + size > self.most_bytes:
            self.counts.overflowed += self._drop(self._segments[0])
        longest = min(_SEGMENT_BYTES, self.most_bytes // _PART)
        if self._writing is not None and self._segments[-1].size >= longest:
            self._stop_writing()
            self._remove_done()
        if self._writing is None:
            segment = Segment(self.folder, self._next_number)
            self._writing = open_private(segment.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND)
            self._next_number += 1
            self._segments.append(segment)
        return self._writing

    def _drop(self, segment: Segment) -> int:
        """Remove a segment; return how many of its records are neither settled nor in hand."""
        if segment is self._segments[-1]:
            self._stop_writing()
        self._segments.remove(segment)
        with suppress(OSError):
            segment.remove()
        in_hand = self._hand.records if self._hand and self._hand.segment is segment else 0
        return segment.records - segment.done_records - in_hand

    def _remove_done(self) -> None:
        """Remove what is settled, but not what is being written."""
        for segment in [segment for segment in self._segments if segment.is_done]:
            if self._writing is None or segment is not self._segments[-1]:
                segment.remove()
                self._segments.remove(segment)

    def _stop_writing(self) -> None:
        if self._writing is not None:
            os.close(self._writing)
        self._writing = None


def _whole(items: list[bytes], size: int) -> tuple[int, int]:
    """Return how many of the items, and how many bytes, are whole in the first `size` bytes."""
    end = 0
    for count, item in enumerate(items):
        if end + len(item) > size:
            return count, end
        end += len(item)
    return len(items), end
