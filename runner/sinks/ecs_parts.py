"""Parts of a document: what follows from several fields of a record, or has a form of its own."""

import re
from datetime import datetime, timedelta

from ebats.runner.execution.record import Execution, RequestNote
from ebats.runner.sinks import ecs_fields as ecs

# https://www.w3.org/TR/trace-context/#traceparent-header: version, trace, the publisher's span, flags.
_TRACEPARENT = re.compile(
    r"(?!ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-[\da-f]{2}(?:-.*)?"
)


def only_waits(outcome: str | None, error: str | None, reason: str | None) -> bool:
    """Return whether a record's text says why it has to wait, which is no error: it is the event's reason."""
    return outcome == "postponed" and error is None and reason is None


def span_of(traceparent: str | None) -> re.Match[str] | None:
    """Return trace and span of a `traceparent`, as groups; None: it is none."""
    return None if traceparent is None else _TRACEPARENT.fullmatch(traceparent)


def decisive(record: Execution) -> RequestNote | None:
    """Return the request that an attempt's outcome follows from."""
    requests = record.requests or []
    for outcome in ("success",) if record.outcome == "success" else ("refused", "failed", "skipped"):
        found = [request for request in requests if request.outcome == outcome]
        if found:
            # What was answered says more than what wasn't; of successes the last one made it whole.
            answered = [request for request in found if request.status is not None]
            return (answered or found)[-1 if outcome == "success" else 0]
    return requests[0]


def error_of(record: Execution, decisive: RequestNote | None) -> ecs.Error | None:
    """Return what went wrong in an attempt; an HTTP status is its code."""
    text = None if only_waits(record.outcome, record.error, record.reason) else record.text
    status = decisive.status if decisive and record.outcome != "success" else None
    if record.error is None and text is None and record.traceback is None and status is None:
        return None
    return ecs.Error(
        type=record.error,
        message=text,
        stack_trace=record.traceback,
        code=None if status is None else str(status),
    )


def http_of(request: RequestNote) -> ecs.Http:
    """Return what was asked and answered."""
    return ecs.Http(
        request=ecs.HttpRequest(method=request.method),
        response=None if request.status is None else ecs.HttpResponse(status_code=request.status),
    )


def request_of(note: RequestNote) -> ecs.Request:
    """Return a request as it stands among all of an attempt."""
    return ecs.Request(
        method=note.method,
        url=note.url,
        outcome=note.outcome,
        status=note.status,
        seconds=note.seconds,
        text=note.text,
        body=note.body,
    )


def retry_of(time: datetime, due: datetime) -> ecs.Retry:
    """Return when the next attempt is due."""
    return ecs.Retry(delay_ms=round((due - time) / timedelta(milliseconds=1)), next_at=due)


def labels_of(labels: dict[str, str]) -> dict[str, str]:
    """Return labels under names without dots: `a.b` beside `a` would be an object and a value at once."""
    if not any("." in name or not name.strip() for name in labels):
        return labels
    plain = {name: value for name, value in labels.items() if "." not in name and name.strip()}
    for name, value in labels.items():
        if name not in plain:
            new = name.replace(".", "_").strip() or "_"
            while new in plain:
                new += "_"
            plain[new] = value
    return plain
