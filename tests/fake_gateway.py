"""A gateway that does what a test tells it to: a real server on the loopback, with no broker behind it."""

import asyncio
import json
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tests.brokers import free_port
from tests.served import Served

Reply = Callable[["Seen"], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A request that came."""

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    #: Where the connection came from: the same for the same one.
    peer: tuple[str, int]
    request: web.BaseRequest

    @property
    def items(self) -> list[dict[str, Any]]:
        """Return the messages of the request."""
        found: list[dict[str, Any]] = json.loads(self.body)
        return found

    @property
    def ids(self) -> list[str]:
        """Return their ids."""
        return [item["id"] for item in self.items]


async def accept(seen: Seen) -> web.StreamResponse:
    """Answer as a gateway whose broker has confirmed all."""
    return web.json_response({"ids": seen.ids}, status=202)


def answer(status: int, body: Any = None, **headers: str) -> Reply:
    """Answer with a status; `headers` with underscores, `body` as JSON or a text as it is."""

    async def reply(_seen: Seen) -> web.StreamResponse:
        text = body if isinstance(body, str) else json.dumps(body)
        return web.Response(
            status=status, text=text, headers={name.replace("_", "-"): v for name, v in headers.items()}
        )

    return reply


def problem(status: int, code: str, message: str, **more: Any) -> Reply:
    """Answer with a gateway's error; `Retry_After` is a header, all else stands in the error."""
    headers = {name: more.pop(name) for name in ("Retry_After",) if name in more}
    return answer(status, {"error": {"code": code, "message": message, **more}}, **headers)


async def hang_up(seen: Seen) -> web.StreamResponse:
    """Take the request, and close the connection without an answer."""
    assert seen.request.transport
    seen.request.transport.abort()
    return web.Response()


def late(seconds: float) -> Reply:
    """Accept after a while."""

    async def reply(seen: Seen) -> web.StreamResponse:
        await asyncio.sleep(seconds)
        return await accept(seen)

    return reply


class FakeGateway(Served):
    """Answers what it is told, one after the other, and accepts all that follows."""

    def __init__(self, port: int | None = None, tls: ssl.SSLContext | None = None) -> None:
        """Listen on a port of the loopback; with `tls` as `localhost`."""
        super().__init__()
        self.port = port or free_port()
        self.url = f"https://localhost:{self.port}" if tls else f"http://127.0.0.1:{self.port}"
        self._tls = tls
        self.seen: list[Seen] = []
        self.replies: list[Reply] = []

    async def serve(self) -> None:
        """Listen until `stop` is set."""
        runner = web.ServerRunner(web.Server(self._answer), shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", self.port, reuse_address=True, ssl_context=self._tls)
        await site.start()
        self.ready.set()
        await self.stop.wait()
        await runner.cleanup()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        assert request.transport
        seen = Seen(
            path=request.path,
            query=dict(request.query),
            headers=dict(request.headers),
            body=await request.read(),
            peer=request.transport.get_extra_info("peername")[:2],
            request=request,
        )
        self.seen.append(seen)
        reply = self.replies.pop(0) if self.replies else accept
        return await reply(seen)
