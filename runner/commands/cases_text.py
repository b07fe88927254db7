"""What came of cases, for people: a line for each, then what is wrong with those that failed."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from ebats.pipelines.counting import counted
from ebats.runner.commands.cases_table import table
from ebats.runner.commands.cases_tried import Tried
from ebats.runner.commands.cases_words import findings

_GREEN, _RED, _BOLD, _RESET = "\x1b[32m", "\x1b[31m", "\x1b[1m", "\x1b[0m"
#: Of what functions printed, so many of the last lines.
_MOST_LINES = 50
#: Of a table, and of the sentences below it.
_MOST_ROWS = 50


def line(tried: Tried, *, colour: bool = False) -> str:
    """Return the line of one case."""
    word = _coloured("ok    ", _GREEN, colour) if tried.is_good else _coloured("FAILED", _RED, colour)
    return f"{word} {took(tried.seconds):>8}  {tried.case.name}\n"


def report(tried: Tried, *, colour: bool = False) -> str:
    """Return all that is wrong with a case that failed."""
    return "".join(f"{each}\n" for each in _report(tried, colour))


def summary(tried: Sequence[Tried], seconds: float) -> str:
    """Return the last line: how many there were, and how many failed."""
    failed = sum(not each.is_good for each in tried)
    counts = f"{failed} failed, {len(tried) - failed} passed" if failed else "all passed"
    return f"{counted(len(tried), 'case')}: {counts} in {seconds:.2f} s\n"


def took(seconds: float) -> str:
    """Return how long a case took on the wall's clock."""
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"


def _report(tried: Tried, colour: bool) -> Iterator[str]:
    yield _coloured(f"{tried.case.place}: {tried.case.name}", _BOLD, colour)
    if tried.trouble:
        yield f"  {tried.trouble}"
    for difference in tried.differences:
        yield f"  {difference.kind}, as {difference.place} expects them:"
        yield from _first(table(difference, colour=colour), "lines")
        yield from _first([str(each) for each in findings(difference)], "differences")
    if tried.came and tried.came.waiting:
        for where, number in tried.came.waiting.items():
            yield f"  left waiting: {number} in {where}"
    yield from _details(tried)


def _first(lines: list[str], what: str) -> Iterator[str]:
    """Yield what a reader will read: of events that lead to each other there are thousands."""
    yield from (f"  {each}" for each in lines[:_MOST_ROWS])
    if len(lines) > _MOST_ROWS:
        yield f"  ... and {len(lines) - _MOST_ROWS:,} more {what}"


def _details(tried: Tried) -> Iterator[str]:
    """Yield what only a failure makes worth reading: where functions raised, what they printed."""
    for run in tried.came.runs if tried.came else ():
        # What the case itself raises has no place in anybody's code.
        if run.traceback and tried.case.answer(run.task, run.attempt).real:
            yield f"  `{run.task}` raised in attempt {run.attempt}:"
            # As the places of problems are: from where the reader is.
            told = run.traceback.replace(f'File "{Path.cwd()}/', 'File "')
            yield from (f"    {each}" for each in told.splitlines())
    if printed := tried.printed.splitlines():
        left_out = len(printed) - _MOST_LINES
        yield "  printed:" + (f" (the last {_MOST_LINES} lines of {len(printed)})" if left_out > 0 else "")
        yield from (f"    {each}" for each in printed[-_MOST_LINES:])


def _coloured(text: str, colour: str, is_wanted: bool) -> str:
    return f"{colour}{text}{_RESET}" if is_wanted else text
