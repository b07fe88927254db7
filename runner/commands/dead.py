"""`ebats dead list|show|export FILE`: looking at dead letters; they stay where they are."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TextIO

import msgspec

from ebats.pipelines.counting import counted
from ebats.pipelines.load import load
from ebats.pipelines.model import Pipeline
from ebats.pipelines.problems import EbatsError
from ebats.runner.broker.peek import peek
from ebats.runner.broker.reach import reach
from ebats.runner.commands import letters, letters_json
from ebats.runner.commands.progress import Progress
from ebats.runner.commands.say import say
from ebats.runner.commands.selection import Names, Selection
from ebats.runner.execution.delivery import Delivery
from ebats.runner.execution.letter import Letter, Reader
from ebats.runner.sinks.people import escaped

Format = Literal["text", "json"]
STDOUT = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Which letters of which file are meant, and how they are told."""

    file: str
    environ: Mapping[str, str]
    selection: Selection = field(default_factory=Selection)
    format: Format = "text"
    #: How long a broker that is away is waited for.
    wait_s: float = 10.0

    def pipeline(self) -> Pipeline:
        """Return the file's pipeline; raises EbatsError for a bad file."""
        return load(self.file, self.environ)


class NoSuchLetter(EbatsError):
    """Raised when no dead letter has the id."""


class NotWritten(EbatsError):
    """Raised when what was found can't be written."""


def list_(search: Search) -> int:
    """Print the letters that are meant, a line each; return 0.

    Raises:
        EbatsError: the file is bad, or the broker can't be asked.
    """
    pipeline = search.pipeline()
    found: list[Letter] = []
    total = look(pipeline, search, lambda letter: found.append(without_body(letter)))
    if search.format == "json":
        summaries = [letters_json.summary(letter) for letter in letters.in_order(found)]
        sys.stdout.write(letters_json.line({"dead": total, "letters": summaries}))
        return 0
    if found:
        sys.stdout.write(letters.table(found, terminal_width(sys.stdout)))
        sys.stdout.flush()
    say("info", how_many(pipeline, len(found), total))
    return 0


def show(search: Search, message_id: str) -> int:
    """Print everything of the letters of one id; return 0.

    Raises:
        NoSuchLetter: there is none.
        EbatsError: as in `list_`.
    """
    pipeline = search.pipeline()
    found: list[Letter] = []
    total = look(pipeline, search, found.append)
    if not found:
        none = f"no dead letter of {pipeline.name} has the id {message_id!r}"
        raise NoSuchLetter(f"{none}; there are {total or 0:,}: `ebats dead list` shows them")
    if search.format == "json":
        sys.stdout.writelines(letters_json.line(letters_json.whole(letter)) for letter in found)
    else:
        line = f"\n{'-' * 72}\n\n"
        sys.stdout.write(line.join(letters.full(letter) for letter in letters.in_order(found)))
    return 0


def export(search: Search, output: str) -> int:
    """Write the letters that are meant to a file, or to standard output: all of each, as a line of JSON.

    Returns 0. Raises:
        NotWritten: the file can't be written; it holds whole lines, but not all.
        EbatsError: as in `list_`.
    """
    pipeline = search.pipeline()
    with _opened(output) as file:
        writer = _Writer(file)
        total = look(pipeline, search, writer.write)
        writer.end()
    say("info", f"{how_many(pipeline, writer.count, total)}; exported, and still there")
    return 0


def look(pipeline: Pipeline, search: Search, take: Callable[[Letter], object]) -> int | None:
    """Give each letter that is meant to `take`, until it returns False; return how many letters there are.

    Nobody else sees them meanwhile. None: the pipeline has nothing on the broker.

    Raises:
        EbatsError: the broker can't be asked.
    """
    reader, progress, selection, seen = Reader(pipeline), Progress(), search.selection, Names()
    taken = 0

    def see(delivery: Delivery) -> bool:
        nonlocal taken
        letter = reader.read(delivery)
        seen.add(letter)
        if not selection.has(letter):
            return True
        taken += 1
        return take(letter) is not False and not selection.is_full(taken)

    try:
        with reach(pipeline, search.wait_s, say) as connection:
            show_seen = progress.counter("dead letters read")
            total = peek(connection, pipeline.queue_on_broker("dead"), see, on_progress=show_seen)
    finally:
        progress.clear()
    # Beyond a limit that was reached, letters may have any name.
    for problem in () if selection.is_full(taken) else seen.problems(selection, pipeline):
        say("warning", escaped(problem))
    return total


def without_body(letter: Letter) -> Letter:
    """Return a letter without what is large: there may be a great many."""
    bare = msgspec.structs.replace(letter.delivery, body=b"", headers={}, properties={})
    return msgspec.structs.replace(letter, traceback=None, delivery=bare)


def how_many(pipeline: Pipeline, shown: int, total: int | None) -> str:
    """Return how many letters were found, of how many."""
    if total is None:
        return f"{pipeline.name} has nothing on the broker yet, and so no dead letters"
    return f"{shown} of {counted(total, 'dead letter')}"


def terminal_width(stream: TextIO) -> int | None:
    """Return the columns of the terminal that a stream is; None: it is none, and nothing is cut."""
    return shutil.get_terminal_size().columns if stream.isatty() else None


@contextmanager
def _opened(output: str) -> Iterator[TextIO]:
    if output == STDOUT:
        yield sys.stdout
        return
    try:
        # Payloads may be private.
        number = os.open(Path(output), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(number, "w", encoding="utf-8") as file:
            yield file
    except OSError as error:
        raise NotWritten(f"can't write {output}: {error.strerror}") from error


class _Writer:
    """Writes letters, and keeps an error for later: it isn't the broker's."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._error: OSError | None = None
        self.count = 0

    def write(self, letter: Letter) -> bool:
        try:
            self._file.write(letters_json.line(letters_json.whole(letter)))
        except OSError as error:
            self._error = error
            return False
        self.count += 1
        return True

    def end(self) -> None:
        if self._error:
            raise self._error
        self._file.flush()
