"""The cases of `tests:`: names become what they name, durations milliseconds, payloads bodies."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ebats.pipelines import rules
from ebats.pipelines.cases import (
    ANY,
    Answer,
    Anything,
    Case,
    CaseMessage,
    Containing,
    Expectation,
    ExpectedDeath,
    ExpectedMessage,
    ExpectedRun,
    PublishedKind,
)
from ebats.pipelines.model import Pipeline
from ebats.pipelines.source import Path
from ebats.pipelines.suggestion import suggest
from ebats.pipelines.values import Values

#: The pipeline's own exchanges, as a case names them.
OWN_EXCHANGES = ("events", "tasks")

#: What stands in `ebats-reason`, and what the broker itself makes a dead letter for.
REASONS = (
    *("exhausted", "failed", "timeout", "rejected", "arguments", "undecodable", "schema", "final"),
    *("refused", "expired", "crashed", "unknown", "gone", "unrouted", "delivery_limit"),
)

#: By the key that names what was published.
PUBLISHED_KINDS: Mapping[str, PublishedKind] = {"event": "event", "task": "task", "reply_to": "reply"}

#: The answer that runs the file's own function.
REAL = "real"


def resolve_cases(values: Values, pipeline: Pipeline) -> tuple[Case, ...]:
    """Return the cases of a file's `tests`, about this pipeline, in the file's order.

    What is wrong goes to `values.problems`: cases with errors must not be run.
    """
    cases = tuple(_case(values, pipeline, index) for index, _ in values.items("tests"))
    first: dict[str, int] = {}
    for (index, _), case in zip(values.items("tests"), cases, strict=True):
        if case.name and first.setdefault(case.name, index) != index:
            text = f"there is a case `{case.name}` already"
            place = values.source.place(("tests", first[case.name], "name"))
            values.problem(
                rules.NAMED_TWICE,
                ("tests", index, "name"),
                text,
                f"say what is different in this one; the first is at {place}",
            )
    return cases


def _case(values: Values, pipeline: Pipeline, index: int) -> Case:
    path = ("tests", index)
    return Case(
        name=values.get(*path, "name") or "",
        messages=tuple(
            _message(values, pipeline, each) for each in _one_or_several(values, (*path, "publish"))
        ),
        answers=_answers(values, pipeline, (*path, "answers")),
        expect=_expectation(values, pipeline, (*path, "expect")),
        place=values.source.place(path),
    )


def _one_or_several(values: Values, path: Path) -> Iterator[Path]:
    value = values.get(*path)
    if isinstance(value, list):
        yield from ((*path, index) for index, _ in values.items(*path))
    elif value is not None:
        yield path


def _message(values: Values, pipeline: Pipeline, path: Path) -> CaseMessage:
    exchanges = {**dict.fromkeys(OWN_EXCHANGES), **pipeline.exchanges}
    event = values.reference(*path, "event", kind="event", known=pipeline.events)
    task = values.reference(*path, "task", kind="task", known=pipeline.tasks)
    queue = values.reference(*path, "queue", kind="queue", known=pipeline.queues)
    values.reference(*path, "exchange", kind="exchange", known=exchanges)
    return CaseMessage(
        event=event.name if event else None,
        task=task.name if task else None,
        queue=queue.name if queue else None,
        exchange=values.get(*path, "exchange"),
        key=values.get(*path, "key"),
        body=_body(values, path, is_text=event is not None and event.format != "json"),
        id=values.get(*path, "id"),
        headers=values.get(*path, "headers") or {},
        properties=_properties(values, path),
        delay_ms=values.duration_ms(*path, "delay", low=0),
        at_ms=values.duration_ms(*path, "at", low=0),
        place=values.source.place(path),
    )


def _properties(values: Values, path: Path) -> dict[str, str]:
    """Return the properties of AMQP that a message has; there `expiration` is milliseconds, as a text."""
    found = {key: values.get(*path, key) for key in ("reply_to", "correlation_id", "content_type")}
    if "expiration" in values.keys(*path):
        found["expiration"] = str(values.duration_ms(*path, "expiration", low=0))
    return {key: value for key, value in found.items() if value is not None}


def _body(values: Values, path: Path, *, is_text: bool) -> bytes:
    if isinstance(body := values.get(*path, "body"), str):
        return body.encode(errors="replace")
    if "payload" not in values.keys(*path):
        return b"" if is_text else b"{}"
    payload = values.get(*path, "payload")
    if not is_text:
        return _json(values, (*path, "payload"), payload).encode()
    if not isinstance(payload, str):
        text = "`payload` isn't a text, and that is what the event's format wants"
        values.problem(rules.NOT_FOR_FORMAT, (*path, "payload"), text, "put it in quotes")
    return str(payload).encode(errors="replace")


def _json(values: Values, path: Path, payload: Any) -> str:
    try:
        text = json.dumps(payload, ensure_ascii=False, allow_nan=False)
        text.encode()
    except ValueError:
        values.problem(
            rules.NO_JSON,
            path,
            "JSON has nothing for a value in here",
            "take out .inf, .nan and halves of characters",
        )
        return "null"
    return text


def _answers(values: Values, pipeline: Pipeline, path: Path) -> Mapping[str, tuple[Answer, ...]]:
    for name in values.keys(*path):
        if name not in pipeline.tasks and not values.is_broken("tasks"):
            hint = suggest(name, pipeline.tasks) or "add it to `tasks`"
            values.problem_at_key(rules.UNKNOWN_NAME, (*path, name), f"there is no task `{name}`", hint)
    return {
        name: tuple(_answer(values, each) for each in _one_or_several(values, (*path, name)))
        for name in values.keys(*path)
    }


def _answer(values: Values, path: Path) -> Answer:
    if values.get(*path) == REAL:
        return Answer(real=True)
    body = values.get(*path, "body")
    return Answer(
        returns=values.get(*path, "returns"),
        raises=values.get(*path, "raises"),
        text=values.get(*path, "text") or "",
        after_ms=values.duration_ms(*path, "after", low=0) if "after" in values.keys(*path) else None,
        status=values.get(*path, "status"),
        body=body if isinstance(body, str) else "" if body is None else _json(values, (*path, "body"), body),
        headers=values.get(*path, "headers") or {},
        takes_ms=values.duration_ms(*path, "takes", low=0),
    )


def _expectation(values: Values, pipeline: Pipeline, path: Path) -> Expectation:
    named = values.keys(*path)

    def each(key: str) -> Iterator[Path]:
        return ((*path, key, index) for index, _ in values.items(*path, key))

    return Expectation(
        runs=tuple(_run(values, pipeline, item) for item in each("runs")) if "runs" in named else None,
        published=tuple(_published(values, pipeline, item) for item in each("published"))
        if "published" in named
        else None,
        dead=tuple(_death(values, pipeline, item) for item in each("dead")) if "dead" in named else None,
        places={key: values.source.key_place((*path, key)) for key in named},
    )


def _run(values: Values, pipeline: Pipeline, path: Path) -> ExpectedRun:
    if isinstance(values.get(*path), str):
        task = values.reference(*path, kind="task", known=pipeline.tasks)
        return ExpectedRun(task=task.name if task else "", place=values.source.place(path))
    task = values.reference(*path, "task", kind="task", known=pipeline.tasks)
    values.reference(*path, "event", kind="event", known=pipeline.events)
    values.reference(*path, "queue", kind="queue", known=pipeline.queues)
    return ExpectedRun(
        task=task.name if task else "",
        event=_or_any(values, path, "event"),
        at_ms=_at(values, path),
        attempt=_or_any(values, path, "attempt"),
        outcome=_or_any(values, path, "outcome"),
        queue=_or_any(values, path, "queue"),
        payload=_payload(values, path),
        place=values.source.place(path),
    )


def _published(values: Values, pipeline: Pipeline, path: Path) -> ExpectedMessage:
    if isinstance(values.get(*path), str):
        event = values.reference(*path, kind="event", known=pipeline.events)
        return ExpectedMessage(
            kind="event", event=event.name if event else "", place=values.source.place(path)
        )
    values.reference(*path, "event", kind="event", known=pipeline.events)
    values.reference(*path, "task", kind="task", known=pipeline.tasks)
    named = next((key for key in PUBLISHED_KINDS if key in values.keys(*path)), None)
    return ExpectedMessage(
        kind=PUBLISHED_KINDS[named] if named else ANY,
        event=values.get(*path, named) if named else ANY,
        at_ms=_at(values, path),
        payload=_payload(values, path),
        place=values.source.place(path),
    )


def _death(values: Values, pipeline: Pipeline, path: Path) -> ExpectedDeath:
    if isinstance(name := values.get(*path), str):
        values.reference(*path, kind="task", known=pipeline.tasks)
        return ExpectedDeath(task=name, place=values.source.place(path))
    values.reference(*path, "task", kind="task", known=pipeline.tasks)
    values.reference(*path, "event", kind="event", known=pipeline.events)
    reason = values.get(*path, "reason")
    if reason is not None and reason not in REASONS:
        text = f"there is no reason `{reason}`"
        values.problem(rules.WRONG_VALUE, (*path, "reason"), text, suggest(reason, REASONS))
    return ExpectedDeath(
        task=_or_any(values, path, "task"),
        event=_or_any(values, path, "event"),
        at_ms=_at(values, path),
        reason=_or_any(values, path, "reason"),
        attempts=_or_any(values, path, "attempts"),
        payload=_payload(values, path),
        place=values.source.place(path),
    )


def _or_any(values: Values, path: Path, key: str) -> Any:
    return values.get(*path, key) if key in values.keys(*path) else ANY


def _at(values: Values, path: Path) -> int | Anything:
    return values.duration_ms(*path, "at", low=0) if "at" in values.keys(*path) else ANY


def _payload(values: Values, path: Path) -> Any:
    for key in ("payload", "payload_contains"):
        if key in values.keys(*path):
            payload = values.get(*path, key)
            _json(values, (*path, key), payload)
            return payload if key == "payload" else Containing(payload=payload)
    return ANY
