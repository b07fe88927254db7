"""The parts of a gateway's description: shapes of bodies, refusals, ways to say who one is. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from ebats.pipelines.model import Pipeline
from ebats.pipelines.producer import HttpProducer
from ebats.runner.gateway.asked import JSON
from ebats.runner.gateway.payload_schemas import embedded

_Json = dict[str, Any]

_ERRORS = {
    400: "The body isn't what it is said to be, or the query means nothing; `offset`, `line` and `column` "
    "say where.",
    401: "Nobody knows the sender.",
    403: "The sender may not publish there.",
    404: "There is nothing of that name.",
    408: "The request came too slowly.",
    413: "The body, or the list of its items, is too large.",
    415: "The body is of another type, or compressed.",
    421: "The header Host names somebody else.",
    422: "Items can't be published: `items` says which, and why. Nothing was published.",
    429: "The sender has made too many requests.",
    503: "The broker takes no messages for now. `ids`, if any, may have been published: "
    "send them again with the same ids.",
}
_HEADERS = {401: "WWW-Authenticate", 429: "Retry-After", 503: "Retry-After"}

_DELAY = {
    "description": "How long its tasks wait: a duration with a unit, or seconds.",
    "anyOf": [{"type": "string", "examples": ["37s", "1h30m"]}, {"type": "number", "minimum": 0}],
}
_LISTED = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["index", "reason"],
        "properties": {
            "index": {"type": "integer", "minimum": 0, "description": "Of the item in the request, from 0."},
            "reason": {"type": "string"},
        },
    },
}


def refusals() -> _Json:
    """Return what is answered to what isn't taken, by the status."""
    return {str(status): _refusal(status) for status in _ERRORS}


def _refusal(status: int) -> _Json:
    described: _Json = {
        "description": _ERRORS[status],
        "content": {JSON: {"schema": {"$ref": "#/components/schemas/Error"}}},
    }
    if header := _HEADERS.get(status):
        described["headers"] = {header: {"schema": {"type": "string"}}}
    return described


def security_schemes(producer: HttpProducer) -> _Json:
    """Return how senders say who they are."""
    if producer.tokens:
        return {"bearer": {"type": "http", "scheme": "bearer"}}
    about = "Standard Webhooks: https://www.standardwebhooks.com"
    return {
        name: {"type": "apiKey", "in": "header", "name": f"webhook-{name}", "description": about}
        for name in ("id", "timestamp", "signature")
        if producer.secrets
    }


def schemas(pipeline: Pipeline) -> _Json:
    """Return the shapes of bodies and answers, and the schema of each event that has one, `event.NAME`."""
    texts = {"type": "array", "items": {"type": ["string", "null"]}, "description": "Of the items, in order."}
    count = {"type": "integer", "minimum": 0}
    error = {
        "code": {"type": "string", "description": "What kind of error it is, for programs."},
        "message": {"type": "string", "description": "What is wrong, for people."},
        **dict.fromkeys(("offset", "line", "column"), count),
        "items": _LISTED,
        "ids": texts,
        "confirmed": texts,
    }
    counters = ("send_success", "send_error", "req_success", "req_error")
    return {
        **_event_schemas(pipeline),
        "Item": _item(pipeline),
        "Accepted": {
            "type": "object",
            "required": ["ids"],
            "properties": {"ids": texts, "items": _LISTED},
        },
        "Error": {
            "type": "object",
            "required": ["error"],
            "properties": {"error": {"type": "object", "required": ["code", "message"], "properties": error}},
        },
        "State": {"type": "object", "required": ["status"], "properties": {"status": {"type": "string"}}},
        "Status": {
            "type": "object",
            "required": ["start", "pid", *counters],
            "properties": {
                "start": {"type": "string", "format": "date-time"},
                "pid": count,
                **dict.fromkeys(counters, count),
            },
        },
    }


def _item(pipeline: Pipeline) -> _Json:
    names: Mapping[str, Iterable[str]] = {
        "exchange": pipeline.exchanges,
        "queue": pipeline.queues,
        "event": pipeline.events,
        "task": pipeline.tasks,
    }
    return {
        "type": "object",
        "description": "A message, and where it goes: to an event, a task, an exchange (with its route), or "
        "straight to a queue.",
        "required": ["payload"],
        "additionalProperties": False,
        "properties": {
            **{name: {"enum": [*known, "", None]} for name, known in names.items()},
            "route": {"type": ["string", "null"], "description": "The routing key."},
            "payload": {"description": "Whose JSON is the message's body, as it is written."},
            "raw": {"type": "boolean", "description": "The payload is a text that is the body as it stands."},
            "id": {"type": ["string", "null"], "maxLength": 255},
            "delay": {"anyOf": [*_DELAY["anyOf"], {"type": "null"}], "description": _DELAY["description"]},
            "headers": {"type": ["object", "null"], "description": "AMQP headers, for tasks to see."},
        },
    }


def _event_schemas(pipeline: Pipeline) -> _Json:
    return {
        f"event.{event.name}": embedded(event.schema.text, f"event.{event.name}")
        for event in pipeline.events.values()
        if event.schema
    }
