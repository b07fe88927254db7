"""What is published to settle a run or to pass a delivery on: messages as values. Pure.

The body stays the publisher's; what ebats adds stands in properties and headers.
"""

import math
from collections.abc import Sequence
from typing import Any

import msgspec

from ebats.pipelines.addresses import DUE
from ebats.pipelines.ladder import HOPS_MS, next_hop
from ebats.pipelines.model import Pipeline, Task
from ebats.pipelines.moves import Way
from ebats.pipelines.topology import UNKNOWN_RUNG_MS, event_rung_name, rung_name, task_key
from ebats.runner.execution.call import TEXT_BYTES, TRACEBACK_BYTES, cut
from ebats.runner.execution.delivery import Delivery, Headers
from ebats.runner.execution.envelope import DONE, HELD_BY, HELD_SINCE, POSTPONED_SINCE, Envelope
from ebats.runner.execution.fields import as_name
from ebats.runner.execution.fitting import fitting
from ebats.runner.execution.outcome import Dead, Failed, Postponed, Retry

#: How long a message waits for a runner whose file knows it.
UNKNOWN_PATIENCE_S = 600.0

#: Set by whoever handed the message over, and not true of the next one. CC would route a
#: copy to each of its keys again (https://www.rabbitmq.com/docs/sender-selected).
_STALE_HEADERS = frozenset({"x-death", "x-delivery-count", "x-acquired-count", "CC", "BCC"})
_STALE_PREFIXES = ("x-first-death-", "x-last-death-", "x-opt-")
#: Ours, written anew from what is known; never what the last publisher wrote.
_WRITTEN = frozenset(
    {
        *("ebats-task", "ebats-event", "ebats-exchange", "ebats-key", "ebats-queue", "ebats-attempt"),
        *("ebats-first", "ebats-last", "ebats-reason", "ebats-traceback"),
        *("ebats-crashes", "ebats-cut", "ebats-unknown-since", DUE, HELD_BY, HELD_SINCE),
        *(DONE, POSTPONED_SINCE),
    }
)
#: The class of an exception may have any name.
_ERROR_BYTES = 256
#: Ours, and passed on: the last failure, up to so many bytes.
_FAILURE = {"ebats-error": _ERROR_BYTES, "ebats-text": TEXT_BYTES}
_PUBLISHED = "ebats-published"
#: Left out of no message, however large its headers are.
_KEPT = _WRITTEN | _FAILURE.keys() | {_PUBLISHED}

#: user_id is checked against the connection's user, and an expiration would cut a wait short.
_KEPT_PROPERTIES = (
    "content_type",
    "content_encoding",
    "priority",
    "correlation_id",
    "reply_to",
    "timestamp",
    "type",
    "app_id",
)


class Outgoing(msgspec.Struct):
    """A message to be published, persistent and mandatory."""

    exchange: str
    key: str
    body: bytes
    headers: Headers
    properties: dict[str, Any]
    #: Where no queue takes it, it is left out: a reply to somebody who has gone.
    optional: bool = False
    #: Its queue is there, and has refused it: it is full.
    refused: bool = False

    @property
    def identity(self) -> tuple[str, str, str]:
        """What a broker shows of a message that it returns."""
        return (self.properties.get("message_id", ""), self.exchange, self.key)


def retry(
    pipeline: Pipeline,
    envelope: Envelope,
    task: Task,
    decision: Retry,
    failed: Failed,
    now: float,
    rungs_ms: Sequence[int] = HOPS_MS,
) -> Outgoing:
    """Return the message that waits for the next attempt, on a rung of the ladder or one of `rungs_ms`."""
    envelope = msgspec.structs.replace(envelope, done=failed.done or envelope.done, postponed_since=None)
    headers = _headers(envelope, task) | _failure(envelope, failed, now)
    headers["ebats-attempt"] = envelope.attempt + 1
    headers.pop(DUE, None)
    rung_ms = decision.wait_ms
    if decision.chosen:
        rung_ms = _wait(headers, decision.wait_ms, now, rungs_ms)
    return _outgoing(envelope, rung_name(pipeline, rung_ms), _key(envelope, task), headers)


def postpone(
    pipeline: Pipeline,
    envelope: Envelope,
    task: Task,
    postponed: Postponed,
    now: float,
    rungs_ms: Sequence[int] = HOPS_MS,
) -> Outgoing:
    """Return the message that comes again later, on one of `rungs_ms`: no attempt, and not counted as one."""
    numbers = postponed.done or envelope.done
    later = msgspec.structs.replace(envelope, done=numbers, postponed_since=postponed.since)
    headers = _headers(later, task)
    rung_ms = _wait(headers, postponed.wait_ms, now, rungs_ms)
    return _outgoing(envelope, rung_name(pipeline, rung_ms), _key(envelope, task), headers)


def _wait(headers: Headers, wait_ms: int, now: float, rungs_ms: Sequence[int]) -> int:
    """Note in the headers till when a message waits, and return the rung that it waits on first."""
    headers[DUE] = now + wait_ms / 1000
    return wait_ms if wait_ms in rungs_ms else next_hop(rungs_ms, wait_ms)


def hop(
    pipeline: Pipeline, envelope: Envelope, task: Task, remaining_s: float, rungs_ms: Sequence[int] = HOPS_MS
) -> Outgoing:
    """Return the message that waits on, on one of `rungs_ms`: no attempt, and not counted as one."""
    rung_ms = next_hop(rungs_ms, math.ceil(remaining_s * 1000))
    headers = _headers(envelope, task)
    return _outgoing(envelope, rung_name(pipeline, rung_ms), _key(envelope, task), headers)


def dead(
    pipeline: Pipeline, envelope: Envelope, task: Task | None, decision: Dead, failed: Failed, now: float
) -> Outgoing:
    """Return the dead letter: the body as it came, and why it is dead."""
    envelope = msgspec.structs.replace(envelope, done=(), postponed_since=None)
    headers = _headers(envelope, task) | _failure(envelope, failed, now)
    headers |= {"ebats-reason": decision.reason, "ebats-queue": pipeline.queue_name(envelope.queue)}
    if task is None and (name := _task_name(pipeline, envelope.delivery)):
        headers["ebats-task"] = name
    if envelope.crashes:
        headers["ebats-crashes"] = envelope.crashes
    if failed.traceback:
        headers["ebats-traceback"] = cut(failed.traceback, TRACEBACK_BYTES, keep_end=True)
    return _outgoing(envelope, pipeline.on_broker("dead"), task.name if task else envelope.key, headers)


def hand_back(envelope: Envelope, task: Task | None) -> Outgoing:
    """Return the message that goes to the end of its own queue, as if it had never been delivered.

    Every way of giving a delivery back to RabbitMQ below 4.3 counts towards its limit; a publish doesn't.
    `task` says for which task alone; None: for all that the delivery was for.
    """
    return _outgoing(envelope, "", envelope.delivery.queue, _headers(envelope, task) | _cut(envelope))


def done(numbers: tuple[int, ...]) -> Headers:
    """Return the headers that tell which requests have succeeded, by their numbers."""
    return {DONE: list(numbers)} if numbers else {}


def one_task(pipeline: Pipeline, envelope: Envelope, task: Task) -> Outgoing:
    """Return the copy of a delivery for one of its tasks."""
    headers = _headers(envelope, task) | _cut(envelope) | _unreadable_due(envelope)
    return _outgoing(envelope, pipeline.on_broker("tasks"), _key(envelope, task), headers)


def again(envelope: Envelope, task: Task | None, exchange: str, key: str, now: float) -> Outgoing:
    """Return the message that begins anew: a dead letter that gets another chance.

    `now` is the Unix time in seconds: how long it was dead is no wait.
    """
    first = {"attempt": 1, "first": None, "last": None, "crashes": 0}
    anew = msgspec.structs.replace(envelope, **first, unknown_since=None, done=(), postponed_since=None)
    headers = {name: value for name, value in _headers(anew, task).items() if name not in _FAILURE}
    return _outgoing(anew, exchange, key, headers | {_PUBLISHED: now})


def moved(pipeline: Pipeline, envelope: Envelope, way: Way) -> Outgoing:
    """Return the copy of a delivery for a task that the changed file leads it to."""
    task, queue = pipeline.tasks[way.task], pipeline.queues[way.queue]
    headers = _headers(msgspec.structs.replace(envelope, event=way.event), task)
    event = pipeline.events.get(way.event or "")
    item = next((item for item in event.tasks if item.task == task), None) if event else None
    if way.delay_ms and event and item:
        return _outgoing(envelope, "", event_rung_name(pipeline, event, item), headers)
    return _outgoing(envelope, pipeline.on_broker("tasks"), task_key(task, queue), headers)


def suspect(pipeline: Pipeline, envelope: Envelope, task: Task, crashes: int) -> Outgoing:
    """Return the message for the lane, where it runs alone, and has ended the process `crashes` times."""
    headers = _headers(envelope, task) | {"ebats-crashes": crashes, "ebats-queue": envelope.queue}
    return _outgoing(envelope, "", pipeline.queue_on_broker("suspects"), headers)


def lease(envelope: Envelope, task: Task, queue: str) -> Outgoing:
    """Return the copy that lies in a lease queue during a run, and comes back if that is cut short."""
    headers = _headers(envelope, task) | {"ebats-cut": envelope.cut + 1}
    if envelope.queue != envelope.delivery.queue:
        # It runs in the lane, and goes back there.
        headers |= {"ebats-cut": max(2, envelope.cut + 1), "ebats-crashes": envelope.crashes}
    return _outgoing(envelope, "", queue, headers)


def counted(envelope: Envelope, crashes: int) -> Envelope:
    """Return the envelope with another count of crashes."""
    return msgspec.structs.replace(envelope, crashes=crashes)


def around(envelope: Envelope, exchange: str, key: str) -> Outgoing:
    """Return the message that waits on its rung again."""
    return _outgoing(envelope, exchange, key, _headers(envelope, None) | _unreadable_due(envelope))


def wait_unknown(pipeline: Pipeline, envelope: Envelope, now: float) -> Outgoing:
    """Return the message that waits a while for a runner with another version of the file."""
    headers = _headers(envelope, None) | _unreadable_due(envelope)
    if name := _task_name(pipeline, envelope.delivery):
        headers["ebats-task"] = name
    # Somebody's clock may be ahead, but nothing waits for ever.
    headers["ebats-unknown-since"] = min(envelope.unknown_since or now, now)
    queue = pipeline.queue_name(envelope.queue)
    return _outgoing(envelope, rung_name(pipeline, UNKNOWN_RUNG_MS), f"@{queue}", headers)


def _key(envelope: Envelope, task: Task) -> str:
    """Return the key that leads a message back to its task, on the queue that it runs from."""
    chosen = (queue for queue in task.queues if queue.broker_name == envelope.queue)
    return task_key(task, next(chosen, task.queue))


def _task_name(pipeline: Pipeline, delivery: Delivery) -> str | None:
    if delivery.exchange == pipeline.on_broker("tasks") and not delivery.key.startswith("@"):
        return delivery.key.partition("@")[0]
    return as_name(delivery.headers.get("ebats-task"))


def _headers(envelope: Envelope, task: Task | None) -> Headers:
    """Return the publisher's headers, without what isn't true any more, and the message's origin."""
    headers = {key: value for key, value in envelope.delivery.headers.items() if _goes_on(key, value)}
    if task:
        headers["ebats-task"] = task.name
    if envelope.event is not None:
        headers["ebats-event"] = envelope.event
    headers["ebats-exchange"] = envelope.exchange
    headers["ebats-key"] = envelope.key
    headers["ebats-attempt"] = envelope.attempt
    if envelope.first is not None:
        headers["ebats-first"] = envelope.first
    if envelope.last is not None:
        headers["ebats-last"] = envelope.last
    if envelope.due is not None:
        headers[DUE] = envelope.due
    if envelope.postponed_since is not None:
        headers[POSTPONED_SINCE] = envelope.postponed_since
    return headers | done(envelope.done)


def _cut(envelope: Envelope) -> Headers:
    return {"ebats-cut": envelope.cut} if envelope.cut else {}


def _unreadable_due(envelope: Envelope) -> Headers:
    """Return a due time that nobody can read: it goes on to where the message dies of it, and isn't run."""
    found = envelope.delivery.headers
    return {DUE: found[DUE]} if envelope.due is None and DUE in found else {}


def _goes_on(key: object, value: object) -> bool:
    # py-amqp hands over a key that isn't UTF-8 as bytes, and can't send it.
    if not isinstance(key, str) or key in _WRITTEN or key in _STALE_HEADERS:
        return False
    if key in _FAILURE:
        return isinstance(value, str) and len(value.encode(errors="replace")) <= _FAILURE[key]
    if key == _PUBLISHED:
        return isinstance(value, float | int)
    return not key.startswith(_STALE_PREFIXES)


def _failure(envelope: Envelope, failed: Failed, now: float) -> Headers:
    return {
        "ebats-error": cut(failed.error, _ERROR_BYTES),
        "ebats-text": cut(failed.text, TEXT_BYTES),
        "ebats-first": now if envelope.first is None else envelope.first,
        "ebats-last": now,
    }


def _outgoing(envelope: Envelope, exchange: str, key: str, headers: Headers) -> Outgoing:
    given = envelope.delivery.properties
    properties = {name: given[name] for name in _KEPT_PROPERTIES if name in given}
    properties["message_id"] = envelope.id
    properties["delivery_mode"] = 2
    return Outgoing(exchange, key, envelope.delivery.body, fitting(headers, _KEPT), properties)
