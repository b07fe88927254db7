"""Records found in the data stream of a sink."""

import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager

import msgspec

from ebats.pipelines.counting import counted
from ebats.pipelines.sink import ElasticSink
from ebats.runner.sinks.ecs_back import record
from ebats.runner.sinks.elastic.connect import Connection
from ebats.runner.sinks.elastic.query import query_of, these
from ebats.runner.sinks.elastic.reading import PAGE, Hit, Moment, Unreachable
from ebats.runner.sinks.finding.found import Found
from ebats.runner.sinks.finding.search import Search

_POLL_S = 1.0
#: A document is there so long after it happened at the latest, but where it waited in a spool.
_LATE_MS = 60_000


class DataStream:
    """The data stream of a sink, of any number of runners and machines."""

    def __init__(self, sink: ElasticSink, sleep: Callable[[float], None] = time.sleep) -> None:
        """Ask nothing yet; `sleep` waits between two looks, in seconds."""
        self._sink = sink
        self._sleep = sleep
        self._unreadable = 0
        self._notes: list[str] = []
        #: What a search that follows has shown: ids, and their times in Unix milliseconds.
        self._shown: dict[str, int] = {}
        self._newest_ms = 0

    def find(self, search: Search) -> Generator[Found, None, None]:
        """Yield the records that are meant, the oldest first; see `Source`."""
        with self._connected() as connection, Moment(self._sink, connection) as moment:
            yield from self._before(moment, search)

    def follow(self, search: Search) -> Generator[Found | None, None, None]:
        """Yield what is there and then what comes; see `Source`."""
        with self._connected() as connection:
            with Moment(self._sink, connection) as moment:
                self._newest_ms = self._known([hit["sort"][0] for hit in moment.newest(query_of(search), 1)])
                # All that is there is no news, also what a limit leaves out.
                self._shown.update(moment.ids(query_of(search, self._since_ms(search))))
                yield from self._before(moment, search)
            trouble = None
            while True:
                yield None
                self._sleep(_POLL_S)
                try:
                    yield from self._news(connection, search)
                except Unreachable as error:
                    # Once, until it is something else.
                    if str(error) != trouble:
                        self._notes.append(f"{error}; it is tried again")
                    trouble = str(error)
                else:
                    trouble = None

    def notes(self) -> Iterator[str]:
        """Yield what couldn't be read."""
        if self._unreadable:
            yield f"left out {counted(self._unreadable, 'document')}: no record of this version"
        yield from self._notes
        self._unreadable = 0
        self._notes.clear()

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        connection = Connection(self._sink)
        try:
            yield connection
        finally:
            connection.close()

    def _before(self, moment: Moment, search: Search) -> Iterator[Found]:
        if not moment.is_there:
            self._notes.append(f"there is no data stream {self._sink.data_stream} yet")
        query = query_of(search)
        hits = moment.hits(query) if search.limit is None else moment.newest(query, search.limit)
        yield from self._found(hits)
        self._note_failed(moment)

    def _news(self, connection: Connection, search: Search) -> Iterator[Found]:
        since_ms = self._since_ms(search)
        with Moment(self._sink, connection) as moment:
            found = dict(moment.ids(query_of(search, since_ms)))
            new = [id_ for id_ in found if id_ not in self._shown]
            for start in range(0, len(new), PAGE):
                for one in self._found(moment.hits(these(new[start : start + PAGE]))):
                    self._shown[one.id] = found[one.id]
                    yield one
        # Only now: what an error keeps from being shown is new once more.
        self._shown = found
        self._newest_ms = self._known(found.values())

    def _known(self, times_ms: Iterable[int]) -> int:
        """Return the newest time there is, that isn't to come: a clock that is ahead hides nothing."""
        now_ms = int(time.time() * 1000)
        return max([self._newest_ms, *(ms for ms in times_ms if ms <= now_ms)])

    def _since_ms(self, search: Search) -> int:
        since_ms = 0 if search.since is None else int(search.since * 1000)
        return max(since_ms, self._newest_ms - _LATE_MS)

    def _found(self, hits: Iterator[Hit]) -> Iterator[Found]:
        for hit in hits:
            document = msgspec.json.encode(hit["_source"])
            try:
                yield Found(record(document), document, "ecs", hit["_id"])
            except msgspec.MsgspecError:
                self._unreadable += 1

    def _note_failed(self, moment: Moment) -> None:
        if moment.failed:
            shards = counted(moment.failed, "shard")
            self._notes.append(f"{shards} didn't answer: records may be missing")
