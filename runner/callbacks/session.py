"""Sending requests: one pool of connections for those to hosts of the file, one for each guard."""

import ssl
import time
from typing import Protocol

import aiohttp
from yarl import URL

from ebats import __version__
from ebats.pipelines.tls import Tls
from ebats.runner.callbacks.guard import Guard, GuardedNames
from ebats.runner.callbacks.names import Names
from ebats.runner.callbacks.request import Request
from ebats.runner.callbacks.success import Answer

#: What is read of an answer; the rest is left where it is, and the connection closed.
MOST_BYTES = 65_536
#: Servers close a connection that nobody uses: after 5 s many of them, and a request that is on its
#: way then fails for nothing.
_IDLE_S = 3.0

_OURS = {
    "User-Agent": f"ebats/{__version__}",
    # What is read is what was sent: nothing is unpacked, so that nothing small becomes large.
    "Accept-Encoding": "identity",
}


class NoAnswer(Exception):
    """Raised when a request had no answer, or none that can be read: its text says why."""


class Timeouts:
    """The time-outs of single requests, within that of the attempt."""

    def __init__(self, connect_s: float, read_s: float | None) -> None:
        self.connect_s = connect_s
        self.read_s = read_s
        self._plain = self._of(None)

    def of(self, timeout_s: float | None) -> aiohttp.ClientTimeout:
        """Return the time-outs of a request that has one of its own, or none."""
        return self._plain if timeout_s is None else self._of(timeout_s)

    def _of(self, timeout_s: float | None) -> aiohttp.ClientTimeout:
        return aiohttp.ClientTimeout(
            total=timeout_s, connect=self.connect_s, sock_read=self.read_s, ceil_threshold=3600
        )


class Sends(Protocol):
    """Sends requests: see `Session.send`."""

    async def send(self, request: Request, url: URL, timeout: aiohttp.ClientTimeout) -> Answer: ...


class Session:
    """Sends requests over a pool of connections; on one event loop, and made on any thread."""

    def __init__(self, tls: Tls | None, guard: Guard | None) -> None:
        """Trust these certificates; `guard` looks at each host and address first.

        Raises:
            OSError: a certificate or key can't be read.
        """
        self._guard = guard
        # Without files of its own: the system's certificates, which aiohttp has read already.
        self._context = _context(tls) if tls and (tls.ca_certs or tls.certfile) else True
        self._client: aiohttp.ClientSession | None = None

    async def send(self, request: Request, url: URL, timeout: aiohttp.ClientTimeout) -> Answer:
        """Send a request and return its answer, whatever its status.

        Raises:
            NoAnswer: there was none.
            Refused: the guard doesn't let it go there.
        """
        client = self._client or self._open()
        if self._guard:
            self._guard.check(url)
        began = time.monotonic()
        try:
            async with client.request(
                request.method,
                url,
                data=request.body,
                headers=request.headers,
                timeout=timeout,
                allow_redirects=False,
            ) as response:
                body, is_cut = await _read(response)
                return Answer(
                    status=response.status,
                    reason=response.reason or "",
                    content_type=response.headers.get("Content-Type", ""),
                    retry_after=response.headers.get("Retry-After"),
                    body=body,
                    is_cut=is_cut,
                    seconds=time.monotonic() - began,
                )
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise NoAnswer(why(error, timeout)) from error

    def _open(self) -> aiohttp.ClientSession:
        names = Names()
        connector = aiohttp.TCPConnector(
            resolver=GuardedNames(self._guard, names) if self._guard else names,
            ssl=self._context,
            # How many there are at once is known elsewhere, for each host.
            limit=0,
            keepalive_timeout=_IDLE_S,
        )
        self._client = aiohttp.ClientSession(
            connector=connector,
            headers=_OURS,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            # Without one of ours or of the file's there is none.
            skip_auto_headers=("Content-Type",),
        )
        return self._client

    async def close(self) -> None:
        """Close all connections."""
        if self._client:
            await self._client.close()


def _context(tls: Tls) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=tls.ca_certs)
    if tls.certfile:
        context.load_cert_chain(tls.certfile, tls.keyfile)
    return context


def too_long(timeout: aiohttp.ClientTimeout, seconds: float) -> tuple[float, str] | None:
    """Return after how many seconds an answer that takes so long is given up, and why; None: it isn't."""
    errors: tuple[tuple[float | None, Exception], ...] = (
        (timeout.sock_read, aiohttp.SocketTimeoutError()),
        (timeout.total, TimeoutError()),
    )
    late = [(limit, error) for limit, error in errors if limit and limit < seconds]
    if not late:
        return None
    limit, error = min(late, key=lambda one: one[0])
    return limit, why(error, timeout)


async def _read(response: aiohttp.ClientResponse) -> tuple[bytes, bool]:
    """Return the beginning of a body, and whether there is more."""
    content = response.content
    parts: list[bytes] = []
    size = 0
    while size <= MOST_BYTES and (part := await content.readany()):
        parts.append(part)
        size += len(part)
    if size <= MOST_BYTES:
        return b"".join(parts), False
    response.close()
    return b"".join(parts)[:MOST_BYTES], True


def why(error: Exception, timeout: aiohttp.ClientTimeout) -> str:
    """Return why there is no answer, without the URL, which may hold a secret."""
    match error:
        case aiohttp.ConnectionTimeoutError():
            text = f"no connection within {timeout.connect:g} s"
        case aiohttp.SocketTimeoutError():
            text = f"the other side said nothing for {timeout.sock_read:g} s"
        case TimeoutError():
            text = f"no answer within {timeout.total:g} s" if timeout.total else "no answer in time"
        case aiohttp.ClientConnectorError():
            text = f"no connection: {error.os_error}"
        case aiohttp.ServerDisconnectedError():
            text = "the other side closed the connection without an answer"
        case aiohttp.InvalidURL():
            # Its text has the whole URL.
            text = "this URL can't be asked"
        case aiohttp.ClientResponseError():
            text = f"the answer is no HTTP: {error.message}"
        case _:
            text = f"{type(error).__name__}: {error}"
    return text
