"""The fields of a document: names and nesting of the Elastic Common Schema, and ours under `ebats`.

Fields of ECS: https://www.elastic.co/docs/reference/ecs. It has none for messages: `messaging` is as in
OpenTelemetry, https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/. Types are in the
index template, `logs.template.json`.
"""

from datetime import datetime
from typing import Literal

import msgspec

from ebats.pipelines.sink import Level
from ebats.runner.execution.record import Outcome

#: Of ECS: every field of ours is in this version, and later ones keep them.
ECS_VERSION = "8.11.0"


class _Part(msgspec.Struct, omit_defaults=True, gc=False):
    """What is None, or as by default, isn't written."""


class Version(_Part):
    version: str | None = None


class Id(_Part):
    id: str | None = None


class Name(_Part):
    name: str | None = None


class Event(_Part):
    kind: str | None = None
    category: tuple[str, ...] | None = None
    type: tuple[str, ...] | None = None
    action: str | None = None
    outcome: Literal["success", "failure", "unknown"] | None = None
    #: Nanoseconds.
    duration: int | None = None
    start: datetime | None = None
    end: datetime | None = None
    #: When the message was published.
    created: datetime | None = None
    id: str | None = None
    reason: str | None = None
    dataset: str | None = None
    module: str | None = None


class Service(_Part):
    name: str
    version: str | None = None
    environment: str | None = None
    node: Name | None = None
    type: str | None = None


class Process(_Part):
    name: str
    pid: int | None = None


class Log(_Part):
    level: Level
    logger: str | None = None


class Error(_Part):
    type: str | None = None
    message: str | None = None
    stack_trace: str | None = None
    code: str | None = None


class Url(_Part):
    full: str | None = None


class HttpRequest(_Part):
    method: str | None = None


class HttpResponse(_Part):
    status_code: int | None = None


class Http(_Part):
    request: HttpRequest | None = None
    response: HttpResponse | None = None


class RabbitDestination(_Part):
    routing_key: str | None = None


class Rabbit(_Part):
    destination: RabbitDestination | None = None


class Body(_Part):
    size: int | None = None


class Message(_Part):
    id: str | None = None
    conversation_id: str | None = None
    body: Body | None = None


class Messaging(_Part):
    system: str | None = None
    operation: Name | None = None
    destination: Name | None = None
    rabbitmq: Rabbit | None = None
    message: Message | None = None


class Task(_Part):
    name: str | None = None
    kind: Literal["python", "http"] | None = None


class Retry(_Part):
    delay_ms: int | None = None
    next_at: datetime | None = None


class Request(_Part):
    method: str
    url: str
    outcome: Literal["success", "failed", "refused", "skipped"]
    status: int | None = None
    seconds: float | None = None
    text: str | None = None
    body: str | None = None


#: Not there. A payload may be `null`.
NOTHING = msgspec.Raw()


class Ebats(_Part):
    task: Task | None = None
    event: Name | None = None
    queue: str | None = None
    exchange: str | None = None
    outcome: Outcome | None = None
    reason: str | None = None
    attempt: int | None = None
    max_attempts: int | None = None
    retry: Retry | None = None
    wait_ms: int | None = None
    redelivered: bool | None = None
    traceparent: str | None = None
    requests: list[Request] | None = None
    #: An object; what is none, or would be refused as a `flattened` field, is in `payload_json` as a text.
    payload: msgspec.Raw = NOTHING
    payload_json: str | None = None
    payload_keys: list[str] | str | None = None
    result: msgspec.Raw = NOTHING
    result_json: str | None = None
    result_keys: list[str] | str | None = None


class DataStream(_Part):
    type: str | None = None
    dataset: str | None = None
    namespace: str | None = None


class Document(_Part):
    """One record."""

    message: str
    log: Log
    event: Event
    service: Service
    process: Process
    timestamp: datetime = msgspec.field(name="@timestamp")
    ecs: Version | None = None
    host: Name | None = None
    error: Error | None = None
    trace: Id | None = None
    span: Id | None = None
    transaction: Id | None = None
    url: Url | None = None
    http: Http | None = None
    messaging: Messaging | None = None
    ebats: Ebats | None = None
    labels: dict[str, str] | None = None
    data_stream: DataStream | None = None
