"""Trying every entry point of a file before anything starts: in a child that ends at once."""

import select
import socket
import time
from collections.abc import Callable
from typing import Any

from ebats.pipelines.entry_points import not_importable
from ebats.pipelines.model import Pipeline
from ebats.pipelines.plan import ProcessSpec
from ebats.pipelines.problems import BadFile, Place, Problem
from ebats.runner.broker.connect import Say
from ebats.runner.child import Child
from ebats.runner.endings import how_it_ended
from ebats.runner.starter import Start

_TICK_S = 0.25
#: An import that takes longer is worth a word.
_LONG_S = 5.0


def try_entry_points(
    pipeline: Pipeline, start: Start, outbox: socket.socket, say: Say, stop: Callable[[], bool]
) -> None:
    """Import every entry point in a process of its own; give up when `stop` becomes true.

    Raises:
        BadFile: with those that can't be imported, or end the process that tries, each at its place.
    """
    trial = _Trial(pipeline, start, outbox)
    try:
        code = trial.run(say, stop)
        if code is None:
            trial.kill()
        elif problems := trial.problems(code):
            raise BadFile(tuple(sorted(problems)))
    finally:
        trial.close()


class _Trial:
    """The child, and what it has told: each entry point before it is imported, and at last what was wrong."""

    def __init__(self, pipeline: Pipeline, start: Start, outbox: socket.socket) -> None:
        self._child = Child(ProcessSpec(role="trial", name="trial", pipeline=pipeline), start, outbox)
        self._trying: list[Any] | None = None
        self._since = time.monotonic()
        self._found: list[list[Any]] | None = None

    def run(self, say: Say, stop: Callable[[], bool]) -> int | None:
        """Return how the child ended; None: it lives, and `stop` became true."""
        while (code := self._child.exit_code()) is None and not stop():
            select.select([self._child.line.fileno()], [], [], _TICK_S)
            self._hear()
            if self._trying and time.monotonic() - self._since > _LONG_S:
                where = f"{self._trying[0]} ({_place(self._trying)})"
                say("warning", f"importing {where} takes long; waiting for it")
                self._since = float("inf")
        self._hear()
        return code

    def kill(self) -> None:
        """End a child that still imports."""
        self._child.kill()
        self._child.wait(_TICK_S)

    def close(self) -> None:
        """Let go of the child, when it has ended."""
        self._child.close()

    def problems(self, code: int) -> list[Problem]:
        """Return what was wrong, when the child has ended."""
        if self._found is not None:
            return [not_importable(found[0], _place(found), found[-1]) for found in self._found]
        trying = self._trying or ["the entry points", "", 1, 1]
        text = f"importing {trying[0]} ended the process that tried: {how_it_ended(code)}"
        return [not_importable(trying[0], _place(trying), text)]

    def _hear(self) -> None:
        for words in self._child.read():
            if "trying" in words:
                self._trying, self._since = words["trying"], time.monotonic()
            self._found = words.get("problems", self._found)


def _place(trying: list[Any]) -> Place:
    return Place(file=trying[1], line=trying[2], column=trying[3])
