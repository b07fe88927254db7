"""The way of records out of a process: kept in memory for a moment, sent to the writer in batches."""

import errno
import os
import select
import socket
import threading
import time
from collections import deque

from ebats.pipelines.counting import counted
from ebats.runner.execution.process_log import ProcessLog, Source
from ebats.runner.execution.record import Line, encode_batch
from ebats.runner.execution.shorten import shorten

__all__ = ["Outbox", "ProcessLog", "Source", "open_channel"]

#: A kill -9 costs what was put in so many seconds: well inside the promised 100 ms.
_TICK_S = 0.02
_REFUSED_S = 0.001
_BATCH_RECORDS = 200
_BATCH_BYTES = 48 * 1024
#: A record above this is cut before it waits, so that a few can't fill the memory or a datagram.
_LARGEST_RECORD = 1024 * 1024
#: What the kernel is asked to hold between the processes; it may grant less.
_KERNEL_BYTES = 4 * 1024 * 1024
#: Losses are told at most so often.
_TELL_EVERY_S = 10.0


def open_channel() -> tuple[socket.socket, socket.socket]:
    """Return the two ends of the way to the writer: where all processes send, where the writer receives.

    Their maker keeps both ends open: what was sent while the writer is being replaced waits in the kernel.
    """
    receive, send = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    send.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _KERNEL_BYTES)
    receive.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _KERNEL_BYTES)
    return send, receive


class Outbox:
    """Takes records without ever blocking and sends them from a thread of its own.

    While the writer is slow or away they wait, within bounds; what doesn't fit
    is dropped, counted, and told in a record when the way is free again.
    """

    def __init__(
        self, fd: int, source: Source, *, most_records: int = 50_000, most_bytes: int = 16 * 1024 * 1024
    ) -> None:
        """Make an outbox that sends through the datagram socket `fd`, which stays its owner's."""
        self._socket = socket.socket(fileno=os.dup(fd))
        self._source = source
        self._most_records = most_records
        self._most_bytes = most_bytes
        self._batch_bytes = _BATCH_BYTES
        # Reentrant: a destructor that logs may run in the middle of `put`.
        self._lock = threading.RLock()
        self._waiting: deque[Line] = deque()
        self._records = 0
        self._bytes = 0
        self._dropped = 0
        self._told = 0
        self._told_at = -_TELL_EVERY_S
        self._unsent: deque[list[Line]] = deque()
        self._idle = False
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._hurry = threading.Event()
        self._deadline = 0.0
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """How many records were lost on this way since the process started."""
        return self._dropped

    def put(self, line: Line) -> None:
        """Take a record: it is on its way within 50 ms. Never blocks; any thread may call."""
        size = len(line.json)
        if size > _LARGEST_RECORD:
            line = shorten(line, self._batch_bytes)
            size = len(line.json)
        with self._lock:
            if self._records >= self._most_records or self._bytes + size > self._most_bytes:
                self._dropped += 1
                return
            self._records += 1
            self._bytes += size
            self._waiting.append(line)
        if self._idle:
            # Once is enough: waking costs more than all the rest, and the thread may get to run only later.
            self._idle = False
            self._wake.set()

    def flush(self, timeout_s: float) -> bool:
        """Send what waits at once; return whether all was sent within `timeout_s` seconds."""
        deadline = time.monotonic() + timeout_s
        self._hurry.set()
        self._wake.set()
        while (self._records or self._unsent) and time.monotonic() < deadline:
            time.sleep(_REFUSED_S)
        return not self._records and not self._unsent

    def close(self, timeout_s: float) -> int:
        """Send what waits, for at most `timeout_s` seconds; return how many records were lost in all.

        What is put afterwards is dropped and counted.
        """
        self._most_records = 0
        self._deadline = time.monotonic() + timeout_s
        self._closing.set()
        self._hurry.set()
        self._wake.set()
        self._thread.join()
        self._socket.close()
        return self._dropped

    def _run(self) -> None:
        while not self._closing.is_set():
            # `put` reads `_idle` after it has added, and here it is set before looking: one sees the other.
            self._idle = True
            if not self._waiting and not self._unsent:
                self._wake.wait()
            self._idle = False
            self._wake.clear()
            self._hurry.wait(_TICK_S)
            self._hurry.clear()
            self._send_all()
        while not self._send_all() and time.monotonic() < self._deadline:
            time.sleep(_TICK_S / 4)
        # What is left here is lost; there is nobody left to tell but the caller of `close`.
        with self._lock:
            self._dropped += self._records
            self._records = 0

    def _send_all(self) -> bool:
        """Send until nothing waits (True), or until the writer takes no more for a while (False)."""
        while self._unsent or self._take_batch() or self._take_losses():
            if self._closing.is_set() and time.monotonic() > self._deadline:
                return False
            if self._send(self._unsent[0]):
                continue
            if not self._is_writable():
                return False
            # A socket may call itself writable and still refuse: no busy loop.
            time.sleep(_REFUSED_S)
        return True

    def _take_batch(self) -> bool:
        batch: list[Line] = []
        size = 0
        while self._waiting and len(batch) < _BATCH_RECORDS:
            size += len(self._waiting[0].json)
            if batch and size > self._batch_bytes:
                break
            batch.append(self._waiting.popleft())
        if batch:
            self._unsent.append(batch)
        return bool(batch)

    def _send(self, batch: list[Line]) -> bool:
        """Send a batch and forget it; return whether there is less to send now."""
        data = encode_batch(batch)
        try:
            # Not by a setting of the socket: all processes share that one.
            self._socket.send(data, socket.MSG_DONTWAIT)
        except OSError as error:
            if error.errno != errno.EMSGSIZE:
                return False
            self._split(batch, len(data))
            return True
        self._unsent.popleft()
        self._release(batch)
        return True

    def _split(self, batch: list[Line], size: int) -> None:
        """Put two halves in the place of a batch that no datagram holds; cut a record that is so alone."""
        self._unsent.popleft()
        middle = len(batch) // 2
        if middle:
            self._batch_bytes = min(self._batch_bytes, size // 2)
            self._unsent.extendleft([batch[middle:], batch[:middle]])
            return
        shorter = shorten(batch[0], size // 2)
        self._release(batch)
        with self._lock:
            if len(shorter.json) >= len(batch[0].json):
                self._dropped += 1
                return
            self._records += 1
            self._bytes += len(shorter.json)
        self._unsent.appendleft([shorter])

    def _release(self, batch: list[Line]) -> None:
        with self._lock:
            self._records -= len(batch)
            self._bytes -= sum(len(line.json) for line in batch)

    def _is_writable(self) -> bool:
        poll = select.poll()
        poll.register(self._socket, select.POLLOUT)
        return [event for _, event in poll.poll(int(_TICK_S * 1000))] == [select.POLLOUT]

    def _take_losses(self) -> bool:
        """Put the count of what was lost among what is to be sent, when it is time to tell."""
        now = time.monotonic()
        lost = self._dropped - self._told
        if not lost or (now < self._told_at + _TELL_EVERY_S and not self._closing.is_set()):
            return False
        were = "was" if lost == 1 else "were"
        text = f"{counted(lost, 'record')} {were} lost: the process that writes them was away or slow"
        line = self._source.line("warning", text)
        with self._lock:
            self._records += 1
            self._bytes += len(line.json)
        self._unsent.append([line])
        self._told += lost
        self._told_at = now
        return True
