"""Many AMQP frames with one system call: py-amqp reads each with three, and writes each message with one.

It uses two attributes of py-amqp's TCP transport that have been there since its version 2, and keeps to
its invariants, so that py-amqp itself can go on reading and writing at any moment.
"""

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from amqp.transport import TCPTransport

from ebats.runner.broker.deliveries import Deliveries

#: More would be copied about: what is left in the buffer is cut off frame by frame.
_CHUNK = 16_384
_FRAME_HEADER = struct.Struct(">BHI")
#: Ends each frame (AMQP 0-9-1, section 4.2.3).
_FRAME_END = 0xCE
_METHOD = 1

#: What py-amqp raises for bytes that it can't decode.
_UNREADABLE = (ValueError, IndexError, struct.error)


class Frames:
    """The frames of one open py-amqp connection."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._transport = connection.transport
        #: Encrypted ones are buffered elsewhere; they are read and written by py-amqp alone.
        self.is_fast = isinstance(self._transport, TCPTransport)
        #: Consumers whose deliveries are read here and not by py-amqp.
        self.deliveries = Deliveries()

    def read(self) -> bool:
        """Take what has arrived, without waiting; return whether there may be more.

        Raises:
            OSError: the connection is lost.
        """
        transport = self._transport
        try:
            data = transport.sock.recv(_CHUNK, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        if not data:
            raise ConnectionResetError("the broker closed the connection")
        is_full = len(data) == _CHUNK
        data = transport._read_buffer + data
        while len(data) >= _FRAME_HEADER.size:
            kind, channel, size = _FRAME_HEADER.unpack_from(data)
            end = _FRAME_HEADER.size + size
            if len(data) <= end:
                break
            if data[end] != _FRAME_END:
                raise ConnectionError("the broker sent a frame without its end")
            # Before the frame is dealt with: a callback may make py-amqp read.
            if kind == _METHOD and (found := self.deliveries.read(data, _FRAME_HEADER.size)):
                receive, delivery, after = found
                transport._read_buffer = data[after:]
                self._connection.bytes_recv += 1  # what py-amqp knows by that the broker is alive
                receive(delivery)
            else:
                transport._read_buffer = data[end + 1 :]
                self._take(kind, channel, data[_FRAME_HEADER.size : end])
            data = transport._read_buffer
        transport._read_buffer = data
        return is_full

    def _take(self, kind: int, channel: int, payload: bytes) -> None:
        try:
            self._connection.on_inbound_frame((kind, channel, payload))
        except _UNREADABLE as error:
            # A publisher's odd header: where it can't be read again and again the broker gives it up.
            raise ConnectionError(f"the broker handed on what can't be read: {error!r}") from error

    @contextmanager
    def corked(self) -> Iterator[None]:
        """Collect what is written inside, and write it at once. Nothing inside may wait for an answer."""
        transport = self._transport
        collected = bytearray()
        # `write` is given one buffer again and again: it has to be copied.
        transport._write = collected.extend
        try:
            yield
        finally:
            transport._write = transport.sock.sendall
            if collected:
                transport.sock.sendall(collected)
