"""What a test asks of an Elasticsearch, by plain HTTP: no client that could hide what the server said."""

import base64
import http.client
import json
import ssl
import time
from collections.abc import Mapping, Sequence
from typing import Any

#: Documents that one search gives at most, by the server's own bound.
MOST = 10_000
_NO_SHARD_YET = 503
_BEGINNING_S = 30


class ElasticError(Exception):
    """Raised when the server refuses a request."""

    def __init__(self, status: int, answer: Any) -> None:
        """Take the HTTP status and what came with it."""
        super().__init__(f"{status}: {answer}")
        self.status = status
        self.answer = answer


class ElasticClient:
    """A running node, seen from a test process that may not own it.

    Data streams can't be deleted here (see `Distribution`): each test takes one of its own.
    """

    def __init__(
        self,
        port: int,
        stream: str = "logs-ebats-default",
        login: tuple[str, str] | None = None,
        context: ssl.SSLContext | None = None,
    ) -> None:
        """Take the port for HTTP, and the data stream that is meant where none is named.

        `login` is a user and his password; with a `context` the server speaks TLS.
        """
        self.port = port
        self.stream = stream
        self.login = login
        self.context = context

    @property
    def url(self) -> str:
        """The URL of the server."""
        return f"https://localhost:{self.port}" if self.context else f"http://127.0.0.1:{self.port}"

    def ask(
        self, method: str, path: str, body: Mapping[str, Any] | bytes | None = None, timeout_s: float = 30
    ) -> tuple[int, Any]:
        """Send a request, a mapping as JSON and bytes as NDJSON; return the status and the decoded answer.

        Raises:
            OSError, http.client.HTTPException: there is no server, or it went away.
        """
        kind = "application/x-ndjson" if isinstance(body, bytes) else "application/json"
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        connection = self._connection(timeout_s)
        try:
            connection.request(method, path, data, {"Content-Type": kind, **self._authorization()})
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        is_json = "json" in answer.headers.get("Content-Type", "")
        return answer.status, json.loads(text) if is_json and text else text.decode()

    def _connection(self, timeout_s: float) -> http.client.HTTPConnection:
        if self.context:
            return http.client.HTTPSConnection(
                "localhost", self.port, timeout=timeout_s, context=self.context
            )
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout_s)

    def _authorization(self) -> dict[str, str]:
        if self.login is None:
            return {}
        return {"Authorization": "Basic " + base64.b64encode(":".join(self.login).encode()).decode()}

    def request(self, method: str, path: str, body: Mapping[str, Any] | bytes | None = None) -> Any:
        """Send a request as `ask()` does; return the decoded answer of one that went well.

        Raises:
            ElasticError: it was refused.
        """
        status, answer = self.ask(method, path, body)
        if status >= 400:
            raise ElasticError(status, answer)
        return answer

    def create(self, documents: Sequence[Mapping[str, Any]], stream: str | None = None) -> None:
        """Put documents into a data stream; `_id` among the fields is the document's id.

        The stream is made by the first of them where a template says so: see `add_template()`.
        """
        lines: list[Mapping[str, Any]] = []
        for document in documents:
            source = dict(document)
            given = {"_id": source.pop("_id")} if "_id" in source else {}
            lines += [{"create": given}, source]
        body = "".join(json.dumps(line) + "\n" for line in lines).encode()
        answer = self.request("POST", f"/{stream or self.stream}/_bulk?refresh=true", body)
        if answer["errors"]:
            raise ElasticError(400, answer["items"])

    def add_template(
        self,
        properties: Mapping[str, Any] | None = None,
        stream: str | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        """Put an index template for one data stream, above the templates of the program."""
        name = stream or self.stream
        mappings = {"properties": {"@timestamp": {"type": "date"}, **(properties or {})}}
        template = {"mappings": mappings, "settings": settings or {}}
        body = {"index_patterns": [name], "data_stream": {}, "priority": 900, "template": template}
        self.request("PUT", f"/_index_template/{name}", body)

    def refresh(self, stream: str | None = None) -> None:
        """Make searches see all that was put."""
        self.request("POST", f"/{stream or self.stream}/_refresh?ignore_unavailable=true")

    def search(
        self, query: Mapping[str, Any] | str | None = None, stream: str | None = None, **body: Any
    ) -> Any:
        """Search, and return the whole answer; a query as a text is Lucene's, as typed into Kibana.

        Further keywords, such as `aggs` and `sort`, stand beside the query.
        """
        if isinstance(query, str):
            query = {"query_string": {"query": query}}
        body = {"size": MOST, "track_total_hits": True, "query": query or {"match_all": {}}, **body}
        path = f"/{stream or self.stream}/_search?ignore_unavailable=true"
        end = time.monotonic() + _BEGINNING_S
        while True:
            self.refresh(stream)
            try:
                return self.request("POST", path, body)
            except ElasticError as error:
                # A stream that is just being made.
                if error.status != _NO_SHARD_YET or time.monotonic() > end:
                    raise
            time.sleep(0.1)

    def hits(self, query: Mapping[str, Any] | str | None = None, stream: str | None = None) -> list[Any]:
        """Return what is found, oldest first, each with `_id` and `_source`; nothing without the stream."""
        order = [{"@timestamp": {"order": "asc", "unmapped_type": "date"}}]
        found: list[Any] = self.search(query, stream, sort=order)["hits"]["hits"]
        return found

    def documents(self, stream: str | None = None, query: Mapping[str, Any] | str | None = None) -> list[Any]:
        """Return the documents of a data stream, oldest first, up to 10,000."""
        return [hit["_source"] for hit in self.hits(query, stream)]

    def count(self, query: Mapping[str, Any] | str | None = None, stream: str | None = None) -> int:
        """Count what is found, also what is more than one search gives."""
        total: int = self.search(query, stream, size=0)["hits"]["total"]["value"]
        return total

    def backing_indices(self, stream: str | None = None) -> list[str]:
        """Return the indices that a data stream consists of: none where there is no such data stream."""
        status, found = self.ask("GET", f"/_resolve/index/{stream or self.stream}")
        if status == 404:
            return []
        return [name for one in found["data_streams"] for name in one["backing_indices"]]
