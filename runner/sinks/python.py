"""Records given to a Python function, one by one, with payload and result."""

import importlib
import sys
from collections.abc import Callable
from functools import reduce

import msgspec

from ebats.pipelines.entry_point import EntryPoint
from ebats.pipelines.sink import PythonSink
from ebats.runner.execution.record import WEIGHTS, Line
from ebats.runner.sinks.sink import SinkError


class Python:
    """Calls the function with a plain dict for each record: what the record's JSON holds."""

    wants_payload = True
    # One: a call that hangs or raises costs its own record, and the count is exact.
    batch = 1

    def __init__(self, sink: PythonSink, folder: str) -> None:
        """Make a sink whose function is looked for relative to `folder`, at the first record."""
        self.name = sink.name
        self.weight = WEIGHTS[sink.level]
        self._entry = sink.python
        self._folder = folder
        self._function: Callable[[object], object] | None = None

    def write(self, lines: list[Line]) -> None:
        """Call the function for each line.

        Raises:
            SinkError: it raised (those records are lost), or can't be imported (all are kept for later).
        """
        function = self._loaded(lines)
        failures = []
        for line in lines:
            try:
                function(msgspec.json.decode(line.json))
            except BaseException as error:  # also a sys.exit() in there is only this sink's failure
                failures.append(_told(error))
        if failures:
            raise SinkError(failures[-1], rest=[], lost=len(failures))

    def close(self) -> None:
        """Do nothing: a function holds nothing of ours."""

    def _loaded(self, lines: list[Line]) -> Callable[[object], object]:
        if self._function is None:
            try:
                self._function = _load(self._entry, self._folder)
            except BaseException as error:  # whatever the module does when it is imported
                raise SinkError(f"can't import {self._entry}: {_told(error)}", rest=lines) from None
        return self._function


def _load(entry: EntryPoint, folder: str) -> Callable[[object], object]:
    if folder not in sys.path:
        sys.path.insert(0, folder)
    function = reduce(getattr, entry.attribute.split("."), importlib.import_module(entry.module))
    if not callable(function):
        raise TypeError(f"{entry} can't be called")
    return function


def _told(error: BaseException) -> str:
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:
        return type(error).__name__
