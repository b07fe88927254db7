"""Which lines a sink takes: by its level, and by what tasks say about their own records."""

from collections.abc import Mapping

from ebats.pipelines.model import Task
from ebats.runner.execution.record import WEIGHTS, Line

#: Above every level.
_NONE = 1000


class Choice:
    """What one sink takes."""

    def __init__(self, sink: str, weight: int, tasks: Mapping[str, Task]) -> None:
        """Choose for the sink of this name and least weight."""
        self._weight = weight
        self._weights: dict[str, int] = {}
        for name, task in tasks.items():
            if task.logs.sinks is not None and sink not in task.logs.sinks:
                self._weights[name] = _NONE
            elif task.logs.level is not None:
                self._weights[name] = WEIGHTS[task.logs.level]

    def of(self, lines: list[Line]) -> list[Line]:
        """Return those lines that the sink takes."""
        if not self._weights:
            weight = self._weight
            return [line for line in lines if line.weight >= weight]
        return [line for line in lines if line.weight >= self._weights.get(line.task, self._weight)]
