"""A document back as the record that it was made of."""

from typing import Any

import msgspec

from ebats.runner.execution.record import Execution, Log, Outcome, Record, RequestNote
from ebats.runner.sinks.ecs_fields import (
    NOTHING,
    Body,
    Document,
    Ebats,
    Error,
    Message,
    Messaging,
    Name,
    Rabbit,
    RabbitDestination,
    Request,
    Retry,
    Task,
)
from ebats.runner.sinks.ecs_parts import only_waits

_decoder = msgspec.json.Decoder(Document)


def record(document: bytes) -> Record:
    """Return the record that a document, as JSON, was made of; fields of others in it are passed over.

    Raises:
        msgspec.MsgspecError: it is no document of ours.
    """
    found = _decoder.decode(document)
    ebats = found.ebats or Ebats()
    return _log(found, ebats) if ebats.outcome is None else _execution(found, ebats, ebats.outcome)


def _common(found: Document) -> dict[str, Any]:
    return {
        "time": found.timestamp,
        "level": found.log.level,
        "pipeline": found.service.name,
        "process": found.process.name,
        "environment": found.service.environment,
        "traceback": (found.error or Error()).stack_trace,
        "host": (found.host or Name()).name or "",
        "pid": found.process.pid or 0,
    }


def _log(found: Document, ebats: Ebats) -> Log:
    return Log(
        **_common(found),
        text=found.message,
        task=(ebats.task or Task()).name,
        id=_message(found).id,
        action=found.event.action,
    )


def _execution(found: Document, ebats: Ebats, outcome: Outcome) -> Execution:
    event, error, message = found.event, found.error or Error(), _message(found)
    return Execution(
        **_common(found),
        task=(ebats.task or Task()).name or "",
        queue=ebats.queue or "",
        id=message.id or "",
        attempt=ebats.attempt or 1,
        attempts=ebats.max_attempts or 1,
        outcome=outcome,
        wait_s=None if ebats.wait_ms is None else ebats.wait_ms / 1000,
        run_s=None if event.duration is None else event.duration / 1e9,
        event=(ebats.event or Name()).name,
        exchange=ebats.exchange,
        key=_routing_key(found),
        published=event.created,
        size=(message.body or Body()).size,
        redelivered=bool(ebats.redelivered),
        correlation=message.conversation_id,
        trace=ebats.traceparent,
        reason=ebats.reason,
        error=error.type,
        text=event.reason if only_waits(outcome, error.type, ebats.reason) else error.message,
        next=(ebats.retry or Retry()).next_at,
        labels=found.labels,
        requests=[_note(request) for request in ebats.requests] if ebats.requests else None,
        payload=_value(ebats.payload, ebats.payload_json, ebats.payload_keys),
        result=_value(ebats.result, ebats.result_json, ebats.result_keys),
    )


def _message(found: Document) -> Message:
    return (found.messaging or Messaging()).message or Message()


def _routing_key(found: Document) -> str | None:
    rabbit = (found.messaging or Messaging()).rabbitmq or Rabbit()
    return (rabbit.destination or RabbitDestination()).routing_key


def _note(request: Request) -> RequestNote:
    return RequestNote(
        method=request.method,
        url=request.url,
        outcome=request.outcome,
        status=request.status,
        seconds=request.seconds,
        text=request.text,
        body=request.body,
    )


def _value(whole: msgspec.Raw, text: str | None, keys: object) -> object:
    if text is not None:
        return msgspec.json.decode(text)
    return keys if whole is NOTHING else msgspec.json.decode(whole)
