"""Posts one body again and again, as cheaply as asyncio can, and prints how it went as JSON.

`python http_load.py PORT PATH CONNECTIONS NUMBER [RATE] <body`: with a rate, requests are due at even
times, and the time of each counts from when it was due, not from when a connection was free for it.
"""

import asyncio
import json
import sys
import time
from collections import deque

try:
    from uvloop import run
except ImportError:
    from asyncio import run


class Load:
    """What all connections share: how many are left, and what took how long."""

    def __init__(self, request: bytes, number: int) -> None:
        self.request = request
        self.left = number
        self.seconds: list[float] = []
        self.refused = 0
        #: When requests were due that no connection has taken; None: take one whenever you are free.
        self.due: deque[float] | None = None
        self.free: list[Connection] = []
        self.done = asyncio.Event()
        self.running = number

    def next(self, connection: "Connection") -> None:
        """Give a connection that is free its next request, if there is one."""
        if self.due is None:
            if self.left:
                self.left -= 1
                connection.send(time.perf_counter())
        elif self.due:
            connection.send(self.due.popleft())
        else:
            self.free.append(connection)

    def answered(self, since: float, is_accepted: bool) -> None:
        """Count an answer."""
        self.seconds.append(time.perf_counter() - since)
        self.refused += not is_accepted
        self.running -= 1
        if not self.running:
            self.done.set()

    async def pace(self, rate: float) -> None:
        """Let so many requests a second become due, at even times."""
        assert self.due is not None
        began = time.perf_counter()
        for number in range(self.left):
            due = began + number / rate
            if (wait := due - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            if self.free:
                self.free.pop().send(due)
            else:
                self.due.append(due)


class Connection(asyncio.Protocol):
    """One connection; its requests go one after the other."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._seen = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def send(self, since: float) -> None:
        """Send a request."""
        self._since = since
        self._transport.write(self._load.request)

    def data_received(self, data: bytes) -> None:
        self._seen += data
        head, end, body = self._seen.partition(b"\r\n\r\n")
        if not end:
            return
        lower = head.lower()
        length = int(lower.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        if len(body) >= length:
            self._seen = b""
            self._load.answered(self._since, lower.startswith(b"http/1.1 202"))
            self._load.next(self)

    def connection_lost(self, error: Exception | None) -> None:
        if self._load.running:
            sys.stderr.write(f"a connection was closed: {error or 'by the server'}\n")
            sys.exit(1)


async def post(port: int, request: bytes, connections: int, number: int, rate: float) -> None:
    """Make so many requests and print how many a second there were, and their times."""
    load = Load(request, number)
    loop = asyncio.get_running_loop()
    made = [
        (await loop.create_connection(lambda: Connection(load), "127.0.0.1", port))[1]
        for _ in range(connections)
    ]
    if rate:
        load.due = deque()
    began = time.perf_counter()
    for connection in made:
        load.next(connection)
    if rate:
        await load.pace(rate)
    await load.done.wait()
    seconds = sorted(load.seconds)
    found = {
        "rate": number / (time.perf_counter() - began),
        "p50": seconds[number // 2],
        "p99": seconds[int(number * 0.99)],
        "refused": load.refused,
    }
    sys.stdout.write(json.dumps(found))


def _request(path: str, body: bytes) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer bench\r\n"
    kind = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return f"{head}{kind}".encode() + body


if __name__ == "__main__":
    _port, _path, _connections, _number, *_rate = sys.argv[1:]
    _whole = _request(_path, sys.stdin.buffer.read())
    run(post(int(_port), _whole, int(_connections), int(_number), float(*_rate or [0])))
