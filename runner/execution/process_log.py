"""What a process has to say about itself, as records: started, stopped, reconnected."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypedDict, Unpack

import msgspec

from ebats.pipelines.sink import Level
from ebats.runner.execution.record import HOST, Line, Log, encode

_TEXTS = ("text", "task", "id", "traceback")


class About(TypedDict, total=False):
    """What a line is about, where there is more to say."""

    task: str | None
    #: A message's.
    id: str | None
    traceback: str | None
    action: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Who speaks: what every log record of a process has in common."""

    pipeline: str
    #: As the process's title names it: `orders#2`.
    process: str
    environment: str | None = None

    def line(self, level: Level, text: str, **about: Unpack[About]) -> Line:
        """Return a log record of this process, of this moment, as a line."""
        log = Log(
            time=datetime.now(UTC),
            level=level,
            pipeline=self.pipeline,
            process=self.process,
            environment=self.environment,
            text=text,
            **about,
            host=HOST,
            pid=os.getpid(),
        )
        try:
            return encode(log)
        except UnicodeEncodeError:
            # Half a surrogate pair (a file name that isn't UTF-8) has no place in JSON.
            return encode(
                msgspec.structs.replace(log, **{name: _encodable(getattr(log, name)) for name in _TEXTS})
            )


class ProcessLog:
    """A process's logger: its lines go the way of all records, or to standard error where there is none."""

    def __init__(self, source: Source, put: Callable[[Line], None] | None = None) -> None:
        """Make a logger that hands its lines to `put`: an outbox's method, or None for standard error."""
        self._source = source
        self._put = put

    def debug(self, text: str, **about: Unpack[About]) -> None:
        """Tell what only a developer of the pipeline wants to know."""
        self._tell("debug", text, about)

    def info(self, text: str, **about: Unpack[About]) -> None:
        """Tell what went as it should."""
        self._tell("info", text, about)

    def warning(self, text: str, **about: Unpack[About]) -> None:
        """Tell what went wrong and is being dealt with."""
        self._tell("warning", text, about)

    def error(self, text: str, **about: Unpack[About]) -> None:
        """Tell what somebody has to look at."""
        self._tell("error", text, about)

    def _tell(self, level: Level, text: str, about: About) -> None:
        if self._put is not None:
            self._put(self._source.line(level, text, **about))
            return
        # `repr` keeps a text from forging a second line; the traceback is ours to lay out.
        told = text if text.isprintable() else repr(text)[1:-1]
        now, traceback = datetime.now(UTC), about.get("traceback") or ""
        sys.stderr.write(f"{now:%H:%M:%S}Z  {level.upper():7}  {self._source.process}  {told}\n{traceback}")


def _encodable(text: str | None) -> str | None:
    return text and text.encode(errors="backslashreplace").decode()
