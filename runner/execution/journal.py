"""What is written down of each run: records, made from what happened and put on their way."""

import os
import time
from datetime import datetime
from typing import Protocol

from msgspec import structs

from ebats.pipelines.ladder import RETRY_WITHOUT_LADDER, attempts, rung_after
from ebats.pipelines.model import Ladder, Pipeline, Task
from ebats.pipelines.sink import Level
from ebats.pipelines.template import parse
from ebats.runner.execution.delivery import Delivery
from ebats.runner.execution.envelope import Envelope
from ebats.runner.execution.fields import as_name
from ebats.runner.execution.outcome import (
    Dead,
    Decision,
    Done,
    Failed,
    Postponed,
    Result,
    Retry,
    Returned,
    Wait,
)
from ebats.runner.execution.process_log import ProcessLog, Source
from ebats.runner.execution.record import HOST, Execution, Line, Outcome, encode, utc
from ebats.runner.execution.slots import Run

_LEVELS: dict[type, Level] = {Done: "info", Retry: "warning", Wait: "debug", Dead: "error"}
#: As records, and the tests of a file, name what follows from a run.
OUTCOMES: dict[type, Outcome] = {Done: "success", Retry: "retry", Wait: "postponed", Dead: "dead"}

_WAITING = (Retry, Wait)

#: The writer may be busy; a record is no reason to wait longer.
_FLUSH_S = 0.5


class Takes(Protocol):
    """Takes lines for the writer."""

    def put(self, line: Line) -> None: ...

    def flush(self, timeout_s: float) -> bool: ...


class Journal:
    """Writes down what one process does. It never raises, and never waits."""

    def __init__(self, pipeline: Pipeline, process: str, out: Takes, *, with_payload: bool) -> None:
        """Speak as `process`, into `out`; `with_payload` where a sink wants payloads and results."""
        self._pipeline = pipeline
        self._process = process
        self._pid = os.getpid()
        self._out = out
        source = Source(pipeline=pipeline.name, process=process, environment=pipeline.environment)
        self.log = ProcessLog(source, out.put)
        self._with_payload = with_payload
        self._queues = {queue.broker_name: queue.name for queue in pipeline.queues.values()}
        #: By event and task.
        self._delays_ms: dict[tuple[str | None, str], int] = {
            (event.name, item.task.name): item.delay_ms
            for event in pipeline.events.values()
            for item in event.tasks
        }
        self._labels = {
            event.name: {name: parse(text) for name, text in event.labels.items()}
            for event in pipeline.events.values()
            if event.labels
        }

    def flush(self) -> None:
        """Send what has been written down at once: this process may die any moment."""
        self._out.flush(_FLUSH_S)

    def execution(self, run: Run, decision: Decision, result: Result, payload: object, ended: float) -> None:
        """Record one attempt, that `ended` at a Unix time in seconds."""
        envelope, delivery = run.envelope, run.envelope.delivery
        due = _due(envelope, run.task, self._delays_ms.get((envelope.event, run.task.name), 0))
        failed = result if isinstance(result, Failed) else None
        self._put(
            Execution(
                time=utc(ended),
                level=_LEVELS[type(decision)],
                pipeline=self._pipeline.name,
                task=run.task.name,
                queue=self._queue(envelope),
                id=envelope.id,
                attempt=envelope.attempt,
                attempts=attempts(_ladder(run, decision)),
                outcome=OUTCOMES[type(decision)],
                process=self._process,
                wait_s=None if due is None or not run.started else round(max(0.0, run.started_at - due), 6),
                run_s=round(time.monotonic() - run.started, 6) if run.started else None,
                event=envelope.event,
                exchange=envelope.exchange or None,
                key=envelope.key or None,
                published=_published(delivery),
                size=len(delivery.body),
                redelivered=delivery.redelivered,
                correlation=as_name(delivery.properties.get("correlation_id")),
                trace=as_name(delivery.headers.get("traceparent")),
                environment=self._pipeline.environment,
                reason=decision.reason if isinstance(decision, Dead) else None,
                error=failed.error if failed else None,
                text=failed.text if failed else result.why if isinstance(result, Postponed) else None,
                traceback=failed.traceback if failed else None,
                next=utc(ended + decision.wait_ms / 1000) if isinstance(decision, _WAITING) else None,
                labels=self._label(envelope, payload),
                requests=list(result.requests) or None,
                payload=payload if self._with_payload else None,
                result=result.value if self._with_payload and isinstance(result, Returned) else None,
                host=HOST,
                pid=self._pid,
            )
        )

    def not_run(self, envelope: Envelope, task: Task | None, decision: Dead, failed: Failed) -> None:
        """Record the death of a message that wasn't run."""
        delivery = envelope.delivery
        self._put(
            Execution(
                time=utc(time.time()),
                level="error",
                pipeline=self._pipeline.name,
                task=task.name if task else "",
                queue=self._queue(envelope),
                id=envelope.id,
                attempt=envelope.attempt,
                attempts=attempts(task.ladder if task else None),
                outcome="dead",
                process=self._process,
                event=envelope.event,
                exchange=envelope.exchange or None,
                key=envelope.key or None,
                published=_published(delivery),
                size=len(delivery.body),
                redelivered=delivery.redelivered,
                correlation=as_name(delivery.properties.get("correlation_id")),
                trace=as_name(delivery.headers.get("traceparent")),
                environment=self._pipeline.environment,
                reason=decision.reason,
                error=failed.error,
                text=failed.text,
                host=HOST,
                pid=self._pid,
            )
        )

    def logger(self, task: str, message_id: str) -> "TaskLogger":
        """Return a logger whose lines name a task and a message."""
        return TaskLogger(self.log, task, message_id)

    def _queue(self, envelope: Envelope) -> str:
        return self._queues.get(envelope.queue) or self._pipeline.queue_name(envelope.queue)

    def _label(self, envelope: Envelope, payload: object) -> dict[str, str] | None:
        templates = self._labels.get(envelope.event or "")
        if not templates:
            return None
        labels = {name: template.render(payload) for name, template in templates.items()}
        return {name: text for name, text in labels.items() if text is not None} or None

    def _put(self, record: Execution) -> None:
        try:
            self._out.put(encode(record))
        except Exception as error:  # payload and result may hold anything
            self._out.put(encode(structs.replace(record, payload=None, result=None, labels=None)))
            text = f"its payload and result couldn't be written down: {type(error).__name__}: {error}"
            self.log.warning(text, task=record.task, id=record.id)


class TaskLogger:
    """What a context calls `logger`: a task's, or a producer's, which has neither task nor message."""

    def __init__(self, log: ProcessLog, task: str | None = None, message_id: str | None = None) -> None:
        self._log = log
        self._task = task
        self._id = message_id

    def debug(self, text: str) -> None:
        """Write a line that helps to find out why."""
        self._log.debug(str(text), task=self._task, id=self._id)

    def info(self, text: str) -> None:
        """Write a line about what goes on."""
        self._log.info(str(text), task=self._task, id=self._id)

    def warning(self, text: str) -> None:
        """Write a line about what may need somebody."""
        self._log.warning(str(text), task=self._task, id=self._id)

    def error(self, text: str) -> None:
        """Write a line about what needs somebody."""
        self._log.error(str(text), task=self._task, id=self._id)


def _ladder(run: Run, decision: Decision) -> Ladder | None:
    """Return the ladder that a run is on: without one of its own, the one of `raise Retry`."""
    if run.task.ladder is None and (run.envelope.attempt > 1 or isinstance(decision, Retry)):
        return RETRY_WITHOUT_LADDER
    return run.task.ladder


def _published(delivery: Delivery) -> datetime | None:
    published = delivery.headers.get("ebats-published")
    return _moment(published) if isinstance(published, float) else None


def _moment(seconds: float) -> datetime | None:
    try:
        return utc(seconds)
    except (ValueError, OverflowError, OSError):  # anybody may have written anything there
        return None


def _due(envelope: Envelope, task: Task, delay_ms: int) -> float | None:
    """Return when the attempt was due, a Unix time; None: unknown.

    That is what the message says, or its rung's end, or when it was published.
    """
    if envelope.due is not None:
        return envelope.due
    if envelope.last is not None and envelope.attempt > 1:
        rung_ms = rung_after(task.ladder or RETRY_WITHOUT_LADDER, envelope.attempt - 1)
        return None if rung_ms is None else envelope.last + rung_ms / 1000
    published = envelope.delivery.headers.get("ebats-published")
    return published + delay_ms / 1000 if isinstance(published, float) else None
