"""A gateway's description of itself, made from the pipeline: OpenAPI 3.1. Pure.

The format: https://spec.openapis.org/oas/v3.1.1.html
"""

from collections.abc import Iterable
from typing import Any

from ebats.pipelines.addresses import is_pattern
from ebats.pipelines.model import Event, Pipeline, Task
from ebats.pipelines.producer import HttpProducer
from ebats.pipelines.wiring import wire
from ebats.runner.gateway import openapi_parts as parts
from ebats.runner.gateway.asked import JSON, NDJSON
from ebats.runner.gateway.bodies import MOST_ITEMS

_Json = dict[str, Any]

_ID = {"type": "string", "minLength": 1, "maxLength": 255}


def document(pipeline: Pipeline, producer: HttpProducer) -> _Json:
    """Return the description of a gateway."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"{pipeline.name}: messages by HTTP",
            "version": "1",
            "description": "A request is answered with 202 when the broker has its messages on disk.",
        },
        "paths": {
            "/v1/messages": {"post": _messages(pipeline, producer)},
            **{
                f"/v1/events/{name}": {"post": _event(pipeline, producer, event)}
                for name, event in pipeline.events.items()
            },
            **{f"/v1/tasks/{name}": {"post": _task(producer, task)} for name, task in pipeline.tasks.items()},
            "/v1/status": {"get": _look(producer, "status", "What this process has done.", "Status")},
            "/healthz": {"get": _look(None, "healthz", "Whether the gateway lives.", "State")},
            "/readyz": {"get": _look(None, "readyz", "Whether the broker takes messages.", "State", 503)},
            "/openapi.json": {"get": _look(producer, "openapi", "This description.", None)},
        },
        "components": {
            "schemas": parts.schemas(pipeline),
            "responses": parts.refusals(),
            "securitySchemes": parts.security_schemes(producer),
        },
        "security": _security(producer),
    }


def _messages(pipeline: Pipeline, producer: HttpProducer) -> _Json:
    item = {"$ref": "#/components/schemas/Item"}
    return {
        "operationId": "publish_messages",
        "summary": "Publish messages: all of them, or none.",
        "description": f"Up to {MOST_ITEMS:,} at once.",
        "parameters": [
            _parameter(
                "partial", {"type": "boolean", "default": False}, "Take the good items though others are bad."
            ),
            *_key_parameter(producer),
        ],
        "requestBody": {
            "required": True,
            "content": {
                JSON: {
                    "schema": {"type": "array", "items": item, "minItems": 1},
                    "examples": {"one": {"value": [_example(pipeline)]}},
                },
                NDJSON: {"schema": {"type": "string", "description": "An item on each line."}},
            },
        },
        "responses": _responses(producer, 403, 422),
    }


def _event(pipeline: Pipeline, producer: HttpProducer, event: Event) -> _Json:
    parameters = _options({each.name for item in event.tasks for each in item.task.queues})
    if is_pattern(wire(pipeline).events[event.name]):
        text = f"A routing key that matches {' or '.join(event.keys)}."
        parameters.append({**_parameter("route", {"type": "string"}, text), "required": True})
    if event.schema:
        schema: _Json = {"$ref": f"#/components/schemas/event.{event.name}"}
    else:
        schema = {} if event.format == "json" else {"type": "string"}
    return {
        "operationId": f"publish_{event.name}",
        "summary": f"Publish the event {event.name}.",
        "tags": ["events"],
        "parameters": [*parameters, *_key_parameter(producer)],
        "requestBody": _payload(schema, "The payload, which is the message's body as it stands."),
        "responses": _responses(producer, 403, 404, 422),
    }


def _task(producer: HttpProducer, task: Task) -> _Json:
    return {
        "operationId": f"run_{task.name}",
        "summary": f"Run the task {task.name}.",
        "tags": ["tasks"],
        "parameters": [*_options({each.name for each in task.queues}), *_key_parameter(producer)],
        "requestBody": _payload({}, "The payload, which is the message's body as it stands."),
        "responses": _responses(producer, 403, 404, 422),
    }


def _look(producer: HttpProducer | None, name: str, summary: str, schema: str | None, *others: int) -> _Json:
    """Describe what may be looked at: by those who may publish, or by everybody where that is None."""
    found = {"$ref": f"#/components/schemas/{schema}"} if schema else {"type": "object"}
    answer = {"description": summary, "content": {JSON: {"schema": found}}}
    operation: _Json = {
        "operationId": f"get_{name}",
        "summary": summary,
        "responses": {
            "200": answer,
            **{str(status): answer for status in others},
            **_refusals(_known(producer) if producer else (), 421),
        },
    }
    return operation if producer else {**operation, "security": []}


def _payload(schema: _Json, description: str) -> _Json:
    return {"required": True, "description": description, "content": {JSON: {"schema": schema}}}


def _options(queues: Iterable[str]) -> list[_Json]:
    """Describe the query of one message; its tasks may run from these queues."""
    return [
        _parameter("id", _ID, "The message's id, to know repeats by; a new one by default."),
        _parameter(
            "delay", {"type": "string", "examples": ["37s"]}, "How long its tasks wait, such as 37s or 1h."
        ),
        _parameter("queue", {"type": "string", "enum": sorted(queues)}, "The queue that its tasks run from."),
    ]


def _key_parameter(producer: HttpProducer) -> list[_Json]:
    if producer.secrets:
        return []
    text = "Makes the ids of messages without one: itself of one, with -0, -1 and so on behind it of several."
    schema = {"type": "string", "minLength": 1, "maxLength": 240, "pattern": "^[!-~]+$"}
    return [{**_parameter("Idempotency-Key", schema, text), "in": "header"}]


def _parameter(name: str, schema: _Json, description: str) -> _Json:
    return {"name": name, "in": "query", "description": description, "schema": schema}


def _responses(producer: HttpProducer, *statuses: int) -> _Json:
    accepted = {"$ref": "#/components/schemas/Accepted"}
    return {
        "202": {"description": "The broker has the messages.", "content": {JSON: {"schema": accepted}}},
        **_refusals(_known(producer), 400, 408, 413, 415, 421, 503, *statuses),
    }


def _known(producer: HttpProducer) -> tuple[int, ...]:
    """Return what is answered to those who may not, or too often."""
    has_auth = bool(producer.tokens or producer.secrets)
    has_rate = producer.rate is not None or any(token.rate for token in producer.tokens)
    return (401,) * has_auth + (429,) * has_rate


def _refusals(known: Iterable[int], *statuses: int) -> _Json:
    return {
        str(status): {"$ref": f"#/components/responses/{status}"} for status in sorted({*known, *statuses})
    }


def _security(producer: HttpProducer) -> list[_Json]:
    """Return what is needed: all schemes together."""
    schemes = parts.security_schemes(producer)
    return [{name: [] for name in schemes}] if schemes else []


def _example(pipeline: Pipeline) -> _Json:
    event = next(iter(pipeline.events), None)
    return (
        {"event": event, "payload": {}}
        if event
        else {"queue": next(iter(pipeline.queues), ""), "payload": {}}
    )
