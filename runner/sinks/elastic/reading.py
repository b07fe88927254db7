"""Pages of a data stream as it is at one moment, in the order of time.

https://www.elastic.co/docs/reference/elasticsearch/rest-apis/paginate-search-results
"""

import urllib.parse
from collections.abc import Iterator
from types import TracebackType
from typing import Any

from ebats.pipelines.sink import ElasticSink
from ebats.runner.sinks.elastic.connect import Answer, Away, Connection
from ebats.runner.sinks.elastic.query import Query
from ebats.runner.sinks.finding.source import SourceError

#: Documents asked for at once; and where their ids alone are asked for, as many as Elasticsearch gives.
PAGE, PAGE_OF_IDS = 1000, 10_000
#: Whoever reads our output may take his time with a page.
_KEEP_ALIVE = "5m"

Hit = dict[str, Any]
#: A place in the order: time in Unix milliseconds, and what decides between documents of the same.
Place = list[int]

_MEANING = {
    401: "it refuses the credentials: check `api_key`, `basic_auth` or `bearer_auth`",
    403: "it needs the privilege read on {stream}",
    429: "it is busy",
}


class Unreachable(SourceError):
    """Raised where it may be better in a while: no answer, or one that says so."""


class Moment:
    """A data stream as it is now, whatever is added while it is read; to be closed."""

    def __init__(self, sink: ElasticSink, connection: Connection) -> None:
        """Ask for it.

        Raises:
            SourceError: it can't be had.
        """
        self._sink = sink
        self._connection = connection
        #: Of shards that didn't answer.
        self.failed = 0
        stream = urllib.parse.quote(sink.data_stream)
        answer = self._request("POST", f"/{stream}/_pit?keep_alive={_KEEP_ALIVE}")
        self._id = None if answer.status == 404 else self._checked(answer)["id"]

    def __enter__(self) -> "Moment":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._id:
            # Where that fails, Elasticsearch forgets it by itself.
            try:
                self._request("DELETE", "/_pit", {"id": self._id})
            except SourceError:
                return

    @property
    def is_there(self) -> bool:
        """Whether there is such a data stream."""
        return self._id is not None

    def hits(self, query: Query, *, after: Place | None = None) -> Iterator[Hit]:
        """Yield what a query finds, the oldest first, from behind a place on."""
        while page := self._page(query, "asc", PAGE, after=after):
            yield from page
            after = page[-1]["sort"]
            if len(page) < PAGE:
                return

    def newest(self, query: Query, limit: int) -> Iterator[Hit]:
        """Yield the newest so many of what a query finds, the oldest first."""
        if limit <= PAGE:
            yield from reversed(self._page(query, "desc", limit))
            return
        # The other way round, without the documents, to where they begin: then no number is too large.
        after: Place | None = None
        while page := self._page(query, "desc", min(limit, PAGE_OF_IDS), after=after, source=False):
            time, number = after = page[-1]["sort"]
            limit -= len(page)
            if not limit:
                yield from self.hits(query, after=[time, number - 1])
                return
        yield from self.hits(query)

    def ids(self, query: Query) -> Iterator[tuple[str, int]]:
        """Yield ids and times, in Unix milliseconds, of what a query finds, the oldest first."""
        after: Place | None = None
        while page := self._page(query, "asc", PAGE_OF_IDS, after=after, source=False):
            yield from ((hit["_id"], hit["sort"][0]) for hit in page)
            after = page[-1]["sort"]

    def _page(
        self, query: Query, order: str, size: int, *, after: Place | None = None, source: bool = True
    ) -> list[Hit]:
        if self._id is None:
            return []
        body: dict[str, Any] = {
            "pit": {"id": self._id, "keep_alive": _KEEP_ALIVE},
            "query": query,
            "sort": [{"@timestamp": order}, {"_shard_doc": order}],
            "size": size,
            "track_total_hits": False,
            "_source": source,
        }
        if after is not None:
            body["search_after"] = after
        found = self._checked(self._request("POST", "/_search", body))
        self._id = found.get("pit_id", self._id)
        self.failed = max(self.failed, found["_shards"]["failed"])
        hits: list[Hit] = found["hits"]["hits"]
        return hits

    def _request(self, method: str, path: str, body: object = None) -> Answer:
        try:
            return self._connection.request(method, path, body)
        except Away as away:
            raise Unreachable(f"can't reach {self._where}: {away}") from None

    def _checked(self, answer: Answer) -> Any:
        if answer.status < 300:
            return answer.body
        kind, reason = answer.error
        meaning = _MEANING.get(answer.status, "it refuses").format(stream=self._sink.data_stream)
        said = ": ".join(part for part in (kind, " ".join(reason.split())[:300]) if part)
        error = Unreachable if answer.status == 429 or answer.status >= 500 else SourceError
        raise error(f"can't search {self._where}: {meaning}; it says {answer.status} {said}".rstrip())

    @property
    def _where(self) -> str:
        return f"Elasticsearch at {', '.join(self._sink.hosts)}"
