"""Servers that break HTTP: each path is another way. On the loopback, in a thread of their own."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

from tests.brokers import free_port
from tests.served import Served

Way = Callable[[asyncio.StreamWriter], Awaitable[None]]

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"


async def reset(writer: asyncio.StreamWriter) -> None:
    """Break the connection without an answer, by a reset."""
    writer.transport.abort()


async def close(_writer: asyncio.StreamWriter) -> None:
    """Close it in good order, without an answer."""


async def garbage(writer: asyncio.StreamWriter) -> None:
    """Answer what is no HTTP."""
    writer.write(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")


async def short(writer: asyncio.StreamWriter) -> None:
    """Promise more than comes."""
    writer.write(_HEAD + b"Content-Length: 100\r\n\r\nsuccess")


async def stall(writer: asyncio.StreamWriter) -> None:
    """Begin an answer, and never end it."""
    writer.write(_HEAD + b"Content-Length: 7\r\n\r\nsuc")
    await asyncio.sleep(600)


async def silent(_writer: asyncio.StreamWriter) -> None:
    """Take the request, and say nothing."""
    await asyncio.sleep(600)


async def endless(writer: asyncio.StreamWriter) -> None:
    """Answer without an end."""
    writer.write(_HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    while not writer.is_closing():
        writer.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
        await writer.drain()


async def packed(writer: asyncio.StreamWriter) -> None:
    """Answer with few bytes that say that they are many, packed."""
    body = bytes.fromhex("1f8b08000000000000ff") + b"\x00" * 20
    head = _HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)
    writer.write(head + body)


async def headers(writer: asyncio.StreamWriter) -> None:
    """Answer with a header of a megabyte."""
    writer.write(_HEAD + b"X-Long: " + b"x" * 1_000_000 + b"\r\n\r\n")


WAYS: dict[str, Way] = {
    way.__name__: way for way in (reset, close, garbage, short, stall, silent, endless, packed, headers)
}


class Rude(Served):
    """Answers each request by its path: `/reset` is `reset`."""

    def __init__(self) -> None:
        super().__init__()
        self.port = free_port()
        self.asked: Counter[str] = Counter()

    async def serve(self) -> None:
        """Listen until `stop` is set."""
        self._answers: set[asyncio.Task[None]] = set()
        server = await asyncio.start_server(self._begin, "127.0.0.1", self.port)
        self.ready.set()
        await self.stop.wait()
        server.close()
        for task in self._answers:
            task.cancel()
        await asyncio.gather(*self._answers, return_exceptions=True)

    async def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._answers.add(task)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            name = head.split(b" ", 2)[1].decode().strip("/")
            self.asked[name] += 1
            await WAYS[name](writer)
        except (OSError, asyncio.CancelledError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            self._answers.discard(task)
