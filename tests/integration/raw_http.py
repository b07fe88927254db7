"""HTTP byte by byte, as no client sends it, and a server without a broker that bears it."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from aiohttp import web
from aiohttp.web_request import BaseRequest

from ebats.runner.gateway.connections import Connections
from ebats.runner.gateway.limits import Bodies
from ebats.runner.gateway.refusal import Refusal
from tests.brokers import free_port

POST = b"POST / HTTP/1.1\r\nHost: localhost\r\n"
GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
#: The largest body that the server takes.
MOST = 5000


class Client:
    """A connection, byte by byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take both ends of a connection."""
        self._reader = reader
        self._writer = writer

    def send(self, data: bytes) -> None:
        """Send bytes, whether somebody wants them or not."""
        self._writer.write(data)

    async def answer(self) -> tuple[int, dict[str, str], Any]:
        """Read an answer: status, headers and what its JSON says."""
        async with asyncio.timeout(30):
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {
                name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:-2])
            }
            body = await self._reader.readexactly(int(headers.get("content-length", 0)))
        return int(head[0].split()[1]), headers, json.loads(body) if body else None

    async def refusal(self) -> tuple[int, str]:
        """Read the answer to a request that is refused: status and code."""
        status, headers, document = await self.answer()
        assert headers["content-type"].startswith("application/json")
        assert document["error"]["message"]
        return status, document["error"]["code"]

    async def is_closed(self) -> bool:
        """Wait until the other side has closed; what it still says is thrown away."""
        async with asyncio.timeout(30):
            with suppress(ConnectionError):
                await self._reader.read()
        return True

    async def close(self) -> None:
        """Close."""
        self._writer.close()
        with suppress(ConnectionError):
            await self._writer.wait_closed()


class Door:
    """A server that answers with what it read."""

    def __init__(self, port: int) -> None:
        """Remember where it is."""
        self._port = port

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Client]:
        """Open a connection."""
        client = Client(*await asyncio.open_connection("127.0.0.1", self._port))
        try:
            yield client
        finally:
            await client.close()


def answer(document: object, status: int = 200) -> web.Response:
    return web.json_response(document, status=status)


@asynccontextmanager
async def serving(
    handle: Callable[[BaseRequest], Awaitable[web.Response]] | None = None, **limits: Any
) -> AsyncIterator[Door]:
    """Run a server."""
    bodies = Bodies(MOST, limits.pop("patience_s", 0.5), limits.pop("room", 0))

    async def read(request: BaseRequest) -> web.Response:
        try:
            async with bodies.of(request) as body:
                return answer(body.decode())
        except Refusal as refusal:
            response = answer(refusal.document(), refusal.status)
            response.headers.update(refusal.headers)
            if refusal.close:
                response.force_close()
            return response

    given = {"most": 100, "header_timeout_s": 0.5, "idle_timeout_s": 30.0, **limits}
    runner = web.ServerRunner(Connections(handle or read, **given))
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield Door(port)
    finally:
        await runner.cleanup()


async def drip(client: Client, drop: bytes) -> None:
    """Send a little, again and again."""
    while True:
        client.send(drop)
        await asyncio.sleep(0.1)
