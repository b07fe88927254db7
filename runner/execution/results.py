"""What follows from a success or a death: the events `then` and `on_dead`, and replies, as values. Pure."""

import base64
import hashlib
import re
from typing import Any, NamedTuple

from ebats.pipelines.addresses import of_event
from ebats.pipelines.model import Format, Pipeline, Task
from ebats.pipelines.routes import Routes
from ebats.pipelines.wiring import wire
from ebats.runner.execution.call import TEXT_BYTES, cut
from ebats.runner.execution.encode import BadResult, encode, is_json, join, text
from ebats.runner.execution.envelope import Envelope
from ebats.runner.execution.outcome import Failed, Reason
from ebats.runner.execution.schemas import Schemas
from ebats.runner.execution.settle import Outgoing
from ebats.runner.execution.unpublished import BadPayload

#: Behind `NAME.`, the queues that hold what ebats itself works with: no reply gets among that.
_INNER = re.compile(r"(?:dead|suspects|topology|lock|delay|lease|ticks)\b.*", re.DOTALL)


class FollowUps(NamedTuple):
    """Messages that go out beside what settles a run."""

    messages: tuple[Outgoing, ...] = ()
    #: How many copies of them wait on the rungs of events.
    on_event_rungs: int = 0
    #: What was left out, and why.
    warnings: tuple[str, ...] = ()
    #: What each message is: the event's name, or the queue that a reply goes to.
    names: tuple[str, ...] = ()


NOTHING = FollowUps()


class Results:
    """Makes what follows from the runs of one pipeline."""

    def __init__(self, pipeline: Pipeline, routes: Routes, schemas: Schemas) -> None:
        self._pipeline = pipeline
        self._schemas = schemas
        self._routes = routes
        self._wiring = wire(pipeline)

    def of_success(self, envelope: Envelope, task: Task, value: object, now: float) -> FollowUps:
        """Return what follows from a task's result: `then`, and a reply. `now` is a Unix time in seconds.

        Raises:
            BadResult: the result can't be handed on, so the attempt has failed.
        """
        reply_to = envelope.delivery.properties.get("reply_to")
        if task.then is None and not reply_to:
            return NOTHING
        about = {"id": text(envelope.id), "task": text(task.name)}
        result = {"result": encode(value)}
        follows = NOTHING
        if task.then is not None:
            payload = self._payload(envelope)
            try:
                follows = self._event(envelope, task, "then", {**about, **payload, **result}, now)
            except BadPayload as breach:
                raise BadResult(f"`then` can't hand the result on: {breach}") from None
        return self._with_reply(follows, envelope, task, {**about, **result}, now) if reply_to else follows

    def of_death(
        self, envelope: Envelope, task: Task | None, reason: Reason, failed: Failed, now: float
    ) -> FollowUps:
        """Return what follows from a death: `on_dead`, and a reply, so that nobody waits for ever.

        `task` is None where nobody knows it; `now` is a Unix time in seconds.
        """
        about = {"id": text(envelope.id), "task": text(task.name if task else None)}
        why = {"reason": text(reason), "attempts": text(envelope.attempt)}
        follows = NOTHING
        if task and task.on_dead is not None:
            payload = self._payload(envelope, undecodable=failed.how == "undecodable")
            try:
                follows = self._on_dead(envelope, task, {**about, **payload}, why, now)
            except BadPayload as breach:
                follows = FollowUps(warnings=(f"`on_dead` of {task.name} isn't published: {breach}",))
        if not envelope.delivery.properties.get("reply_to"):
            return follows
        error = {"error": text(cut(f"{failed.error}: {failed.text}", TEXT_BYTES))}
        return self._with_reply(follows, envelope, task, {**about, **why, **error}, now)

    def _on_dead(
        self,
        envelope: Envelope,
        task: Task,
        parts: dict[str, bytes],
        why: dict[str, bytes],
        now: float,
    ) -> FollowUps:
        try:
            return self._event(envelope, task, "on_dead", {**parts, **why}, now)
        except BadResult:  # too large beside the rest; the dead letter has it
            about = {name: part for name, part in parts.items() if name != "body"}
            size = {"payload": b"null", "left_out": text(len(envelope.delivery.body))}
            return self._event(envelope, task, "on_dead", {**about, **size, **why}, now)

    def _event(
        self, envelope: Envelope, task: Task, kind: str, parts: dict[str, bytes], now: float
    ) -> FollowUps:
        name = task.then if kind == "then" else task.on_dead
        assert name is not None
        (address,) = of_event(self._pipeline.name, self._wiring, name, now=now)
        headers = {**address.headers, "ebats-published": now}
        properties = _properties(envelope, task.name, kind)
        body = join(parts)
        self._schemas.check_body(name, body)
        message = Outgoing(address.exchange, address.key, body, headers, properties)
        events = self._routes.events_of(address.exchange, address.key)
        delayed = sum(1 for event in events for item in event.tasks if item.delay_ms)
        return FollowUps((message,), delayed, names=(name,))

    def _with_reply(
        self,
        follows: FollowUps,
        envelope: Envelope,
        task: Task | None,
        parts: dict[str, bytes],
        now: float,
    ) -> FollowUps:
        queue: str = envelope.delivery.properties["reply_to"]
        own = self._pipeline.on_broker("")
        if queue.startswith(own) and _INNER.fullmatch(queue.removeprefix(own)):
            warning = f"{queue!r} takes no replies: ebats itself works with it"
            return follows._replace(warnings=(*follows.warnings, warning))
        properties = _properties(envelope, task.name if task else "", "reply")
        properties.setdefault("correlation_id", envelope.id)
        reply = Outgoing("", queue, join(parts), {"ebats-published": now}, properties, optional=True)
        return follows._replace(messages=(*follows.messages, reply), names=(*follows.names, queue))

    def _payload(self, envelope: Envelope, *, undecodable: bool = False) -> dict[str, bytes]:
        """Return the payload as it came; what JSON can't hold goes as base64, under `body`."""
        body = envelope.delivery.body
        event = self._pipeline.events.get(envelope.event) if envelope.event else None
        format_: Format = event.format if event else "json"
        if format_ == "text" and not undecodable:
            return {"payload": text(body.decode(errors="replace"))}
        # Not decoded: what the task did to its arguments doesn't show, and numbers stay as they are.
        if format_ == "json" and not undecodable and is_json(body):
            return {"payload": body}
        return {"payload": b"null", "body": b'"' + base64.b64encode(body) + b'"'}


def _properties(envelope: Envelope, task: str, kind: str) -> dict[str, Any]:
    """Return a follow-up's properties. Its id is the same each time: after a crash the task may run again."""
    named = "\0".join((envelope.id, task, kind)).encode(errors="replace")
    properties = {
        "message_id": hashlib.sha256(named).hexdigest()[:32],
        "content_type": "application/json",
        "delivery_mode": 2,
    }
    correlation_id = envelope.delivery.properties.get("correlation_id")
    return properties if correlation_id is None else {**properties, "correlation_id": correlation_id}
