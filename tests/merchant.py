"""Somebody who is called back: a real server on the loopback, that answers as a test wants it to."""

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import TracebackType

from aiohttp import web

from tests.brokers import free_port
from tests.served import Served

Reply = Callable[["Call"], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request that came."""

    #: Unix time, in seconds.
    at: float
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


async def success(_call: Call) -> web.StreamResponse:
    """Answer as payment gateways do."""
    return web.Response(text="success")


def status(code: int, text: str = "") -> Reply:
    """Answer with a status."""

    async def reply(_call: Call) -> web.StreamResponse:
        return web.Response(status=code, text=text)

    return reply


class Merchant(Served):
    """Answers with `replies`, one after the other, and with `reply` when there are none left."""

    def __init__(
        self, reply: Reply = success, port: int | None = None, context: ssl.SSLContext | None = None
    ) -> None:
        """Listen on a port of the loopback, from `with` on; with a context, over TLS."""
        super().__init__()
        self.port = port or free_port()
        self.reply = reply
        self._context = context
        self.replies: list[Reply] = []
        self.calls: list[Call] = []
        #: Calls that have no answer yet, and the most of them that there were.
        self.in_hand = self.most_in_hand = 0
        self._patience = asyncio.Event()

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        """Return its URL."""
        return f"http{'s' if self._context else ''}://{host}:{self.port}{path}"

    async def hold(self, _call: Call) -> web.StreamResponse:
        """Answer, as a reply, when the test has let go."""
        await self._patience.wait()
        return web.Response(text="success")

    def let_go(self) -> None:
        """Answer all that is held, and hold nothing any more."""
        self.loop.call_soon_threadsafe(self._patience.set)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.let_go()
        super().__exit__(kind, error, traceback)

    async def serve(self) -> None:
        """Listen until `stop` is set."""
        runner = web.ServerRunner(web.Server(self._answer), shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(
            runner, "127.0.0.1", self.port, reuse_address=True, backlog=2048, ssl_context=self._context
        ).start()
        self.ready.set()
        await self.stop.wait()
        await runner.cleanup()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        call = Call(
            at=time.time(),
            method=request.method,
            path=request.path_qs,
            headers=dict(request.headers),
            body=await request.read(),
        )
        self.calls.append(call)
        self.in_hand += 1
        self.most_in_hand = max(self.most_in_hand, self.in_hand)
        try:
            return await (self.replies.pop(0) if self.replies else self.reply)(call)
        finally:
            self.in_hand -= 1
