"""The Elasticsearch sink: records become documents on disk at once, and are sent when that can be done."""

from collections.abc import Iterator

import msgspec

from ebats.pipelines.counting import counted
from ebats.pipelines.sink import ElasticSink
from ebats.runner.execution.record import WEIGHTS, Line
from ebats.runner.sinks.ecs import Documents
from ebats.runner.sinks.elastic.bulk import ids, item
from ebats.runner.sinks.elastic.folders import Folders, root_of
from ebats.runner.sinks.elastic.sender import Sender
from ebats.runner.sinks.elastic.spool import SpoolError
from ebats.runner.sinks.exposure import Exposures
from ebats.runner.sinks.setting import Setting
from ebats.runner.sinks.sink import Report, SinkError


class Elastic:
    """Takes lines as fast as the disk does; see `Sender` for the other end."""

    batch = 1000

    def __init__(self, sink: ElasticSink, exposures: Exposures, setting: Setting) -> None:
        """Make a sink that begins at once to send what a former process left."""
        self.name = sink.name
        self.wants_payload = exposures.wants_payload
        self.weight = WEIGHTS[sink.level]
        self._stream = sink.data_stream
        self._documents = Documents(setting, exposures, sink.data_stream)
        self._folders = Folders(root_of(sink, setting.state), sink.spool_size)
        self._unreadable = 0
        self._told = Report()
        self._sender = Sender(sink, self._folders)
        self._sender.start()

    def write(self, lines: list[Line]) -> None:
        """Put the lines' documents into the spool.

        Raises:
            SinkError: the disk refused; or a line is no record, and lost.
        """
        items, lost = self._items(lines)
        try:
            self._folders.own.append([each for _, each in items])
        except SpoolError as error:
            rest = [line for line, _ in items[error.written :]]
            raise SinkError(f"{error} ({self._folders.root})", rest=rest, lost=lost) from None
        except OSError as error:
            raise SinkError(str(error), rest=[line for line, _ in items], lost=lost) from None
        if lost:
            raise SinkError("no record of this version", rest=[], lost=lost)

    def close(self) -> None:
        """Send what can be sent; the rest stays on disk for the next run."""
        self._sender.finish()
        if spool := self._folders.taken:
            spool.close()

    def report(self) -> Report:
        """Return how sending goes."""
        spool = self._folders.taken
        counts, waiting = (spool.counts, spool.waiting) if spool else (None, (0, 0))
        adopted = self._sender.adopted
        tally = self._sender.tally
        return Report(
            sent=tally.sent,
            rejected=tally.rejected,
            spooled=waiting[0] + adopted[0],
            spooled_bytes=waiting[1] + adopted[1],
            overflowed=counts.overflowed if counts else 0,
            damaged=counts.damaged if counts else 0,
            error=tally.error,
        )

    def news(self) -> Iterator[str]:
        """Yield what happened since it was last asked, for people."""
        now, told = self.report(), self._told
        self._told = now
        yield from self._sender.notes()
        if overflowed := now.overflowed - told.overflowed:
            yield f"dropped {counted(overflowed, 'record')} unsent: the spool is full ({self._folders.root})"
        if damaged := now.damaged - told.damaged:
            yield f"lost {counted(damaged, 'record')} in the spool: torn by a kill, or spoiled on the disk"
        if rejected := now.rejected - told.rejected:
            where = f"kept in {self._sender.rejects.path}"
            yield (f"had {counted(rejected, 'record')} refused, {where}: {self._sender.tally.why_rejected}")

    def last_words(self) -> Iterator[str]:
        """Yield what is left to be told when the run ends."""
        yield from self.news()
        if left := self.report().spooled:
            how = f" ({error})" if (error := self._sender.tally.error) else ""
            yield (f"leaves {counted(left, 'record')} in {self._folders.root} for the next run to send{how}")

    def _items(self, lines: list[Line]) -> tuple[list[tuple[Line, bytes]], int]:
        """Return what the lines are in a bulk request, and how many are no records."""
        items: list[tuple[Line, bytes]] = []
        for line, id_ in zip(lines, ids(len(lines)), strict=True):
            try:
                document = self._documents.of(line, id_.decode())
            except msgspec.MsgspecError:
                continue
            items.append((line, item(self._stream, id_, document)))
        return items, len(lines) - len(items)
