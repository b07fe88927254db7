"""What a gateway does with a request, from its first line to its answer."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from aiohttp.web_request import BaseRequest
from aiohttp.web_response import Response

from ebats.pipelines.model import Pipeline
from ebats.pipelines.producer import HttpProducer
from ebats.runner.gateway import asked, bodies, openapi
from ebats.runner.gateway.answers import answer, refused, unserved
from ebats.runner.gateway.asked import JSON, NDJSON, Asked
from ebats.runner.gateway.auth import Auth
from ebats.runner.gateway.bodies import BadBody, TooMany
from ebats.runner.gateway.deliver import Deliveries
from ebats.runner.gateway.desk import Desk
from ebats.runner.gateway.items import BadItem, Item
from ebats.runner.gateway.limits import Bodies, Rates
from ebats.runner.gateway.refusal import Refusal
from ebats.runner.gateway.status import Status
from ebats.runner.gateway.strict import BadJson

_MESSAGES = ("/v1/messages", "/")
#: With the name of one behind it.
_EVENT, _TASK = "/v1/events/", "/v1/tasks/"
#: Anybody may look whether this lives.
_OPEN = ("/healthz", "/readyz")
_READS = ("GET", "HEAD")


class Gateway:
    """Answers requests: looks at who asks for what, and lets the desk publish."""

    def __init__(
        self,
        pipeline: Pipeline,
        producer: HttpProducer,
        desk: Desk,
        deliveries: Deliveries,
        counts: Mapping[str, int],
        count: Callable[[str, int], None],
    ) -> None:
        """Publish by `desk`; `count` raises one of `counts`."""
        self._pipeline = pipeline
        self._producer = producer
        self._desk = desk
        self._deliveries = deliveries
        self._count = count
        self._auth = Auth(producer)
        self._hosts = asked.Hosts(producer)
        self._rates = Rates()
        self._bodies = Bodies(producer.max_body, producer.header_timeout_s)
        status = Status(counts)
        description = openapi.document(pipeline, producer)
        self._looks: dict[str, Callable[[], tuple[int, Any]]] = {
            "/healthz": lambda: (200, {"status": "alive", "pipeline": pipeline.name}),
            "/readyz": self._readiness,
            "/v1/status": lambda: (200, status.document()),
            "/openapi.json": lambda: (200, description),
        }

    async def handle(self, request: BaseRequest) -> Response:
        """Return the answer to a request.

        Raises:
            Exception: what should never happen.
        """
        if request.path in self._looks:
            return self._look(request)
        try:
            response = await self._publish(request)
        except Refusal as refusal:
            response = refused(refusal)
        except BaseException:
            self._count("req_error", 1)
            raise
        self._count("req_success" if response.status < 300 else "req_error", 1)
        return response

    def _look(self, request: BaseRequest) -> Response:
        try:
            self._hosts.check(request.headers.get("Host"))
            _check_method(request, _READS)
            if request.path not in _OPEN:
                self._auth.admit(request.headers, time.time())
                self._auth.verify(request.headers, b"", time.time())
        except Refusal as refusal:
            return refused(refusal)
        status, document = self._looks[request.path]()
        return answer(status, document)

    def _readiness(self) -> tuple[int, Any]:
        is_ready = self._deliveries.is_served
        return (200, {"status": "ready"}) if is_ready else (503, {"status": "the broker takes no messages"})

    async def _publish(self, request: BaseRequest) -> Response:
        """Publish what a request asks for.

        Raises:
            Refusal: it isn't taken.
        """
        headers = request.headers
        self._hosts.check(headers.get("Host"))
        # Before anything is said of the names of the file.
        caller = self._auth.admit(headers, time.time())
        self._rates.check(caller, time.monotonic())
        what = self._asked(request)
        kind = asked.media_type(headers, (JSON, NDJSON) if what.one is None else (JSON,))
        key = asked.key(headers, caller.key)
        if not self._deliveries.is_served:
            # Before the body: it would be read in vain.
            raise unserved("the broker takes no messages for now; nothing was published")
        async with self._bodies.of(request) as body:
            self._auth.verify(headers, body, time.time())
            found = self._items(what, body, kind)
            return await self._desk.take(found, key=key, allow=caller.allow, partial=what.partial)

    def _asked(self, request: BaseRequest) -> Asked:
        path = request.path
        if path in _MESSAGES:
            _check_method(request, ("POST",))
            return asked.several(_query(request))
        if path.startswith(_EVENT):
            _check_method(request, ("POST",))
            return asked.one("event", path.removeprefix(_EVENT), _query(request), self._pipeline.events)
        if path.startswith(_TASK):
            _check_method(request, ("POST",))
            return asked.one("task", path.removeprefix(_TASK), _query(request), self._pipeline.tasks)
        raise Refusal(404, "not_found", f"there is nothing at {path!r:.80}; see /openapi.json")

    def _items(self, what: Asked, body: bytes, kind: str) -> Sequence[Item | BadItem]:
        try:
            if what.one is not None:
                return [bodies.single(body, self._producer.depth, **what.one)]
            read = bodies.lines if kind == NDJSON else bodies.array
            return read(body, self._producer.depth)
        except BadJson as error:
            raise Refusal(
                400, "bad_json", str(error), offset=error.offset, line=error.line, column=error.column
            ) from None
        except TooMany as error:
            raise Refusal(413, "too_many", str(error)) from None
        except BadBody as error:
            raise Refusal(422, "invalid", str(error), items=[]) from None


def _check_method(request: BaseRequest, allowed: Collection[str]) -> None:
    if request.method not in allowed:
        text = f"{request.path} takes {' and '.join(allowed)}, not {request.method:.20}"
        raise Refusal(405, "method_not_allowed", text, {"Allow": ", ".join(allowed)})


def _query(request: BaseRequest) -> Mapping[str, str]:
    return request.rel_url.query if request.rel_url.raw_query_string else {}
