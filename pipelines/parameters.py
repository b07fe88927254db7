"""What Python functions need of a message, against what the schemas of their events promise."""

import json
from collections.abc import Iterator, Mapping, Set
from typing import Any

from ebats.pipelines import rules
from ebats.pipelines.model import Event, EventTask, Pipeline
from ebats.pipelines.problems import Problem
from ebats.pipelines.promises import names, promise
from ebats.pipelines.suggestion import suggest


def check(pipeline: Pipeline, required: Mapping[str, Set[str]]) -> Iterator[Problem]:
    """Yield what functions need that an event's payloads needn't have.

    `required` holds the parameters without a default of each task whose function is known; those that get
    the context or the whole payload aren't among them.
    """
    for event in pipeline.events.values():
        if event.schema and event.format == "json":
            schema = json.loads(event.schema.text)
            for item in event.tasks:
                for name in sorted(required.get(item.task.name, ())):
                    yield from _lacking(event, item, name, schema)


def _lacking(event: Event, item: EventTask, name: str, schema: Any) -> Iterator[Problem]:
    said = promise(schema, (name,))
    near = suggest(name, names(schema, (name,)))
    near = f"; {near}" if near.startswith("did") and said != "named" else ""
    needs = f"`{item.task.name}` needs `{name}`, which the schema of `{event.name}`"
    if said == "absent":
        text = f"{needs} rules out: each message is dead"
        hint = f"take the parameter out, or add the field to the schema{near}"
        yield Problem(place=item.place, rule=rules.IMPOSSIBLE_PARAMETER, text=text, hint=hint)
    elif said in ("named", "open"):
        text = f"{needs} doesn't promise: a message without it is dead"
        hint = f"give the parameter a default, or add the field to `required` of the schema{near}"
        yield Problem(place=item.place, rule=rules.UNPROMISED_PARAMETER, text=text, hint=hint)
