"""Answers each POST with "success" and counts it, as cheaply as asyncio can: `python sink.py PORT`.

It knows just enough of HTTP for clients that send a length, so that it is never what limits them.
"""

import asyncio
import re
import sys

from tests.benchmarks.counter import of_environment

try:
    from uvloop import run
except ImportError:
    from asyncio import run

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 7\r\n\r\nsuccess"
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_counter = of_environment()


class Sink(asyncio.Protocol):
    """One connection; its requests come one after the other."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._seen = b""

    def data_received(self, data: bytes) -> None:
        self._seen += data
        while (end := self._seen.find(b"\r\n\r\n")) >= 0:
            length = _LENGTH.search(self._seen, 0, end)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self._seen) < whole:
                return
            self._seen = self._seen[whole:]
            _counter.raise_it()
            self._transport.write(_ANSWER)


async def serve(port: int) -> None:
    """Serve until the process is ended."""
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    run(serve(int(sys.argv[1])))
