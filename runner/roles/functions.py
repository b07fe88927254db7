"""The Python functions of tasks, hooks and producers, imported when they are needed."""

from collections.abc import Callable, Iterable
from typing import Any

from ebats.pipelines.entry_point import EntryPoint
from ebats.pipelines.model import Consumer, Pipeline, PythonSink, Task
from ebats.pipelines.producer import PythonProducer
from ebats.runner.execution.call import BadEntryPoint, Function, find, inspect_function
from ebats.runner.execution.producer import inspect_producer


class Functions:
    """Task names to functions; each is imported once."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._tasks = pipeline.tasks
        self._found: dict[str, Function] = {}

    def __getitem__(self, name: str) -> Function:
        """Return the function of a task.

        Raises:
            BadEntryPoint: it can't be imported, or can't be called with a message.
        """
        found = self._found.get(name)
        if found is None:
            found = self._found[name] = self._find(self._tasks[name])
        return found

    def _find(self, task: Task) -> Function:
        assert task.python is not None
        return inspect_function(find(task.python))

    def load(self, tasks: Iterable[Task]) -> None:
        """Import the functions of these tasks now."""
        for task in tasks:
            self[task.name]


def hook(entry: EntryPoint | None) -> Callable[..., Any] | None:
    """Return the function of `on_start`, `on_stop` or `on_error`, where there is one."""
    return find(entry) if entry else None


def problems(pipeline: Pipeline, on_try: Callable[[EntryPoint], None]) -> list[tuple[EntryPoint, str]]:
    """Import every entry point of a pipeline, told to `on_try` first; return the bad ones, and why."""
    found = []
    for entry, inspect in _entry_points(pipeline):
        on_try(entry)
        try:
            inspect(find(entry))
        except BadEntryPoint as error:
            found.append((entry, str(error)))
    return found


def _entry_points(pipeline: Pipeline) -> Iterable[tuple[EntryPoint, Callable[[Callable[..., Any]], object]]]:
    """Return every entry point of a pipeline, and what looks at the function that it names."""
    for task in pipeline.tasks.values():
        if task.python:
            yield task.python, inspect_function
        if task.http and task.http.prepare:
            yield task.http.prepare, callable
    for producer in pipeline.producers.values():
        if isinstance(producer, PythonProducer):
            yield producer.python, inspect_producer
    for consumer in pipeline.consumers.values():
        for entry in _hooks(consumer):
            yield entry, callable
    for sink in pipeline.sinks:
        if isinstance(sink, PythonSink):
            yield sink.python, callable


def _hooks(consumer: Consumer) -> Iterable[EntryPoint]:
    return (entry for entry in (consumer.on_start, consumer.on_stop, consumer.on_error) if entry)
