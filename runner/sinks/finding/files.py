"""Records found in the file of a sink, and in what it became when it was rotated."""

import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

from ebats.pipelines.counting import counted
from ebats.runner.sinks.finding.found import Found
from ebats.runner.sinks.finding.lines import found_in, lines_of
from ebats.runner.sinks.finding.order import Newest, in_order
from ebats.runner.sinks.finding.search import Search
from ebats.runner.sinks.finding.source import SourceError
from ebats.runner.sinks.finding.tail import Tail
from ebats.runner.sinks.rotated import Rotated

_POLL_S = 0.3
#: The last change of a file is as old as the last record in it, but for what clocks and disks make of that.
_SLACK_S = 5.0


class Files:
    """A log file and its rotated ones, of any number of runners."""

    def __init__(self, path: str, sleep: Callable[[float], None] = time.sleep) -> None:
        """Read `path` and what it became; `sleep` waits between two looks, in seconds."""
        self._path = Path(path)
        self._sleep = sleep
        self._unreadable: Counter[Path] = Counter()
        self._notes: list[str] = []

    def find(self, search: Search) -> Generator[Found, None, None]:
        """Yield the records that are meant, the oldest first; see `Source`."""
        try:
            with self._tail() as tail:
                if tail.has_torn_line:
                    self._unreadable[self._path] += 1
                yield from self._before(tail, search)
        except OSError as error:
            raise self._failure(error) from error

    def follow(self, search: Search) -> Generator[Found | None, None, None]:
        """Yield what is there and then what comes; see `Source`."""
        try:
            with self._tail() as tail:
                yield from self._before(tail, search)
                while True:
                    yield from self._read(tail.lines(), self._path, search)
                    yield None
                    self._sleep(_POLL_S)
        except OSError as error:
            raise self._failure(error) from error

    def notes(self) -> Iterator[str]:
        """Yield what couldn't be read."""
        for path, count in sorted(self._unreadable.items()):
            yield f"left out {counted(count, 'line')} of {path}: no whole record"
        yield from self._notes
        self._unreadable.clear()
        self._notes.clear()

    def _tail(self) -> Tail:
        tail = Tail(self._path, self._notes.append)
        if not tail.is_there:
            self._notes.append(f"there is no file {self._path} yet")
        return tail

    def _before(self, tail: Tail, search: Search) -> Iterator[Found]:
        """Yield what was there when the tail was made."""
        files: list[Rotated | None] = [*tail.rotated, None]
        if search.since is not None:
            since = search.since
            files = [file for file in files if not file or file.time_s + _SLACK_S >= since]
        if search.limit is None:
            yield from in_order(found for file in files for found in self._in(tail, file, search))
            return
        newest = Newest(search.limit)
        for number, file in reversed([*enumerate(files)]):
            if file and newest.has_no_use_for(file.time_s + _SLACK_S):
                continue
            for place, found in enumerate(self._in(tail, file, search)):
                newest.add(found, (number, place))
        yield from newest.oldest_first()

    def _in(self, tail: Tail, file: Rotated | None, search: Search) -> Iterator[Found]:
        if file is None:
            return self._read(tail.lines_before(), self._path, search)
        return self._read(lines_of(file.path, self._notes.append), file.path, search)

    def _read(self, lines: Iterator[bytes], path: Path, search: Search) -> Iterator[Found]:
        for line in lines:
            found = found_in(line)
            if found is None:
                # An empty line ends one that was torn.
                self._unreadable[path] += bool(line)
            elif search.has(found.record):
                yield found

    def _failure(self, error: OSError) -> SourceError:
        return SourceError(f"can't read {error.filename or self._path}: {error.strerror or error}")
