"""One request to a gateway, tried until there is an answer that counts."""

import asyncio
import random
import time
from dataclasses import dataclass

import aiohttp

from ebats.pipelines.counting import counted
from ebats.runner.client.answer import Answer, ids_of, retry_after_s
from ebats.runner.client.credentials import Credentials
from ebats.runner.client.errors import GatewayError, GatewayUnavailable
from ebats.runner.client.request import Request

#: The wait after the first attempt; it doubles from one to the next.
_FIRST_WAIT_S = 0.2
_LONGEST_WAIT_S = 10.0
#: A Retry-After is kept to up to here; who asks for more is not asked again.
LONGEST_RETRY_AFTER_S = 60.0

#: Nothing was sent: there is no connection.
_UNSENT = (aiohttp.ClientConnectorError, aiohttp.ClientProxyConnectionError, aiohttp.InvalidURL)
#: Nobody looked at what was sent: it came too slowly, or after too many others.
_UNREAD = (408, 429)
_EARLIER = "; an earlier attempt had no answer that counts, and may have been published all the same"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """Where requests go, and how often they are tried."""

    #: Without a slash at its end.
    url: str
    credentials: Credentials
    #: Of one attempt.
    timeout_s: float
    #: Attempts after the first.
    retries: int


def wait_s(tried: int, asked_s: float | None, fraction: float) -> float | None:
    """Return how long to wait after so many attempts, from 1; None: not to try again.

    `asked_s` is what the gateway asked for, `fraction` a random number from 0 to 1: those who failed
    together don't come back together. Pure.
    """
    if asked_s is not None and asked_s > LONGEST_RETRY_AFTER_S:
        return None
    longest: float = min(_FIRST_WAIT_S * 2 ** (tried - 1), _LONGEST_WAIT_S)
    return (asked_s or 0.0) + longest * (0.5 + fraction / 2)


async def send(session: aiohttp.ClientSession, gateway: Gateway, request: Request) -> list[str]:
    """Send a request until it is answered, and return the ids of what was published.

    Raises:
        GatewayError: it wasn't, or not surely.
    """
    tried, maybe_sent = 0, False
    confirmed: tuple[str, ...] = ()
    while True:
        tried += 1
        try:
            return ids_of(await _attempt(session, gateway, request), request)
        except (GatewayError, aiohttp.ClientError, OSError) as error:  # a time-out is an OSError
            failure = _failure(error, gateway, request)
            was_sent = not isinstance(error, _UNSENT) and failure.status not in _UNREAD
        if confirmed:  # by what was answered earlier
            failure.confirmed = tuple({**dict.fromkeys(confirmed), **dict.fromkeys(failure.confirmed)})
            failure.ids = tuple(id_ for id_ in failure.ids if id_ not in confirmed)
        confirmed = failure.confirmed
        if not isinstance(failure, GatewayUnavailable):
            raise _told(failure, gateway, _EARLIER if maybe_sent else "")
        maybe_sent = maybe_sent or was_sent
        pause_s = wait_s(tried, failure.retry_after_s, random.random())
        if tried > gateway.retries or pause_s is None:
            raise _told(failure, gateway, _given_up(tried, maybe_sent))
        await asyncio.sleep(pause_s)


async def _attempt(session: aiohttp.ClientSession, gateway: Gateway, request: Request) -> Answer:
    now = time.time()
    headers = {"Content-Type": "application/json", **gateway.credentials.headers(request, now)}
    async with session.post(
        gateway.url + request.path, data=request.body, headers=headers, allow_redirects=False
    ) as response:
        body = await response.read()
        asked_s = retry_after_s(response.headers.get("Retry-After"), now)
        return Answer(status=response.status, body=body, retry_after_s=asked_s)


def _failure(error: Exception, gateway: Gateway, request: Request) -> GatewayError:
    """Return how an attempt failed."""
    if isinstance(error, GatewayError):
        return error
    text = str(error) or type(error).__name__
    if isinstance(error, TimeoutError):
        text = f"hasn't answered within {gateway.timeout_s:g} s"
    failure = GatewayUnavailable(text)
    failure.ids = request.ids
    return failure


def _given_up(tried: int, maybe_sent: bool) -> str:
    end = "nothing was sent"
    if maybe_sent:
        end = "it may have been published all the same; it may be published again with the same id"
    return f" ({counted(tried, 'attempt')}); {end}"


def _told(error: GatewayError, gateway: Gateway, end: str) -> GatewayError:
    error.args = (f"the gateway {gateway.url}: {error}{end}",)
    return error
