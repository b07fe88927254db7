"""What a schema can't say about what follows from a task: that it can be published, and comes to an end."""

from collections.abc import Container, Iterator
from typing import NamedTuple

from ebats.pipelines import rules
from ebats.pipelines.addresses import is_pattern
from ebats.pipelines.circles import circles
from ebats.pipelines.model import Pipeline
from ebats.pipelines.values import Values
from ebats.pipelines.wiring import wire

_KEYS = ("then", "on_dead")


class _Step(NamedTuple):
    """From an event to one that follows from one of its tasks."""

    event: str
    task: str
    #: `then` or `on_dead`.
    key: str
    next: str


def check(pipeline: Pipeline, values: Values) -> None:
    """Note in `values.problems` which events can't be published, and which lead to themselves."""
    events = wire(pipeline).events
    for task in pipeline.tasks.values():
        for key in _KEYS:
            name = getattr(task, key)
            if name in events and is_pattern(events[name]):
                listed = " or ".join(f"`{each}`" for each in events[name].keys)
                values.problem(
                    rules.NO_KEY_TO_PUBLISH,
                    ("tasks", task.name, key),
                    f"`{name}` is whatever matches {listed}, so it has no key to be published with",
                    "add a plain key to that event, or name another event",
                )
    patterns = {name for name, event in events.items() if is_pattern(event)}
    for circle in circles([*_steps(pipeline, patterns)], lambda step: (step.event, step.next)):
        last = circle[-1]
        text = ", which leads to ".join(f"`{step.event}`, which runs `{step.task}`" for step in circle)
        text = text.replace(", which runs", " runs", 1)
        values.problem(
            rules.CIRCLE,
            ("tasks", last.task, last.key),
            f"{text}, which may lead to `{last.next}` again, without an end",
            "name another event, or make sure that it comes to an end",
        )


def _steps(pipeline: Pipeline, patterns: Container[str]) -> Iterator[_Step]:
    for event in pipeline.events.values():
        for task in dict.fromkeys(item.task.name for item in event.tasks):
            for key in _KEYS:
                name = getattr(pipeline.tasks[task], key)
                if name in pipeline.events and name not in patterns:
                    yield _Step(event.name, task, key, name)
