"""Cases as short as can be, and what came of them as lines."""

import json
from typing import Any

from ebats.pipelines.cases import Answer, Case, CaseMessage, Expectation, Rehearsed
from ebats.pipelines.load import from_bytes
from ebats.pipelines.model import Pipeline
from ebats.pipelines.problems import Place
from ebats.runner.rehearsal.rehearse import rehearse

PLACE = Place(file="shop.yaml", line=1, column=1)


def pipeline(file: str = "/srv/shop.yaml", **sections: Any) -> Pipeline:
    """Return a pipeline of these sections; tasks that say no more are Python functions."""
    tasks = {name: {**_does(name, task), **task} for name, task in sections.pop("tasks", {}).items()}
    text = json.dumps({"version": 1, "name": "shop", "tasks": tasks, **sections})
    return from_bytes(file, text.encode(), {}).pipeline


def message(payload: Any = None, **more: Any) -> CaseMessage:
    """Return a message with this payload."""
    more.setdefault("body", json.dumps({} if payload is None else payload).encode())
    return CaseMessage(place=PLACE, **more)


def play(
    file: Pipeline, *messages: CaseMessage, **answers: Answer | tuple[Answer, ...] | list[Answer]
) -> Rehearsed:
    """Rehearse a case of these messages and answers."""
    given = {
        name: (answer,) if isinstance(answer, Answer) else tuple(answer) for name, answer in answers.items()
    }
    case = Case(name="a case", messages=messages, answers=given, expect=Expectation(), place=PLACE)
    return rehearse(file, case)


def runs(found: Rehearsed) -> list[str]:
    """Return what ran: `ship 1 at 0: retry`."""
    return [f"{run.task} {run.attempt} at {run.at_ms}: {run.outcome}" for run in found.runs]


def deaths(found: Rehearsed) -> list[str]:
    """Return what ended dead: `ship 3 at 4000: exhausted`."""
    return [f"{death.task} {death.attempts} at {death.at_ms}: {death.reason}" for death in found.dead]


def _does(name: str, task: Any) -> dict[str, Any]:
    return {} if "http" in task or "python" in task else {"python": f"shop.tasks:{name}"}
