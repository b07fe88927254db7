"""A record as a document of the Elastic Common Schema, for Elasticsearch and for files."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from ebats import __version__
from ebats.runner.execution import record as records
from ebats.runner.execution.record import Execution, Line, Outcome, Record
from ebats.runner.sinks import ecs_fields as ecs
from ebats.runner.sinks import ecs_parts as parts
from ebats.runner.sinks.ecs_payload import as_field, as_json
from ebats.runner.sinks.ecs_sentence import sentence
from ebats.runner.sinks.exposure import Exposures
from ebats.runner.sinks.setting import Setting

#: Of records that don't go to a data stream.
_DATASET = "ebats"
_ACTIONS: Mapping[Outcome, str] = {
    "success": "task-executed",
    "retry": "task-retried",
    "postponed": "task-postponed",
    "dead": "task-dead",
}
_REJECTED = "message-rejected"
_CATEGORY = ("process",)
_END, _INFO = ("end",), ("info",)
_PROCESS_OPERATION = ecs.Name(name="process")
_VERSION = ecs.Version(version=ecs.ECS_VERSION)
#: Who speaks changes with each process that is started.
_MOST_SPEAKERS = 1000

_encoder = msgspec.json.Encoder()


class _Speaker(NamedTuple):
    service: ecs.Service
    host: ecs.Name | None
    process: ecs.Process


class Documents:
    """Makes the documents of one sink."""

    def __init__(self, setting: Setting, exposures: Exposures, data_stream: str | None = None) -> None:
        """Make documents that show what `exposures` allow, for a data stream `TYPE-DATASET-NAMESPACE`."""
        self._exposures = exposures
        self._tasks = {
            name: ecs.Task(name=name, kind="http" if task.http else "python")
            for name, task in setting.tasks.items()
        }
        self._system = setting.broker_system
        self._stream = _stream(data_stream) if data_stream else None
        self._dataset = (self._stream and self._stream.dataset) or _DATASET
        self._speakers: dict[tuple[str, str | None, str, str, int], _Speaker] = {}

    def of(self, line: Line, id: str | None = None) -> bytes:
        """Return the document of a line, as JSON; `id` is the record's own.

        Raises:
            msgspec.MsgspecError: the line is none of ours.
        """
        return self.document(self._exposures.read(line), id)

    def document(self, record: Record, id: str | None = None) -> bytes:
        """Return the document of a record that may be seen as it is, as JSON; `id` is the record's own."""
        if isinstance(record, Execution):
            return _encoder.encode(self._execution(record, id))
        return _encoder.encode(self._log(record, id))

    def _execution(self, record: Execution, id: str | None) -> ecs.Document:
        service, host, process = self._speaker(record)
        decisive = parts.decisive(record) if record.requests else None
        span = parts.span_of(record.trace)
        return ecs.Document(
            timestamp=record.time,
            ecs=_VERSION,
            message=sentence(record),
            log=ecs.Log(level=record.level, logger="ebats.execution"),
            event=self._event(record, id),
            service=service,
            host=host,
            process=process,
            error=parts.error_of(record, decisive),
            trace=ecs.Id(id=span[1]) if span else None,
            span=ecs.Id(id=span[2]) if span else None,
            # The publisher's header doesn't tell whether its span was the first of a service, a transaction.
            transaction=ecs.Id(id=span[2]) if span else None,
            url=ecs.Url(full=decisive.url) if decisive else None,
            http=parts.http_of(decisive) if decisive else None,
            messaging=self._messaging(record),
            ebats=self._ebats(record),
            labels=parts.labels_of(record.labels) if record.labels else None,
            data_stream=self._stream,
        )

    def _log(self, record: records.Log, id: str | None) -> ecs.Document:
        service, host, process = self._speaker(record)
        has_message = record.id is not None
        return ecs.Document(
            timestamp=record.time,
            ecs=_VERSION,
            message=record.text,
            log=ecs.Log(level=record.level, logger="ebats.process" if record.task is None else "ebats.task"),
            event=ecs.Event(
                kind="event",
                category=_CATEGORY,
                type=_INFO,
                action=record.action,
                id=id,
                dataset=self._dataset,
                module="ebats",
            ),
            service=service,
            host=host,
            process=process,
            error=None if record.traceback is None else ecs.Error(stack_trace=record.traceback),
            messaging=ecs.Messaging(message=ecs.Message(id=record.id)) if has_message else None,
            ebats=None if record.task is None else ecs.Ebats(task=self._task(record.task)),
            data_stream=self._stream,
        )

    def _event(self, record: Execution, id: str | None) -> ecs.Event:
        run_s = record.run_s
        outcome = record.outcome
        return ecs.Event(
            kind="event",
            category=_CATEGORY,
            type=_END,
            action=_REJECTED if outcome == "dead" and run_s is None else _ACTIONS[outcome],
            outcome="success" if outcome == "success" else "unknown" if outcome == "postponed" else "failure",
            duration=None if run_s is None else round(run_s * 1e9),
            start=None if run_s is None else _before(record.time, run_s),
            end=record.time,
            created=record.published,
            id=id,
            reason=record.text
            if parts.only_waits(outcome, record.error, record.reason)
            else record.reason or record.error,
            dataset=self._dataset,
            module="ebats",
        )

    def _messaging(self, record: Execution) -> ecs.Messaging:
        key = record.key
        size = record.size
        return ecs.Messaging(
            system=self._system,
            operation=_PROCESS_OPERATION,
            destination=ecs.Name(name=record.queue),
            rabbitmq=None if key is None else ecs.Rabbit(destination=ecs.RabbitDestination(routing_key=key)),
            message=ecs.Message(
                id=record.id,
                conversation_id=record.correlation,
                body=None if size is None else ecs.Body(size=size),
            ),
        )

    def _ebats(self, record: Execution) -> ecs.Ebats:
        fields = ecs.Ebats(
            task=self._task(record.task),
            event=None if record.event is None else ecs.Name(name=record.event),
            queue=record.queue,
            exchange=record.exchange,
            outcome=record.outcome,
            reason=record.reason,
            attempt=record.attempt,
            max_attempts=record.attempts,
            retry=None if record.next is None else parts.retry_of(record.time, record.next),
            wait_ms=None if record.wait_s is None else round(record.wait_s * 1000),
            redelivered=record.redelivered,
            traceparent=record.trace,
            requests=[parts.request_of(one) for one in record.requests] if record.requests else None,
        )
        if record.payload is not None or record.result is not None:
            self._add_payload(record, fields)
        return fields

    def _add_payload(self, record: Execution, fields: ecs.Ebats) -> None:
        only_keys = self._exposures.mode(record.task) == "keys"
        if payload := as_json(record.payload):
            if only_keys:
                fields.payload_keys = msgspec.json.decode(payload, type=list[str] | str)
            else:
                fields.payload, fields.payload_json = as_field(payload)
        if result := as_json(record.result):
            if only_keys:
                fields.result_keys = msgspec.json.decode(result, type=list[str] | str)
            else:
                fields.result, fields.result_json = as_field(result)

    def _task(self, name: str) -> ecs.Task | None:
        if not name:
            return None
        return self._tasks.get(name) or ecs.Task(name=name)

    def _speaker(self, record: Record) -> _Speaker:
        key = (record.pipeline, record.environment, record.host, record.process, record.pid)
        if found := self._speakers.get(key):
            return found
        if len(self._speakers) >= _MOST_SPEAKERS:
            self._speakers.clear()
        pipeline, environment, host, process, pid = key
        speaker = self._speakers[key] = _Speaker(
            ecs.Service(
                name=pipeline,
                version=__version__,
                environment=environment,
                node=ecs.Name(name=f"{host}#{process}" if host else process),
                type="ebats",
            ),
            ecs.Name(name=host) if host else None,
            ecs.Process(name=process, pid=pid or None),
        )
        return speaker


def _stream(name: str) -> ecs.DataStream:
    kind, dataset, namespace = name.split("-", 2)
    return ecs.DataStream(type=kind, dataset=dataset, namespace=namespace)


def _before(time: datetime, seconds: float) -> datetime | None:
    try:
        return time - timedelta(seconds=seconds)
    except OverflowError:  # somebody else's record
        return None
