"""A Kibana for tests of the import: it reads the request as strictly as the real one, and answers as told."""

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import BodyPartReader, web

from tests.brokers import free_port
from tests.served import Served


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """A request that came."""

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    file_name: str
    objects: list[dict[str, Any]]


@dataclass(slots=True, kw_only=True)
class Answer:
    """What the next request is answered with; without a body, what Kibana says when all went well."""

    status: int = 200
    body: object = None
    headers: dict[str, str] = field(default_factory=dict)


class FakeKibana(Served):
    """Takes imports at any path that ends like the real one's."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        """Listen on a port of the loopback, from `with` on; with a context, over TLS."""
        super().__init__()
        self._context = context
        self.port = free_port()
        self.answer = Answer()
        self.imports: list[Import] = []

    @property
    def url(self) -> str:
        """Its URL."""
        return f"http{'s' if self._context else ''}://127.0.0.1:{self.port}"

    async def serve(self) -> None:
        """Listen until `stop` is set."""
        app = web.Application()
        app.router.add_post("/{prefix:.*}api/saved_objects/_import", self._import)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self.port, ssl_context=self._context).start()
        self.ready.set()
        await self.stop.wait()
        await runner.cleanup()

    async def _import(self, request: web.Request) -> web.StreamResponse:
        refused = {"statusCode": 400, "error": "Bad Request"}
        if request.headers.get("kbn-xsrf") is None:
            message = "Request must contain a kbn-xsrf header."
            return web.json_response({**refused, "message": message}, status=400)
        part = await (await request.multipart()).next()
        assert isinstance(part, BodyPartReader)
        file_name = part.filename or ""
        if part.name != "file" or not file_name.endswith(".ndjson"):
            message = f"Invalid file extension {file_name}"
            return web.json_response({**refused, "message": message}, status=400)
        objects = [json.loads(line) for line in (await part.text()).splitlines()]
        self.imports.append(
            Import(
                path=request.path,
                query=dict(request.query),
                headers=dict(request.headers),
                file_name=file_name,
                objects=objects,
            )
        )
        answer = self.answer
        if isinstance(answer.body, str):
            return web.Response(status=answer.status, text=answer.body, headers=answer.headers)
        body = answer.body or {"success": True, "successCount": len(objects), "warnings": []}
        return web.json_response(body, status=answer.status, headers=answer.headers)
