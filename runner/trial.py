"""Trying every entry point of a file before anything starts: in a child that ends at once."""

import select
import socket
from collections.abc import Callable
from typing import Any

from ebats.pipelines.model import Pipeline
from ebats.pipelines.plan import ProcessSpec
from ebats.pipelines.problems import BadFile, EbatsError, Place, Problem
from ebats.runner.child import Child, how_it_ended

_TICK_S = 0.25


class TrialFailed(EbatsError):
    """Raised when importing the entry points ended the process that tried."""


def try_entry_points(pipeline: Pipeline, outbox: socket.socket, stop: Callable[[], bool]) -> None:
    """Import every entry point in a process of its own; give up when `stop` becomes true.

    Raises:
        BadFile: with those that can't be imported, each at its place in the file.
        TrialFailed: an import ended the process.
    """
    trial = Child(ProcessSpec(role="trial", name="trial", pipeline=pipeline), outbox)
    told: list[dict[str, Any]] = []
    while (code := trial.exit_code()) is None and not stop():
        select.select([trial.line.fileno()], [], [], _TICK_S)
        told += trial.read()
    told += trial.read()
    if code is None:
        trial.kill()
        trial.wait(_TICK_S)
    trial.close()
    if problems := [problem for words in told for problem in words.get("problems", ())]:
        raise BadFile(tuple(sorted(_problem(*problem) for problem in problems)))
    if code and not told:
        raise TrialFailed(f"importing the entry points ended the process that tried: {how_it_ended(code)}")


def _problem(entry: str, file: str, line: int, column: int, text: str) -> Problem:
    return Problem(
        place=Place(file=file, line=line, column=column),
        text=text,
        hint=f"{entry} is looked for from the folder of the file, then where Python finds its packages",
    )
