"""`ebats.Client`: publishing through a gateway, sync and async."""

import asyncio
import weakref
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from functools import partial
from types import TracebackType
from typing import Any, Self, Unpack
from urllib.parse import urlsplit

import aiohttp

from ebats.runner.client import credentials, notify, request
from ebats.runner.client.attempts import Gateway, send
from ebats.runner.client.background import Background
from ebats.runner.client.errors import GatewayUnavailable
from ebats.runner.client.notify import NotifyOptions
from ebats.runner.client.request import Item, Part, Request
from ebats.runner.execution.api import EventOptions, TaskOptions
from ebats.runner.publishing import messages
from ebats.runner.publishing.messages import Duration

_MOST_RETRIES = 100


class Client:
    """Publishes to one pipeline through its gateway, from any thread, any event loop, any forked child.

    Make one for a program, at its top; it needn't be closed. Its connections are opened by the first
    publish and kept. What `publish` and its like raise is a PublishError, as with `ebats.Publisher`.
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        secret: str | None = None,
        *,
        timeout: Duration = 10.0,
        retries: int = 5,
    ) -> None:
        """Publish through a gateway.

        Args:
            url: Where it listens: `http://127.0.0.1:9501`, or `https://` and a proxy in front of it.
            token: A bearer token that the gateway knows.
            secret: A secret that the gateway knows, `whsec_...`: requests are signed with it.
            timeout: How long one attempt may take: "10s", a timedelta, or seconds.
            retries: How many attempts follow the first, when there is no answer or one that says: later.

        Raises:
            TypeError, ValueError: an argument is none of that.
        """
        timeout_s = messages.seconds(timeout, "a timeout", 86_400.0)
        if timeout_s == 0:
            raise ValueError("a timeout is longer than 0")
        if isinstance(retries, bool) or not isinstance(retries, int) or not 0 <= retries <= _MOST_RETRIES:
            raise ValueError(f"retries is a whole number from 0 to {_MOST_RETRIES}, unlike {retries!r:.60}")
        self._gateway = Gateway(
            url=_base(url),
            credentials=credentials.of(token, secret),
            timeout_s=timeout_s,
            retries=retries,
        )
        self._background = Background(partial(_session, timeout_s))
        self._finish = weakref.finalize(self, self._background.finish)
        self._finish.atexit = False
        self._closed = False

    def publish(self, event: str, payload: Any, **options: Unpack[EventOptions]) -> str:
        """Publish an event and return the message's id, once the broker behind the gateway has confirmed it.

        Args:
            event: Its name.
            payload: What JSON can hold; a `str` where the event's format is text.
            options: `id`: the message's id, to know repeats by; a new one by default.
                `delay`: how long its tasks wait: "37s", a timedelta, or seconds.
                `queue`: its tasks run from this queue, one that the file allows them.
                `headers`: AMQP headers for the tasks to see; JSON has to hold them.
                `key`: for an event that is a pattern: a routing key that matches.

        Raises:
            TypeError, ValueError: an argument can't be published. Nothing was sent.
            GatewayRefused: the gateway refuses it for good; it says why.
            GatewayUnavailable: no attempt had an answer that counts; the message may arrive, or not.
        """
        return self._sync([request.event(event, payload, **options)], False)[0]

    def run_task(self, task: str, payload: Any, **options: Unpack[TaskOptions]) -> str:
        """Publish a message for one task, whatever its events; see `publish`."""
        return self._sync([request.task(task, payload, **options)], False)[0]

    def publish_batch(self, items: Iterable[Item], *, partial: bool = False) -> list[str]:
        """Publish several events in one request, all or none of them, and return their ids.

        Items are `(event, payload)` or `(event, payload, {"id": ..., "delay": ..., ...})`.

        Args:
            items: Not more than the gateway takes in one request: 16 MiB by default.
            partial: Publish the good ones though others are bad, which are then told of.

        Raises:
            GatewayRefused: the gateway refuses it; its `items` are those that are bad, and why. With
                `partial` its `confirmed` are the ids of the others.
            GatewayUnavailable, TypeError, ValueError: as `publish`.
        """
        return self._sync([request.item(item) for item in items], partial)

    def notify(self, urls: str | Iterable[str], **options: Unpack[NotifyOptions]) -> list[str]:
        """Have URLs called: one message for each, in one request, all or none; return their ids.

        Args:
            urls: One, or several.
            options: `unique_key`: what the ids begin with; the rest follows from the URL. The same key
                and URL have the same id, to know repeats by: they are not removed.
                `queue`: where the messages go, to its only task; with `task`, where that runs from.
                `task`: which task calls, one with `http: {from: payload}`.
                `event`: which event the messages are, in place of a queue or a task.
                `delay`, `headers`: as with `publish`.
                `method`: how the URLs are called; GET by default.
                `options`: of each call: headers, query, json, body, form_params, timeout.
                `control`: of each message: retryTimes, retryCode, successCode.

        Raises:
            GatewayRefused, GatewayUnavailable, TypeError, ValueError: as `publish`.
        """
        return self._sync(notify.parts(urls, **options), False)

    async def publish_async(self, event: str, payload: Any, **options: Unpack[EventOptions]) -> str:
        """Do what `publish` does, for a coroutine to await."""
        return (await self._async([request.event(event, payload, **options)], False))[0]

    async def run_task_async(self, task: str, payload: Any, **options: Unpack[TaskOptions]) -> str:
        """Do what `run_task` does, for a coroutine to await."""
        return (await self._async([request.task(task, payload, **options)], False))[0]

    async def publish_batch_async(self, items: Iterable[Item], *, partial: bool = False) -> list[str]:
        """Do what `publish_batch` does, for a coroutine to await."""
        return await self._async([request.item(item) for item in items], partial)

    async def notify_async(self, urls: str | Iterable[str], **options: Unpack[NotifyOptions]) -> list[str]:
        """Do what `notify` does, for a coroutine to await."""
        return await self._async(notify.parts(urls, **options), False)

    def close(self) -> None:
        """Wait for what is on its way, at most `timeout`, and close the connections."""
        self._closed = True
        self._background.close(self._gateway.timeout_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.close)

    def _sync(self, parts: Sequence[Part], partial: bool) -> list[str]:
        if not parts:
            return []
        future = self._start(parts, partial)
        try:
            return future.result()
        except BaseException:
            # A Ctrl-C, for instance: nobody waits any more.
            future.cancel()
            raise

    async def _async(self, parts: Sequence[Part], partial: bool) -> list[str]:
        return await asyncio.wrap_future(self._start(parts, partial)) if parts else []

    def _start(self, parts: Sequence[Part], partial: bool) -> Future[list[str]]:
        if self._closed:
            raise RuntimeError("this client is closed")
        made = request.request(parts, partial=partial)
        return self._background.start(lambda session: self._send(session, made))

    async def _send(self, session: aiohttp.ClientSession, made: Request) -> list[str]:
        try:
            return await send(session, self._gateway, made)
        except asyncio.CancelledError:
            if not self._closed:
                raise
            error = GatewayUnavailable("the client was closed before the gateway had answered")
            error.ids = made.ids
            raise error from None


def _base(url: str) -> str:
    """Return a gateway's URL without a slash at its end."""
    if not isinstance(url, str):
        raise TypeError(f"the gateway's URL has to be a str, unlike {url!r:.60}")
    try:
        found = urlsplit(url)
        found.port  # noqa: B018 - it is read when it is asked for
    except ValueError as error:
        raise ValueError(f"the gateway's URL can't be read: {error}") from None
    if found.scheme not in ("http", "https") or not found.hostname:
        raise ValueError("the gateway's URL is http:// or https:// and a host, such as http://127.0.0.1:9501")
    if found.username is not None or found.password is not None:
        raise ValueError("the gateway's URL has no user in it: give a token or a secret")
    if found.query or found.fragment:
        raise ValueError("the gateway's URL ends before `?` and `#`")
    return url.rstrip("/")


def _session(timeout_s: float) -> aiohttp.ClientSession:
    """Make a session: no cookies, no proxies of the environment."""
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=timeout_s),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": "ebats"},
    )
