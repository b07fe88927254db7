"""An Elasticsearch that does what a test tells it to, in front of a real one or of none.

What a real server can be brought to (a mapping conflict, being away) is tested with a real one. This is
for what it does under a load or behind proxies that no test has.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import aiohttp
from aiohttp import web

from tests.brokers import free_port
from tests.served import Served

Reply = Callable[["Seen"], Awaitable[web.Response]]
Json = dict[str, Any]

#: The client refuses whoever doesn't say this.
PRODUCT = {"X-Elastic-Product": "Elasticsearch"}
#: What the server calls the reasons that it refuses one document for.
ITEM_ERRORS = {
    400: ("document_parsing_exception", "failed to parse field [n] of type [long]"),
    409: ("version_conflict_engine_exception", "version conflict, document already exists"),
    429: ("es_rejected_execution_exception", "rejected execution of primary operation"),
}
ERRORS = {
    401: ("security_exception", "missing authentication credentials for REST request"),
    403: ("security_exception", "action [indices:data/write/bulk] is unauthorized"),
    413: ("content_too_long_exception", "entity content is too long"),
    429: ("circuit_breaking_exception", "[parent] Data too large"),
    503: ("cluster_block_exception", "blocked by: [SERVICE_UNAVAILABLE/2/no master]"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A request that came; the body is without its compression."""

    #: Unix time, in seconds.
    at: float
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    request: web.Request

    @property
    def is_bulk(self) -> bool:
        """Whether it brings documents."""
        return self.path.endswith("_bulk")

    @property
    def items(self) -> list[tuple[Json, Json]]:
        """Return what a bulk asks for: the data of each action, which holds `_id`, and its document."""
        lines = [json.loads(line) for line in self.body.splitlines() if line]
        return [(action["create"], source) for action, source in zip(lines[::2], lines[1::2], strict=True)]

    @property
    def ids(self) -> list[str]:
        """Return the ids of a bulk's documents."""
        return [action["_id"] for action, _source in self.items]

    @property
    def documents(self) -> list[Json]:
        """Return a bulk's documents."""
        return [source for _action, source in self.items]


class FakeElastic(Served):
    """Answers bulks with `replies`, one after the other, and with `reply` when there are none left.

    With a port behind it the default is to pass them on, else to take all that comes and keep nothing.
    All that isn't a bulk is answered by `elsewhere`.
    """

    def __init__(self, behind: int | None = None, port: int | None = None) -> None:
        """Listen on a port of the loopback, from `with` on; `behind` is the port of a real server."""
        super().__init__()
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.replies: list[Reply] = []
        self.reply: Reply = self.pass_on if behind else accept
        self.elsewhere: Reply = self.pass_on if behind else acknowledge
        self.seen: list[Seen] = []
        self._behind = f"http://127.0.0.1:{behind}"
        self._session: aiohttp.ClientSession | None = None
        self._patience = asyncio.Event()

    @property
    def bulks(self) -> list[Seen]:
        """Return the bulks that came."""
        return [seen for seen in self.seen if seen.is_bulk]

    async def pass_on(self, seen: Seen) -> web.Response:
        """Answer, as a reply, what the real server says."""
        return await self._pass_on(seen, seen.body)

    async def lose_answer(self, seen: Seen) -> web.Response:
        """Pass it on, as a reply, and hang up when it is done: nobody hears that it went well."""
        await self.pass_on(seen)
        return await hang_up(seen)

    async def hold(self, seen: Seen) -> web.Response:
        """Answer, as a reply, when the test has let go."""
        await self._patience.wait()
        return await self.reply(seen)

    def let_go(self) -> None:
        """Answer all that is held, and hold nothing any more."""
        self.loop.call_soon_threadsafe(self._patience.set)

    def refuse_items(self, status_of: Callable[[int, Json], int | None]) -> Reply:
        """Refuse some documents of a bulk, and deal with the others as `reply` does.

        `status_of` is given a document's number in the bulk and the document, and says with what status it
        is refused: None for none.
        """

        async def reply(seen: Seen) -> web.Response:
            statuses = [status_of(n, source) for n, (_action, source) in enumerate(seen.items)]
            kept = [item for item, status in zip(seen.items, statuses, strict=True) if status is None]
            answered = iter(await self._answer_items(seen, kept))
            items = [
                next(answered) if status is None else _item(action, status)
                for (action, _source), status in zip(seen.items, statuses, strict=True)
            ]
            return _bulk_answer(items)

        return reply

    async def serve(self) -> None:
        """Listen until `stop` is set."""
        app = web.Application(client_max_size=1 << 30)
        app.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        async with aiohttp.ClientSession() as self._session:
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", self.port, reuse_address=True).start()
            self.ready.set()
            await self.stop.wait()
            await runner.cleanup()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.let_go()
        super().__exit__(kind, error, traceback)

    async def _answer(self, request: web.Request) -> web.Response:
        seen = Seen(
            at=time.time(),
            method=request.method,
            path=request.path,
            query=dict(request.query),
            headers=dict(request.headers),
            body=await request.read(),
            request=request,
        )
        self.seen.append(seen)
        if not seen.is_bulk:
            return await self.elsewhere(seen)
        return await (self.replies.pop(0) if self.replies else self.reply)(seen)

    async def _pass_on(self, seen: Seen, body: bytes) -> web.Response:
        assert self._session
        kept = ("Accept", "Content-Type")
        headers = {name: seen.headers[name] for name in kept if name in seen.headers}
        url = self._behind + seen.path
        async with self._session.request(
            seen.method, url, params=seen.query, data=body, headers=headers
        ) as answer:
            named = {"Content-Type": answer.headers.get("Content-Type", "text/plain")}
            return web.Response(body=await answer.read(), status=answer.status, headers={**PRODUCT, **named})

    async def _answer_items(self, seen: Seen, items: list[tuple[Json, Json]]) -> list[Json]:
        if not items or self.reply == accept:
            return [_item(action, 201) for action, _source in items]
        lines = [json.dumps(part) for action, source in items for part in ({"create": action}, source)]
        answer = await self._pass_on(seen, ("\n".join(lines) + "\n").encode())
        assert answer.status == 200, answer.text
        found: list[Json] = json.loads(answer.text or "")["items"]
        return found


async def accept(seen: Seen) -> web.Response:
    """Answer as a server that has taken every document."""
    return _bulk_answer([_item(action, 201) for action, _source in seen.items])


async def acknowledge(_seen: Seen) -> web.Response:
    """Answer as a server that has done what it was asked for."""
    return web.json_response({"acknowledged": True}, headers=PRODUCT)


def refuse(status: int, kind: str = "", reason: str = "", **headers: str) -> Reply:
    """Answer with a status and an error, that of `ERRORS` where none is given; `headers` with underscores."""
    standard = ERRORS.get(status, ("exception", "told to"))
    error = {"type": kind or standard[0], "reason": reason or standard[1]}

    async def reply(_seen: Seen) -> web.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        body = {"error": {"root_cause": [error], **error}, "status": status}
        return web.json_response(body, status=status, headers={**PRODUCT, **named})

    return reply


#: What a server of 8 says to a client of 9, whatever it asks for.
WRONG_VERSION = refuse(
    400,
    "media_type_header_exception",
    "Invalid media-type value on headers [Content-Type, Accept]",
)


def garbage(text: str = "<html>Welcome to the office</html>", status: int = 200) -> Reply:
    """Answer as something that isn't Elasticsearch: a text, without the product's header."""

    async def reply(_seen: Seen) -> web.Response:
        return web.Response(text=text, status=status, content_type="text/html")

    return reply


def late(seconds: float, then: Reply = accept) -> Reply:
    """Answer after a while."""

    async def reply(seen: Seen) -> web.Response:
        await asyncio.sleep(seconds)
        return await then(seen)

    return reply


async def hang_up(seen: Seen) -> web.Response:
    """Take the request, and close the connection without an answer."""
    assert seen.request.transport
    seen.request.transport.abort()
    return web.Response()


def _item(action: Json, status: int) -> Json:
    item: Json = {"_index": action.get("_index", ""), "_id": action.get("_id"), "status": status}
    if status >= 300:
        kind, reason = ITEM_ERRORS[status]
        item["error"] = {"type": kind, "reason": f"[{item['_id']}]: {reason}"}
    return {"create": item}


def _bulk_answer(items: list[Json]) -> web.Response:
    errors = any("error" in item["create"] for item in items)
    return web.json_response({"took": 1, "errors": errors, "items": items}, headers=PRODUCT)
