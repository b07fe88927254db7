"""The writer's part in alerts: counts what its records say, and tells the alerter."""

import os
import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

import msgspec

from ebats.pipelines.alerts import Alerts
from ebats.runner.alerts import histogram
from ebats.runner.alerts.facts import SAMPLES, Counts, SinkFacts, TaskCounts, Told, encode, send
from ebats.runner.alerts.wording import Sample
from ebats.runner.execution.record import WEIGHTS, Line

#: The alerter is told so often.
TELL_EVERY_S = 0.5
#: Of one datagram, which the kernel wants below 200 kB.
_BYTES = 32 * 1024
#: Characters of an id, an error or its text in a sample.
_TEXT = 300
#: Attempts from here on count as this one.
_MOST_ATTEMPTS = 1000
_ERROR = WEIGHTS["error"]


class _Execution(msgspec.Struct, tag_field="kind", tag="execution"):
    """Those fields of a record that count."""

    task: str
    queue: str
    id: str
    attempt: int
    outcome: str
    time: datetime
    event: str | None = None
    wait_s: float | None = None
    run_s: float | None = None
    reason: str | None = None
    error: str | None = None
    text: str | None = None


class _Log(msgspec.Struct, tag_field="kind", tag="log"):
    """A line of a task's logger."""


_decoder: msgspec.json.Decoder[_Execution | _Log] = msgspec.json.Decoder(_Execution | _Log)


class Tally:
    """Counts records until the alerter has been told of them. For one thread."""

    def __init__(self, alerts: Alerts, out: socket.socket) -> None:
        """Count what these alerts ask for, and tell it through a datagram socket, its owner's."""
        self._out = out
        self._pid = os.getpid()
        self._slow = [
            (str(rule.threshold), rule.threshold) for rule in alerts.rules if rule.condition == "slow"
        ]
        self._by_queue = any(rule.condition == "queue_age" for rule in alerts.rules)
        self._told_at = 0.0
        self._tasks: dict[tuple[str, str], Counts] = {}
        self._taken: dict[str, float] = {}
        self._ended: dict[str, int] = {}

    def add(self, lines: Sequence[Line]) -> None:
        """Count records; those about no task are passed over."""
        for line in lines:
            # Dead letters that couldn't be read have no task.
            if line.task or line.weight >= _ERROR:
                with suppress(msgspec.MsgspecError):  # the sinks have it all the same
                    seen = _decoder.decode(line.json)
                    if isinstance(seen, _Execution):
                        self._count(seen)

    def is_due(self, now_s: float) -> bool:
        """Return whether it is time to tell, by the monotonic clock."""
        return now_s - self._told_at >= TELL_EVERY_S

    def tell(self, sinks: Mapping[str, Mapping[str, Any]], now_s: float) -> None:
        """Tell the alerter; what it has no room for is told the next time. `sinks`: the writer's status."""
        self._told_at = now_s
        facts = {name: _sink(found) for name, found in sinks.items()}
        if not send(self._out, Told(pid=self._pid, taken=self._taken, ended=self._ended, sinks=facts)):
            return
        self._taken, self._ended = {}, {}
        while self._tasks and self._tell_some():
            pass

    def _tell_some(self) -> bool:
        """Tell of so many tasks as one datagram holds; return whether the alerter has taken it."""
        tasks, size = [], 0
        for (task, event), counts in self._tasks.items():
            tasks.append(TaskCounts(task=task, event=event, counts=counts))
            size += len(encode(tasks[-1]))
            if size > _BYTES:
                break
        if not send(self._out, Told(pid=self._pid, tasks=tasks)):
            return False
        for item in tasks:
            del self._tasks[item.task, item.event]
        return True

    def _count(self, seen: _Execution) -> None:
        if self._by_queue:
            self._ended[seen.queue] = self._ended.get(seen.queue, 0) + 1
        if seen.outcome == "postponed":
            return
        key = (seen.task, seen.event or "")
        counts = self._tasks.get(key)
        if counts is None:
            counts = self._tasks[key] = Counts()
        counts.executions += 1
        if seen.outcome != "success":
            _count_failure(counts, seen)
        if seen.attempt > 1:
            number = min(seen.attempt, _MOST_ATTEMPTS)
            counts.attempts[number] = counts.attempts.get(number, 0) + 1
            if number > counts.highest:
                counts.highest, counts.highest_sample = number, _sample(seen)
        if seen.run_s is not None:
            self._count_time(counts, seen, seen.run_s)

    def _count_time(self, counts: Counts, seen: _Execution, run_s: float) -> None:
        number = histogram.bucket(run_s)
        counts.times[number] = counts.times.get(number, 0) + 1
        for name, threshold in self._slow:
            if run_s > threshold:
                counts.slower[name] = counts.slower.get(name, 0) + 1
                if run_s > counts.longest_s:
                    counts.longest_s, counts.longest_sample = run_s, _sample(seen)
        if self._by_queue and seen.wait_s is not None:
            due = seen.time.timestamp() - run_s - seen.wait_s
            if due > self._taken.get(seen.queue, 0.0):
                self._taken[seen.queue] = due


def _count_failure(counts: Counts, seen: _Execution) -> None:
    if seen.outcome == "dead":
        counts.dead += 1
        samples = counts.dead_samples
    else:
        counts.retries += 1
        samples = counts.retry_samples
    if len(samples) < SAMPLES:
        samples.append(_sample(seen))


def _sample(seen: _Execution) -> Sample:
    error, text = (part[:_TEXT] if part else None for part in (seen.error, seen.text))
    return Sample(id=seen.id[:_TEXT], task=seen.task, reason=seen.reason, error=error, text=text)


def _sink(status: Mapping[str, Any]) -> SinkFacts:
    return SinkFacts(
        error=status.get("error"),
        written=status.get("written", 0),
        sent=status.get("sent", 0),
        waiting=status.get("waiting", 0),
        spooled=status.get("spooled", 0),
        lost=status.get("lost", 0) + status.get("overflowed", 0),
    )
