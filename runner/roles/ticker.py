"""The process of a clock: fires its ticks while it is the one of all machines that may."""

import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ebats.pipelines import ticks
from ebats.pipelines.counting import counted
from ebats.pipelines.model import Pipeline
from ebats.pipelines.plan import ProcessSpec
from ebats.pipelines.producer import TickProducer
from ebats.pipelines.ticks import Due, Memory, Schedule
from ebats.pipelines.topology import ticks_queue
from ebats.pipelines.wiring import wire
from ebats.runner.broker.connect import BROKER_ERRORS
from ebats.runner.broker.leading import Leading
from ebats.runner.execution.journal import Journal
from ebats.runner.execution.schemas import Schemas
from ebats.runner.execution.settle import Outgoing
from ebats.runner.publishing.names import ByFile
from ebats.runner.publishing.outlet import Outlet
from ebats.runner.roles.outlet import Rungs
from ebats.runner.roles.parent import Parent
from ebats.runner.roles.producing import Reporting

#: How often it is looked whether the one who leads has gone.
_FOLLOW_S = 1.0
#: A process that was killed may seem to hold the lock for a moment; longer, it is another runner's.
_PATIENCE_S = 3.0
#: What a leader had in hand that was killed may come back to the queue a moment after its lock is free.
_BACK_S, _LOOK_S = 0.5, 0.1
#: The clock of the machine may be set at any moment.
_LONGEST_WAIT_S = 1.0
#: For the last confirm.
_FLUSH_S = 10.0
_ORPHAN_FLUSH_S = 1.5


def run(spec: ProcessSpec, journal: Journal, parent: Parent) -> None:
    """Fire a clock's ticks until the parent says stop."""
    reporting = Reporting(spec, journal, parent)
    ticker = Ticker(spec, reporting)
    ticker.start()
    while not reporting.stopping:
        reporting.attend(1.0)
        if ticker.failure:
            raise ticker.failure
    parent.tell(leaving="stop")
    ticker.finish(_ORPHAN_FLUSH_S if parent.gone else _FLUSH_S)
    reporting.tell()


class Ticker:
    """Publishes the ticks of one clock, on a thread and a connection of its own."""

    def __init__(self, spec: ProcessSpec, reporting: Reporting) -> None:
        """Be the clock that `spec` names."""
        assert isinstance(spec.producer, TickProducer)
        self._producer = producer = spec.producer
        self._began_ms = spec.began_ms
        self._reporting = reporting
        self._say = reporting.say
        self._schedule = Schedule(cron=producer.cron, every_ms=producer.every_ms, zone=producer.timezone)
        self._late_ms = ticks.late_ms(spec.pipeline.broker.heartbeat_s)
        self._messages = Messages(spec.pipeline, producer)
        self._rungs = Rungs(spec.pipeline, reporting.count)
        self._queue = ticks_queue(spec.pipeline, producer)
        self._lead = Leading(spec.pipeline.broker, f"{self._queue}.lock", self._say)
        self._memory = Memory(dealt_ms=_now_ms(), schedule=str(self._schedule))
        #: The start of this run is none of ours, or published.
        self._is_started = not producer.at_start
        self._is_ready = self._follows = self._has_led = self._told_back = False
        #: What ended the thread.
        self.failure: BaseException | None = None
        self._thread = threading.Thread(target=self._guarded, name="ticks", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def finish(self, timeout_s: float) -> None:
        """Wait, at most so long, until what is being published is confirmed."""
        self._lead.wake()
        self._thread.join(timeout_s)

    def _guarded(self) -> None:
        try:
            self._serve()
        except BaseException as error:
            self.failure = error

    def _stopping(self) -> bool:
        return self._reporting.stopping

    def _serve(self) -> None:
        self._tell(leads=False)
        if self._is_started:
            # No run waits for its ticks.
            self._get_ready()
        while not self._stopping():
            try:
                if self._lead.open(self._stopping) and self._follow():
                    self._fire_all()
            except BROKER_ERRORS as error:
                self._tell(leads=False)
                self._lead.failed(error)
        self._lead.close()

    def _follow(self) -> bool:
        """Wait for the lock; False: this process is to leave."""
        since = time.monotonic()
        while not self._stopping():
            if self._lead.try_lock():
                return True
            if not self._follows and time.monotonic() - since > _PATIENCE_S:
                self._say("info", "another runner fires the ticks; this one does when it has gone")
                self._follows = self._is_started = True
                # What it couldn't publish is now the other's to do: this run may end.
                self._reporting.is_busy = False
                self._get_ready()
            self._tell(leads=False)
            self._lead.wait(_FOLLOW_S if self._follows else _FOLLOW_S / 5)
        return False

    def _fire_all(self) -> None:
        """Fire what is due, as long as this process has the lock."""
        self._follows = False
        taken = self._take_kept()
        # Somebody may have deleted what was kept.
        known = [self._memory] if self._has_led else []
        self._memory = self._begin(ticks.later([*self._read(taken), *known]))
        self._fire_start()
        self._store(self._memory, taken)
        self._tell(leads=True)
        self._say("info", f"fires the ticks{self._next_in_words()}")
        self._get_ready()
        while not self._stopping():
            self._memory = self._begin(self._memory)
            self._tell_set_back()
            self._fire(self._due())
            self._lead.wait(self._pause_s())

    def _take_kept(self) -> list[Any]:
        """Take what is kept: nothing at the first start alone, so nothing is looked for again."""
        until = time.monotonic() + _BACK_S
        while not (taken := self._lead.take(self._queue)) and not self._has_led:
            if time.monotonic() > until or self._stopping():
                break
            self._lead.wait(_LOOK_S)
        return taken

    def _begin(self, memory: Memory | None) -> Memory:
        now_ms = _now_ms()
        if memory and ticks.is_ahead(memory, now_ms):
            text = f"the last tick was at {self._written(memory.dealt_ms)}, more than a day ahead"
            self._say("warning", f"{text}: a machine's clock is or was wrong; begins anew from now")
        return ticks.begin(memory, self._schedule, now_ms)

    def _tell_set_back(self) -> None:
        """Say once that the machine's clock was set back: until it is where it was, no tick comes twice."""
        ahead_ms = self._memory.dealt_ms - _now_ms()
        if ahead_ms > self._late_ms and not self._told_back:
            text = f"the machine's clock was set back, to {ahead_ms // 60_000} min before the last tick"
            self._say("warning", f"{text}; none comes twice{self._next_in_words()}")
        self._told_back = ahead_ms > self._late_ms

    def _fire_start(self) -> None:
        """Publish that the pipeline starts, unless that was done, or another runner was there before."""
        began_ms = self._began_ms
        if not self._is_started and began_ms not in self._memory.starts:
            self._publish([began_ms], is_start=True)
            self._memory = replace(self._memory, last_ms=began_ms)
        self._is_started = True
        if self._producer.at_start and began_ms not in self._memory.starts:
            self._memory = ticks.started(self._memory, began_ms)

    def _due(self) -> Due:
        missed, dealt_ms = self._producer.missed, self._memory.dealt_ms
        return ticks.due(self._schedule, missed, dealt_ms, _now_ms(), self._late_ms)

    def _fire(self, due: Due) -> None:
        if due.dealt_ms == self._memory.dealt_ms:
            return
        self._reporting.is_busy = True
        if due.missed_ms is not None:
            self._say_missed(due)
        self._publish(due.fire)
        last_ms = due.fire[-1] if due.fire else self._memory.last_ms
        # Only now: who dies in between has them published again, with the same ids.
        self._store(replace(self._memory, dealt_ms=due.dealt_ms, last_ms=last_ms))
        self._reporting.is_busy = False
        self._tell(leads=True)

    def _say_missed(self, due: Due) -> None:
        assert due.missed_ms is not None
        done = f"publishes {'the last one' if len(due.fire) == 1 else f'the last {len(due.fire):,}'}"
        text = f"nothing ran at {self._written(due.missed_ms)}: ticks were missed since"
        more = ", which is the most" if due.too_many else ""
        self._say("warning", f"{text}; {done if due.fire else 'lets them go'}{more}")

    def _publish(self, moments: Sequence[int], *, is_start: bool = False) -> None:
        messages: list[Outgoing] = []
        for moment_ms in moments:
            try:
                messages += self._messages.of(moment_ms, is_start=is_start)
            except (TypeError, ValueError) as error:
                self._say("error", f"the tick of {self._written(moment_ms)} can't be published: {error}")
        for message in self._lead.publish(messages, self._rungs.note):
            id_ = message.properties["message_id"]
            self._say("error", f"no queue takes the tick {id_}: it is lost")
        self._reporting.count("ticks", len(messages))
        if moments:
            self._say(
                "debug", f"published {counted(len(messages), 'tick')} up to {self._written(moments[-1])}"
            )

    def _read(self, taken: Sequence[Any]) -> list[Memory]:
        found = []
        for message in taken:
            try:
                found.append(ticks.from_json(bytes(message.body or b"")))
            except ValueError as error:
                text = f"what is kept in the queue {self._queue} can't be read: {error}"
                self._say("error", f"{text}; begins anew from now")
        return found

    def _store(self, memory: Memory, taken: Sequence[Any] = ()) -> None:
        """Keep it on the broker instead of what is there. Who dies amidst leaves two: the later counts."""
        old = [*taken, *self._lead.take(self._queue)]
        properties = {"content_type": "application/json", "delivery_mode": 2}
        message = Outgoing("", self._queue, ticks.to_json(memory).encode(), {}, properties)
        if self._lead.publish([message], lambda _: None):
            self._say("error", f"there is no queue {self._queue} any more: `ebats apply` makes it")
        self._lead.acknowledge(old)
        self._memory, self._has_led = memory, True

    # What is told.

    def _get_ready(self) -> None:
        if not self._is_ready:
            self._is_ready = True
            self._reporting.tell()
            self._reporting.parent.tell(ready=True)

    def _tell(self, *, leads: bool) -> None:
        last_ms, next_ms = self._memory.last_ms, self._schedule.after(max(self._memory.dealt_ms, _now_ms()))
        self._reporting.about = {
            "producer": self._producer.name,
            "leads": leads,
            # Only who leads knows.
            "last": self._written(last_ms) if leads and last_ms is not None else None,
            "next": self._written(next_ms) if next_ms is not None else None,
        }

    def _next_in_words(self) -> str:
        next_ms = self._schedule.after(self._memory.dealt_ms)
        return f"; the next is at {self._written(next_ms)}" if next_ms is not None else ""

    def _written(self, moment_ms: int) -> str:
        return ticks.written(moment_ms, self._producer.timezone)

    def _pause_s(self) -> float:
        next_ms = self._schedule.after(self._memory.dealt_ms)
        if next_ms is None:
            return _LONGEST_WAIT_S
        return min(max(0.0, (next_ms - _now_ms()) / 1000), _LONGEST_WAIT_S)


class Messages(Outlet):
    """Makes the messages of a clock's ticks, as `ebats.Publisher` makes those of programs; sends nothing."""

    def __init__(self, pipeline: Pipeline, producer: TickProducer) -> None:
        """Make those of this producer."""
        self._names = ByFile(pipeline.name, wire(pipeline))
        self._schemas = Schemas(pipeline)
        self._pipeline = pipeline
        self._producer = producer
        self._payload = ticks.payload(producer.payload)

    def of(self, tick_ms: int, *, is_start: bool) -> list[Outgoing]:
        """Return the messages of one tick.

        Raises:
            TypeError, ValueError: its payload isn't what the event needs.
        """
        producer = self._producer
        payload = self._payload.at(ticks.written(tick_ms, producer.timezone))
        id_ = ticks.message_id(self._pipeline.name, producer.name, tick_ms, is_start=is_start)
        if producer.event is None:
            return self._task(producer.task or "", payload, id=id_)
        if self._pipeline.events[producer.event].format == "bytes":
            payload = payload.encode()
        return self._event(producer.event, payload, id=id_)


def _now_ms() -> int:
    return int(time.time() * 1000)
