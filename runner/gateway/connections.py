"""The server's connections: so many at once, each head in its time, and JSON also for what is no HTTP."""

import asyncio
import logging
import resource
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, cast

import msgspec
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http_parser import RawRequestMessage
from aiohttp.log import server_logger
from aiohttp.streams import StreamReader
from aiohttp.web_protocol import RequestHandler
from aiohttp.web_request import BaseRequest
from aiohttp.web_response import Response, StreamResponse
from aiohttp.web_server import Server

from ebats.runner.gateway.refusal import Refusal

#: For what is left of a body that nobody wants: so that its sender reads the answer.
_LINGER_S = 2.0
#: How often it is looked whose head takes too long.
_LOOK_S = 0.5
#: Files that a process needs besides its connections.
_OTHER_FILES = 100

_encode = msgspec.json.encode

Handle = Callable[[BaseRequest], Awaitable[StreamResponse]]


class Connections(Server):
    """An aiohttp server that bounds its connections. To be run by `aiohttp.web.ServerRunner`.

    aiohttp itself bounds the sizes of heads (8 KiB a line, 128 fields) and how long a connection is idle.
    """

    def __init__(
        self,
        handle: Handle,
        *,
        most: int,
        header_timeout_s: float,
        idle_timeout_s: float,
        logger: logging.Logger | None = None,
    ) -> None:
        """Let `handle` answer the requests of at most so many connections.

        Args:
            handle: Answers a request, whatever it is; it raises nothing.
            most: Connections at once.
            header_timeout_s: For the head of a request, from its first byte on, or from the connection on.
            idle_timeout_s: How long a connection may be kept without a request.
            logger: Where what should never happen goes.
        """
        super().__init__(self._handle, request_factory=self._request)
        self._answer = handle
        self._most = most
        self._header_timeout_s = header_timeout_s
        self._options: dict[str, Any] = {
            "keepalive_timeout": idle_timeout_s,
            "lingering_time": _LINGER_S,
            "logger": logger or server_logger,
            "access_log": None,
            "auto_decompress": False,
        }
        self._own_loop = asyncio.get_running_loop()
        self._watch = self._own_loop.call_later(_LOOK_S, self._look)

    def __call__(self) -> RequestHandler:
        """Make what serves a new connection."""
        return _Connection(self, loop=self._own_loop, **self._options)

    @property
    def is_full(self) -> bool:
        """Whether another connection is one too many."""
        return len(self.connections) >= self._most

    async def shutdown(self, timeout: float | None = None) -> None:
        """End all connections, those with a request in hand when it is answered, or after the time-out."""
        self._watch.cancel()
        await super().shutdown(timeout)

    async def _handle(self, request: BaseRequest) -> StreamResponse:
        connection = request.protocol
        assert isinstance(connection, _Connection)
        try:
            return await self._answer(request)
        finally:
            # What is left of its body is read, and thrown away, before the next request.
            request.content.on_eof(connection.answered)

    def _request(
        self,
        message: RawRequestMessage,
        payload: StreamReader,
        protocol: RequestHandler,
        writer: AbstractStreamWriter,
        task: "asyncio.Task[None]",
    ) -> BaseRequest:
        assert isinstance(protocol, _Connection)
        protocol.is_answering, protocol.head_since = True, None
        return BaseRequest(message, payload, protocol, writer, task, self._own_loop)

    def _look(self) -> None:
        self._watch = self._own_loop.call_later(_LOOK_S, self._look)
        latest = self._own_loop.time() - self._header_timeout_s
        for connection in self.connections:
            assert isinstance(connection, _Connection)
            if connection.head_since is not None and connection.head_since < latest:
                connection.give_up()


class _Connection(RequestHandler):
    """One connection."""

    __slots__ = ("_is_refused", "_owner", "head_since", "is_answering")

    def __init__(self, owner: Connections, **options: Any) -> None:
        super().__init__(owner, **options)
        self._owner = owner
        self._is_refused = False
        #: A request is being answered: what comes meanwhile is its body, or the next one.
        self.is_answering = False
        #: When the head began that isn't there yet, in the loop's time.
        self.head_since: float | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self._owner.is_full:
            self._is_refused = True
            # uvloop's are transports too, without being instances.
            _refuse(
                cast(asyncio.Transport, transport),
                Refusal(503, "busy", "too many connections", {"Retry-After": "1"}),
            )
            return
        self.head_since = self._loop.time()
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        if self._is_refused:
            return
        if self.head_since is None and not self.is_answering:
            self.head_since = self._loop.time()
        super().data_received(data)

    def answered(self) -> None:
        """Note that a request is done with, to its last byte."""
        self.is_answering = False

    def give_up(self) -> None:
        """Answer that the head came too slowly, and close."""
        if self.transport is not None:
            _refuse(self.transport, Refusal(408, "too_slow", "the head of the request came too slowly"))
        self.force_close()

    def handle_error(
        self,
        request: BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> StreamResponse:
        """Return the answer to what aiohttp can't take for a request."""
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or request.writer.output_size > 0:
            return super().handle_error(request, status, exc, message)
        said = (message or "").strip().splitlines()
        refusal = Refusal(status, "bad_request", f"this isn't HTTP/1.1: {said[0] if said else 'no request'}")
        response = Response(status=status, body=_encode(refusal.document()), content_type="application/json")
        response.force_close()
        return response


def allow_files(connections: int) -> None:
    """Let this process have so many connections open, as far as its hard limit allows it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + _OTHER_FILES
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _refuse(transport: asyncio.Transport, refusal: Refusal) -> None:
    """Answer a connection from which no request came."""
    body = _encode(refusal.document())
    head = [
        f"HTTP/1.1 {refusal.status} {HTTPStatus(refusal.status).phrase}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "Connection: close",
        *(f"{name}: {value}" for name, value in refusal.headers.items()),
    ]
    transport.write("\r\n".join(head).encode() + b"\r\n\r\n" + body)
    transport.close()
