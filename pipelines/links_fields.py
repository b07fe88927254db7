"""What a schema can't say about templates: whether an event's payloads have the fields that they name."""

import json
from collections.abc import Iterator
from typing import Any

from ebats.pipelines import promises, rules
from ebats.pipelines.leaves import texts
from ebats.pipelines.model import Event, Pipeline, Task
from ebats.pipelines.source import Path
from ebats.pipelines.suggestion import suggest
from ebats.pipelines.template import named, parse
from ebats.pipelines.values import Values

_TEMPLATES = ("url", "headers", "query", "json", "form", "body")
Fields = list[tuple[Path, tuple[str, ...]]]


def check(pipeline: Pipeline, values: Values) -> None:
    """Note in `values.problems` which templates name fields that the event's schema doesn't promise."""
    of_tasks: dict[str, Fields] = {}
    for event in pipeline.events.values():
        if event.schema is None or event.format != "json":
            continue
        schema = json.loads(event.schema.text)
        for path, steps in _fields(values, ("events", event.name, "labels")):
            _check_label(path, steps, event, schema, values)
        for task in {item.task.name: item.task for item in event.tasks}.values():
            if task.name not in of_tasks:
                of_tasks[task.name] = [*_of_task(task, values)]
            for path, steps in of_tasks[task.name]:
                _check_field(path, steps, (event, task), schema, values)


def _of_task(task: Task, values: Values) -> Iterator[tuple[Path, tuple[str, ...]]]:
    for key in _TEMPLATES if task.http else ():
        for path, steps in _fields(values, ("tasks", task.name, "http", key)):
            if steps[0] != "ebats":  # ebats' own, `{{ ebats.id }}`
                yield path, steps


def _fields(values: Values, path: Path) -> Iterator[tuple[Path, tuple[str, ...]]]:
    for where, text in texts(values.get(*path), path):
        try:
            fields = parse(text).fields
        except ValueError:  # that is said elsewhere
            continue
        yield from ((where, steps) for steps in dict.fromkeys(fields))


def _check_label(path: Path, steps: tuple[str, ...], event: Event, schema: Any, values: Values) -> None:
    """A label whose field is missing is left out, so it may be optional; it ought to be possible."""
    said, near = promises.promise(schema, steps), _near(schema, steps)
    if said == "absent" or (said == "open" and near):
        text = f"the schema of `{event.name}` has no {named(steps)}, so this label is always left out"
        if said == "open":
            text = f"the schema of `{event.name}` says nothing of {named(steps)}"
        values.problem(
            rules.UNPROMISED_FIELD, path, text, near or "take the label out, or add the field to the schema"
        )


def _check_field(
    path: Path, steps: tuple[str, ...], where: tuple[Event, Task], schema: Any, values: Values
) -> None:
    said, near = promises.promise(schema, steps), _near(schema, steps)
    event, task = where
    if said == "absent":
        text = f"the schema of `{event.name}` has no {named(steps)}, so each message is dead in `{task.name}`"
        hint = near or "add the field to the schema, or name another"
        values.problem(rules.UNKNOWN_FIELD, path, text, hint)
    elif said in ("named", "open"):
        text = f"the schema of `{event.name}` doesn't promise {named(steps)}: a message without it is dead"
        hint = "add the field to `required` of the schema"
        values.problem(rules.UNPROMISED_FIELD, path, text, near if said == "open" and near else hint)


def _near(schema: Any, steps: tuple[str, ...]) -> str:
    near = suggest(steps[-1], promises.names(schema, steps))
    return near if near.startswith("did") else ""
