"""Whether the Python functions of a file can be imported, tried in a process that nothing can hurt."""

import json
import os
import select
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from ebats.pipelines import entry_points, rules
from ebats.pipelines.entry_points import Use, not_importable
from ebats.pipelines.model import Pipeline
from ebats.pipelines.problems import Problem
from ebats.runner.endings import how_it_ended
from ebats.runner.surroundings import importing

#: An import that takes longer isn't waited for.
LIMIT_S = 30.0
#: One that takes longer is worth a word.
_LONG_S = 5.0
_TICK_S = 0.25
#: A process that has said its last word needs no longer to end.
_END_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What came of the imports."""

    problems: tuple[Problem, ...] = ()
    #: Of tasks whose function could be had: the parameters that it can't do without.
    required: dict[str, frozenset[str]] = field(default_factory=dict)


def try_all(pipeline: Pipeline, say: Callable[[str, str], None], limit_s: float = LIMIT_S) -> Imported:
    """Import every function that a file names, and return what came of it.

    A module that ends its process, or doesn't come to an end, costs only its own functions.
    """
    uses = dict(enumerate(entry_points.uses(pipeline)))
    todo = dict(uses)
    problems: list[Problem] = []
    required: dict[str, frozenset[str]] = {}
    while todo:
        attempt = _Attempt(todo, pipeline.folders, say, limit_s)
        attempt.run()
        for number, words in attempt.answers.items():
            use = todo.pop(number)
            if "bad" in words:
                found = not_importable(str(use.entry), use.entry.place, words["bad"])
                problems.append(replace(found, hint=words["hint"]) if words["hint"] else found)
            elif use.kind == "task":
                required[use.name] = frozenset(words["good"])
        if not attempt.done:
            module = uses[attempt.trying].entry.module if attempt.trying in todo else ""
            lost = [number for number, use in todo.items() if use.entry.module == module] or list(todo)
            problems += [attempt.problem(todo.pop(number)) for number in lost]
    return Imported(problems=tuple(problems), required=required)


class _Attempt:
    """One process, and what it has told."""

    def __init__(
        self, todo: dict[int, Use], folders: Sequence[str], say: Callable[[str, str], None], limit_s: float
    ) -> None:
        self.answers: dict[int, dict[str, Any]] = {}
        self.trying = -1
        self.done = False
        self._todo = todo
        self._say = say
        self._limit_s = limit_s
        self._since = time.monotonic()
        self._said = False
        self._code: int | None = None
        self._pid, self._told = importing.begin(list(todo.items()), folders, limit_s)

    def run(self) -> None:
        """Listen until all is tried, or the process has ended, or has taken too long."""
        try:
            for words in self._words():
                self.trying = words.get("trying", self.trying)
                self._since = time.monotonic()
                self._said = False
                if "number" in words:
                    self.answers[words["number"]] = words
                self.done = self.done or "done" in words
        except BaseException:
            self._limit_s = 0.0  # a Ctrl-C: nothing is waited for
            raise
        finally:
            os.close(self._told)
            self._end()

    def problem(self, use: Use) -> Problem:
        """Return what is wrong with a function that didn't come to an answer."""
        if self._code is None or self._code == -signal.SIGALRM:
            text = f"importing {use.entry} takes longer than {self._limit_s:g} s, and wasn't waited for"
            hint = "leave such work to the function or to `on_start`, or leave the imports out: --no-import"
            return Problem(place=use.entry.place, rule=rules.SLOW_IMPORT, text=text, hint=hint)
        text = f"importing {use.entry} ended the process that tried: {how_it_ended(self._code)}"
        return not_importable(str(use.entry), use.entry.place, text)

    def _words(self) -> Iterator[dict[str, Any]]:
        rest = b""
        while not self.done and not self._is_late():
            if not select.select([self._told], [], [], _TICK_S)[0]:
                continue
            data = os.read(self._told, 65536)
            if not data:
                return
            *lines, rest = (rest + data).split(b"\n")
            yield from (json.loads(line) for line in lines)

    def _is_late(self) -> bool:
        took_s = time.monotonic() - self._since
        if took_s > _LONG_S and not self._said and self.trying in self._todo:
            entry = self._todo[self.trying].entry
            self._say("warning", f"importing {entry} ({entry.place}) takes long; waiting for it")
            self._said = True
        return took_s > self._limit_s

    def _end(self) -> None:
        """End the process, and what it has started; keep how it ended by itself."""
        deadline = time.monotonic() + (_END_S if not self._is_late() else 0.0)
        ended = 0
        while not (ended := self._wait(os.WNOHANG)) and time.monotonic() < deadline:
            time.sleep(0.002)
        with suppress(OSError):
            os.killpg(self._pid, signal.SIGKILL)
        if not ended:
            with suppress(OSError):
                os.kill(self._pid, signal.SIGKILL)
            self._wait(0)
            self._code = None

    def _wait(self, options: int) -> int:
        pid, status = os.waitpid(self._pid, options)
        if pid:
            self._code = os.waitstatus_to_exitcode(status)
        return pid
