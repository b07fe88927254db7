"""Every Python function that a file names, and what it is there for."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ebats.pipelines import rules
from ebats.pipelines.alerts import PythonChannel
from ebats.pipelines.entry_point import EntryPoint
from ebats.pipelines.model import Pipeline
from ebats.pipelines.problems import Place, Problem
from ebats.pipelines.producer import PythonProducer
from ebats.pipelines.sink import PythonSink


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A place of the file that names a function."""

    entry: EntryPoint
    #: How it is called; `other`: by what is given to it in its place.
    kind: Literal["task", "producer", "other"]
    #: The task's, or the producer's.
    name: str = ""


def uses(pipeline: Pipeline) -> Iterator[Use]:
    """Yield every function that a pipeline names: one as often as it is named."""
    for task in pipeline.tasks.values():
        if task.python:
            yield Use(entry=task.python, kind="task", name=task.name)
        if task.http and task.http.prepare:
            yield Use(entry=task.http.prepare, kind="other")
    for producer in pipeline.producers.values():
        if isinstance(producer, PythonProducer):
            yield Use(entry=producer.python, kind="producer", name=producer.name)
    for entry in _others(pipeline):
        yield Use(entry=entry, kind="other")


def not_importable(entry: str, place: Place, text: str) -> Problem:
    """Return the problem of a function that can't be had; `text` says why."""
    hint = f"{entry} is looked for from the folder of the file, then where Python finds its packages"
    return Problem(place=place, rule=rules.NOT_IMPORTABLE, text=text, hint=hint)


def _others(pipeline: Pipeline) -> Iterator[EntryPoint]:
    for consumer in pipeline.consumers.values():
        yield from (each for each in (consumer.on_start, consumer.on_stop, consumer.on_error) if each)
    for sink in pipeline.sinks:
        if isinstance(sink, PythonSink):
            yield sink.python
    for channel in pipeline.alerts.channels.values() if pipeline.alerts else ():
        if isinstance(channel, PythonChannel):
            yield channel.python
