"""`ebats logs FILE`: finding records where a sink keeps them."""

import io
import os
import sys
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ebats.pipelines.counting import counted
from ebats.pipelines.load import load
from ebats.pipelines.model import Pipeline
from ebats.pipelines.problems import UsageError
from ebats.pipelines.sink import Level
from ebats.pipelines.suggestion import suggest
from ebats.runner.commands.log_lines import Format, Lines
from ebats.runner.commands.log_source import Searchable, choose, place_of, source_of, unsent
from ebats.runner.commands.moments import moment
from ebats.runner.commands.say import say
from ebats.runner.execution.record import Outcome
from ebats.runner.sinks.exposure import Exposures
from ebats.runner.sinks.finding.found import Found
from ebats.runner.sinks.finding.search import Search
from ebats.runner.sinks.finding.source import Source
from ebats.runner.sinks.people import escaped

#: Without a number, where messages aren't asked for by their ids.
LIMIT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What was asked on the command line."""

    file: str
    environ: Mapping[str, str]
    sink: str | None = None
    tasks: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    ids: tuple[str, ...] = ()
    #: Names and values.
    labels: tuple[tuple[str, str], ...] = ()
    #: As they were written: they may depend on the file's time zone.
    since: str | None = None
    until: str | None = None
    level: Level | None = None
    #: None: it wasn't said; 0: all.
    limit: int | None = None
    follow: bool = False
    format: Format = "text"
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def is_about_messages(self) -> bool:
        """Whether everything of some messages is wanted."""
        return bool(self.ids) and self.limit is None

    def search(self, pipeline: Pipeline) -> Search:
        """Return what is to be found.

        Raises:
            UsageError: a time is none, or the end is before the beginning.
        """
        since = self._moment("--since", self.since, pipeline)
        until = self._moment("--until", self.until, pipeline, after=since)
        if since is not None and until is not None and until <= since:
            raise UsageError(f"--until {self.until} isn't after --since {self.since}")
        limit = self.limit if self.limit is not None or self.ids else LIMIT
        names = dict.fromkeys(name for name, _ in self.labels)
        return Search(
            pipeline=pipeline.name,
            tasks=frozenset(self.tasks),
            events=frozenset(self.events),
            outcomes=frozenset(self.outcomes),
            ids=frozenset(self.ids),
            labels={name: frozenset(text for one, text in self.labels if one == name) for name in names},
            since=since,
            until=until,
            level=self.level,
            limit=limit or None,
        )

    def _moment(
        self, option: str, text: str | None, pipeline: Pipeline, after: float | None = None
    ) -> float | None:
        try:
            return None if text is None else moment(text, self.now, pipeline.timezone, after)
        except ValueError as error:
            raise UsageError(f"{option}: {error}") from None


def find(question: Question) -> int:
    """Print the records that are meant, the oldest first, and with `follow` what comes; return 0.

    Raises:
        UsageError: the file has no such sink, or a time is none.
        SourceError: the sink can't be searched.
        EbatsError: the file is bad.
    """
    pipeline = load(question.file, question.environ)
    sink = choose(pipeline, question.sink)
    search = question.search(pipeline)
    _warn_of_names(search, pipeline)
    _prepare_output(question.format)
    exposures = Exposures(sink.exposure, pipeline.tasks)
    lines = Lines(question.format, pipeline, exposures, colour=_wants_colour())
    _tell_unsent(pipeline, sink)
    source = source_of(sink)
    if question.follow:
        return _follow(source, search, lines)
    with closing(source.find(search)) as found:
        count = _print(found, lines, in_full=question.is_about_messages and question.format == "text")
    _tell_notes(source)
    say("info", _summary(count, search, question, sink))
    return 0


def _print(found: Iterable[Found], lines: Lines, *, in_full: bool) -> int:
    if in_full:
        records = [*found]
        sys.stdout.writelines(lines.life(records))
        return len(records)
    count = 0
    for count, one in enumerate(found, 1):  # noqa: B007 - it is how many there were
        sys.stdout.write(lines.of(one))
    return count


def _follow(source: Source, search: Search, lines: Lines) -> int:
    try:
        with closing(source.follow(search)) as found:
            for one in found:
                if one is not None:
                    sys.stdout.write(lines.of(one))
                    continue
                sys.stdout.flush()
                _tell_notes(source)
    except KeyboardInterrupt:
        return 0
    return 0


def _prepare_output(format_: Format) -> None:
    if not isinstance(sys.stdout, io.TextIOWrapper):
        return
    if format_ == "text":
        # A terminal may lack a letter, which is no reason to show nothing.
        sys.stdout.reconfigure(errors="backslashreplace")
    else:
        # JSON is nothing else (RFC 8259, section 8.1), whatever the terminal speaks.
        sys.stdout.reconfigure(encoding="utf-8")


def _wants_colour() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _warn_of_names(search: Search, pipeline: Pipeline) -> None:
    """Warn of names that the file doesn't have; records of what left it are found all the same."""
    labels = {name for event in pipeline.events.values() for name in event.labels}
    for kind, wanted, known in (
        ("task", search.tasks, pipeline.tasks),
        ("event", search.events, pipeline.events),
        ("label", search.labels, labels),
    ):
        for name in sorted({*wanted} - {*known}):
            hint = suggest(name, known)
            text = f"{pipeline.file} has no {kind} {name!r}"
            say("warning", escaped(f"{text}; {hint}" if hint else text))


def _tell_unsent(pipeline: Pipeline, sink: Searchable) -> None:
    if waiting := unsent(pipeline, sink):
        wait = "waits" if waiting == 1 else "wait"
        what = f"{counted(waiting, 'record')} of sink {sink.name} {wait} on disk, unsent"
        say("warning", f"{what}: `ebats-run` sends them")


def _tell_notes(source: Source) -> None:
    for note in source.notes():
        say("warning", escaped(note))


def _summary(count: int, search: Search, question: Question, sink: Searchable) -> str:
    found = f"{counted(count, 'record')} in sink {sink.name} ({place_of(sink)})"
    if search.limit != count:
        return found
    return f"the newest {found}; --limit all shows more" if question.limit is None else f"the newest {found}"
