"""The HTTP server of a gateway's process: an event loop in a thread of its own, until told to stop."""

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable

from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_protocol import RequestHandler
from aiohttp.web_request import BaseRequest
from aiohttp.web_response import Response

from ebats.pipelines.producer import HttpProducer
from ebats.runner.gateway.answers import refused
from ebats.runner.gateway.connections import Connections, allow_files
from ebats.runner.gateway.refusal import Refusal

#: Connections that wait to be accepted.
_BACKLOG = 1024
#: After the last answers.
_CLOSING_S = 2.0

Handler = Callable[[BaseRequest], Awaitable[Response]]
#: Makes, on the loop, what answers requests.
MakeHandler = Callable[[asyncio.AbstractEventLoop], Handler]
#: Hears of what should never happen.
OnFailure = Callable[[BaseException], None]


class Server:
    """Listens for one gateway."""

    def __init__(self, producer: HttpProducer, make: MakeHandler, on_failure: OnFailure) -> None:
        """Let what `make` makes answer requests."""
        self._producer = producer
        self._make = make
        self._on_failure = on_failure
        self._thread = threading.Thread(target=self._run, name="gateway", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._stopping = False
        self._grace_s = 0.0
        #: The connections whose requests are being answered.
        self._in_hand: set[RequestHandler] = set()
        self._started = threading.Event()
        #: What ended it, though nobody asked it to end.
        self.failure: BaseException | None = None

    def start(self) -> None:
        """Listen; returns when that is so.

        Raises:
            OSError: it can't, and the text says why.
        """
        allow_files(self._producer.max_connections)
        self._thread.start()
        self._started.wait()
        if self.failure:
            raise self.failure

    def stop(self, grace_s: float) -> None:
        """Take no more requests, and end when those in hand are answered, or after the grace time."""
        self._grace_s = grace_s
        if self._loop and not self.has_ended(0):
            self._loop.call_soon_threadsafe(self._stop.set)

    def has_ended(self, timeout_s: float) -> bool:
        """Return whether it has ended, after waiting at most so long for that."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    # On the thread.

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=_loop_factory()) as runner:
                runner.run(self._serve())
        except BaseException as error:
            self.failure = error
        self._started.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._handler = self._make(self._loop)
        connections = Connections(
            self._handle,
            most=self._producer.max_connections,
            header_timeout_s=self._producer.header_timeout_s,
            idle_timeout_s=self._producer.idle_timeout_s,
            logger=_logger(self._on_failure),
        )
        listening = await self._loop.create_server(
            connections,
            self._producer.host,
            self._producer.port,
            backlog=_BACKLOG,
            reuse_address=True,
            reuse_port=True,
        )
        self._started.set()
        await self._stop.wait()
        listening.close()
        await self._leave(connections)

    async def _leave(self, connections: Connections) -> None:
        """Answer what is in hand, each as the last on its connection."""
        # What was accepted is on its way to its handler.
        await asyncio.sleep(0)
        self._stopping = True
        for connection in connections.connections:
            if connection not in self._in_hand:
                connection.force_close()
        deadline = time.monotonic() + self._grace_s
        while self._in_hand and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        await connections.shutdown(_CLOSING_S)

    async def _handle(self, request: BaseRequest) -> Response:
        connection = request.protocol
        self._in_hand.add(connection)
        try:
            response = await self._handler(request)
        except Exception as error:
            self._on_failure(error)
            response = refused(Refusal(500, "internal", "the gateway failed; its log says why", close=True))
        finally:
            self._in_hand.discard(connection)
        if self._stopping:
            response.force_close()
        return response


class _Handler(logging.Handler):
    """Passes on what aiohttp logs: requests that it can't read, and what should never happen."""

    def __init__(self, on_failure: OnFailure) -> None:
        super().__init__()
        self._on_failure = on_failure

    def emit(self, record: logging.LogRecord) -> None:
        """Pass a line on."""
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, HttpProcessingError):
            self._on_failure(error or RuntimeError(record.getMessage()))


def _logger(on_failure: OnFailure) -> logging.Logger:
    logger = logging.Logger("gateway", logging.WARNING)
    logger.addHandler(_Handler(on_failure))
    return logger


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return what makes the faster event loop, where it is installed; None: Python's own."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
