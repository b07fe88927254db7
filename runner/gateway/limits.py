"""What one sender may take of a gateway: requests a second, bytes of a body, and time for sending them."""

import asyncio
import math
from types import TracebackType

from aiohttp.web_protocol import RequestPayloadError
from aiohttp.web_request import BaseRequest

from ebats.runner.gateway.auth import Caller
from ebats.runner.gateway.refusal import Refusal

#: A body that comes more slowly than this, on the average since its begin, is given up.
SLOWEST_BYTES_S = 1024
#: So many bodies of the largest size may be held at the same time.
_HELD = 4
_LEAST_HELD = 64 * 2**20


class Bucket:
    """Tokens that come in at a rate, and may be saved up for a second. Pure: the time is given."""

    def __init__(self, rate: float, now: float) -> None:
        """Begin full; `rate` is in tokens a second, `now` in seconds of any clock that only goes forward."""
        self._rate = rate
        self._most = max(1.0, rate)
        self._tokens = self._most
        self._at = now

    def take(self, now: float) -> float:
        """Take a token and return 0, or return in how many seconds there is one."""
        self._tokens = min(self._most, self._tokens + (now - self._at) * self._rate)
        self._at = now
        if self._tokens >= 1:
            self._tokens -= 1
            return 0.0
        return (1 - self._tokens) / self._rate


class Rates:
    """Counts the requests of each caller."""

    def __init__(self) -> None:
        self._buckets: dict[str, Bucket] = {}

    def check(self, caller: Caller, now: float) -> None:
        """Count a request.

        Raises:
            Refusal: 429, for one more than the caller may make.
        """
        if caller.rate is None:
            return
        bucket = self._buckets.get(caller.name)
        if bucket is None:
            bucket = self._buckets[caller.name] = Bucket(caller.rate, now)
        if wait_s := bucket.take(now):
            text = f"`{caller.name}` may make {caller.rate:g} requests a second"
            # A whole second at least: the header has no fractions (RFC 9110, section 10.2.3).
            raise Refusal(429, "too_many_requests", text, {"Retry-After": str(math.ceil(wait_s))})


class Bodies:
    """Reads bodies, within bounds: of each one's size and time, and of all that are held at once."""

    def __init__(self, most: int, patience_s: float, room: int = 0) -> None:
        """Read bodies of at most so many bytes.

        `patience_s`: how long one may take before its speed is looked at. `room`: bytes of all at once; by
        default that of four of the largest, and 64 MiB at least.
        """
        self._most = most
        self._patience_s = patience_s
        self._room = room or max(_LEAST_HELD, _HELD * most)

    def of(self, request: BaseRequest) -> "_Held":
        """Read the body of a request: `async with bodies.of(request) as body`. It is held until the end.

        Raises:
            Refusal: 413, it is too large; 415, it is compressed; 408, it comes too slowly; 503, too many
                others are held; 400, it isn't what its head says.
        """
        return _Held(self, request)

    async def read(self, request: BaseRequest, held: "_Held") -> bytes:
        """Read a body, while `held` counts what it takes."""
        self._check_head(request)
        try:
            return await self._read(request, held)
        except TimeoutError:
            raise Refusal(408, "too_slow", "the body comes too slowly", close=True) from None
        except (ConnectionError, RequestPayloadError, RuntimeError) as error:  # the last: it is closed
            text = f"the body isn't what the head says: {str(error).strip().splitlines()[0]}"
            raise Refusal(400, "bad_request", text, close=True) from None

    async def _read(self, request: BaseRequest, held: "_Held") -> bytes:
        content = request.content
        if content.is_eof():
            body = content.read_nowait()
            held.add(len(body))
            self._check_size(len(body))
            return body
        if request.headers.get("Expect", "").lower() == "100-continue":
            # Only now, when it is wanted (RFC 9110, section 10.1.1).
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            request.writer.output_size = 0
        return await self._read_slowly(request, held)

    async def _read_slowly(self, request: BaseRequest, held: "_Held") -> bytes:
        body = bytearray()
        begin = asyncio.get_running_loop().time()
        while True:
            deadline = begin + self._patience_s + len(body) / SLOWEST_BYTES_S
            async with asyncio.timeout_at(deadline):
                chunk = await request.content.readany()
            if not chunk:
                return bytes(body)
            held.add(len(chunk))
            body += chunk
            self._check_size(len(body))

    def _check_head(self, request: BaseRequest) -> None:
        encoding = request.headers.get("Content-Encoding", "identity")
        if encoding.strip().lower() not in ("", "identity"):
            text = f"the body is encoded as {encoding!r:.60}: send it as it is"
            raise Refusal(415, "unsupported_encoding", text, {"Accept-Encoding": "identity"}, close=True)
        self._check_size(request.content_length or 0)

    def _check_size(self, size: int) -> None:
        if size > self._most:
            text = f"the body has more than {self._most:,} bytes: send several"
            raise Refusal(413, "too_large", text, close=True)

    def take(self, size: int) -> None:
        """Use room for so many bytes more; raises 503 where there is none."""
        if size > self._room:
            text = "too many large requests at once: send it again in a moment"
            raise Refusal(503, "busy", text, {"Retry-After": "1"}, close=True)
        self._room -= size

    def give_back(self, size: int) -> None:
        """Free room."""
        self._room += size


class _Held:
    """The body of one request, and the room that it takes."""

    def __init__(self, bodies: Bodies, request: BaseRequest) -> None:
        self._bodies = bodies
        self._request = request
        self._size = 0

    def add(self, size: int) -> None:
        """Take room for so many bytes more."""
        self._bodies.take(size)
        self._size += size

    async def __aenter__(self) -> bytes:
        try:
            return await self._bodies.read(self._request, self)
        except BaseException:
            self._bodies.give_back(self._size)
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bodies.give_back(self._size)
