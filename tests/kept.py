"""Records kept in a log file or in Elasticsearch, for the tests of what finds them again."""

import threading
import uuid
from collections.abc import Generator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Protocol

import msgspec

from ebats.pipelines.sink import ElasticSink, FileSink
from ebats.runner.execution.record import Record, encode
from ebats.runner.sinks.ecs import Documents
from ebats.runner.sinks.elastic.stream import DataStream
from ebats.runner.sinks.elastic_template import DOUBTFUL_TYPES, index_template, template_name, without
from ebats.runner.sinks.exposure import Exposures
from ebats.runner.sinks.file import File
from ebats.runner.sinks.finding.files import Files
from ebats.runner.sinks.finding.found import Found
from ebats.runner.sinks.finding.search import Search
from ebats.runner.sinks.finding.source import Source
from ebats.runner.sinks.setting import Setting
from tests.elastic_client import ElasticClient
from tests.waiting import wait_until

SETTING = Setting(pipeline="shop", folder="/")


class Kept(Protocol):
    """A place where records are kept."""

    def put(self, records: Sequence[Record]) -> None:
        """Keep records; searches see them at once."""

    def source(self) -> Source:
        """Return what finds them."""
        ...


class KeptInFile:
    """A file of a sink, in one of its formats."""

    def __init__(self, sink: FileSink) -> None:
        self.sink = sink

    def put(self, records: Sequence[Record]) -> None:
        with closing(File(self.sink, Exposures(self.sink.exposure), SETTING)) as file:
            file.write([encode(record) for record in records])

    def source(self) -> Files:
        return Files(self.sink.path)


class KeptInStream:
    """A data stream with the template of the program."""

    def __init__(self, elastic: ElasticClient) -> None:
        self.elastic = elastic
        self.sink = ElasticSink(name="search", hosts=(elastic.url,), data_stream=elastic.stream)
        self._documents = Documents(SETTING, Exposures(self.sink.exposure), elastic.stream)
        missing = DOUBTFUL_TYPES | {"lifecycle", "ignore_dynamic_beyond_limit"}
        template = without(index_template(elastic.stream), missing)
        elastic.request("PUT", f"/_index_template/{template_name(elastic.stream)}", template)

    def put(self, records: Sequence[Record]) -> None:
        documents = [msgspec.json.decode(self._documents.of(encode(record))) for record in records]
        for start in range(0, len(documents), 5000):
            part = documents[start : start + 5000]
            self.elastic.create([{"_id": uuid.uuid4().hex, **document} for document in part])

    def source(self) -> DataStream:
        return DataStream(self.sink)


def file_sink(folder: Path, **settings: object) -> FileSink:
    """Return a sink of this folder."""
    return FileSink(name="history", path=str(folder / "shop.jsonl"), **settings)  # type: ignore[arg-type]


class Following:
    """A search that follows, in a thread, and what it has found."""

    def __init__(self, source: Source, search: Search) -> None:
        """Begin, and wait until all that was there at the beginning is found."""
        self.found: list[Found] = []
        self._looks = 0
        self._stop = False
        self._thread = threading.Thread(target=self._run, args=(source.follow(search),))
        self._thread.start()
        wait_until(lambda: self._looks, 30, "the first look")

    def _run(self, found: Generator[Found | None, None, None]) -> None:
        with closing(found) as stream:
            for one in stream:
                if one is None:
                    self._looks += 1
                else:
                    self.found.append(one)
                if self._stop:
                    return

    def ids(self) -> list[str | None]:
        """Return the ids that were found, in their order."""
        return [one.record.id for one in self.found]

    def wait_for(self, count: int, deadline_s: float = 30) -> None:
        """Wait until so many are found."""
        wait_until(lambda: len(self.found) >= count, deadline_s, lambda: f"{len(self.found)} of {count}")

    def look_again(self) -> None:
        """Wait until it has looked once more."""
        looks = self._looks
        wait_until(lambda: self._looks > looks + 1, 30, "another look")

    def end(self) -> None:
        """End it."""
        self._stop = True
        self._thread.join(30)
