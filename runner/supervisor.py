"""The parent of all processes of a run: starts them, replaces them, ends them."""

import os
import select
import signal
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any, Protocol

import setproctitle

from ebats.pipelines.former import Former
from ebats.pipelines.model import Pipeline
from ebats.pipelines.plan import FINISHED, ProcessSpec, consumers, producers
from ebats.runner.alerter_slot import AlerterSlot
from ebats.runner.child import Child
from ebats.runner.endings import death
from ebats.runner.execution.outbox import Outbox, open_channel
from ebats.runner.execution.process_log import ProcessLog, Source
from ebats.runner.lane_slot import LaneSlot
from ebats.runner.lookout import Lookout
from ebats.runner.silence import TOO_LONG, Silence
from ebats.runner.slot import Slot
from ebats.runner.slots_state import state_of
from ebats.runner.starter import Starter
from ebats.runner.trial import try_entry_points

_TICK_S = 0.25
#: How often it is looked whether anything is left to do.
_ASK_S = 0.2
#: On top of the grace time: for hand-backs, confirms, acknowledgements.
_FLUSH_S = 15.0


class Watches(Protocol):
    """Says when a run is over, given the counters of all processes."""

    def is_over(self, statuses: list[dict[str, int]]) -> bool: ...


class Supervisor:
    """Runs the processes of a pipeline until it is told to stop, or nothing is left to do."""

    def __init__(self, pipeline: Pipeline, only: Collection[str] = ()) -> None:
        """Run the consumers and producers of a pipeline: all, or `only` some."""
        self._pipeline = pipeline
        self._send, self._receive = open_channel()
        source = Source(pipeline=pipeline.name, process="runner", environment=pipeline.environment)
        self._outbox = Outbox(self._send.fileno(), source)
        self.log = ProcessLog(source, self._outbox.put)
        self._starter = Starter(pipeline.name, self.say)
        specs = (*consumers(pipeline, only), *producers(pipeline, int(time.time() * 1000), only))
        self._slots = [Slot(spec) for spec in specs]
        self._writer = Slot(ProcessSpec(role="writer", name="writer", pipeline=pipeline))
        self._alerter = AlerterSlot(pipeline)
        self._lane = LaneSlot(pipeline)
        self._lookout = Lookout(pipeline, self._want_lane, self.say)
        #: The counters of processes that have ended, added up.
        self._ended: Counter[str] = Counter()
        self._silence = Silence()
        self._going = self._draining = False
        self._asked_at = 0.0
        self._why = "stops"
        self._hurried = False
        self._signals: list[int] = []
        self._woken, wake = os.pipe()
        os.set_blocking(self._woken, False)
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda number, _frame: self._signals.append(number))
        setproctitle.setproctitle(f"ebats: {pipeline.name} runner")

    # The life of a run.

    def prepare(self) -> None:
        """Start the processes; until `go` they only get ready."""
        for slot in [self._writer, self._alerter, *self._slots]:
            if not slot.finished:
                self._start(slot)

    def try_entry_points(self) -> None:
        """Import every entry point in a process of its own, that ends at once.

        Raises:
            BadFile: with those that can't be imported, each at its place in the file.
        """
        try_entry_points(self._pipeline, self._starter.start, self._send, self.say, self.stopping)

    def go(self, former: Former, *, with_lane: bool) -> None:
        """Let the processes begin; `with_lane`: there are suspects from before.

        `former` is what left the file: they deal with its messages.
        """
        self._going = True
        for slot in self._slots:
            # Those that are here already were started before anybody knew.
            slot.spec = replace(slot.spec, former=former)
            if slot.child:
                slot.child.go(former)
        for child in self._children([self._writer, self._alerter]):
            child.say("go")
        self._lane.former = former
        self._lane.wanted = with_lane
        self._lookout.start(former)
        names = ", ".join(slot.spec.name for slot in self._slots)
        self.log.info(f"runs {self._pipeline.file}: {names}")

    def say(self, level: str, text: str) -> None:
        """Write a line into the log, at the level of this name."""
        getattr(self.log, level)(text)

    def stopping(self) -> bool:
        """Return whether a signal has asked for the end."""
        return bool(self._signals)

    def run(self, watch: Watches | None, on_state: Callable[[dict[str, Any]], None]) -> None:
        """Supervise until a signal comes, or `watch` says that it is over.

        `on_state` gets the state of all processes about once a second.

        Raises:
            RunFailed: a process dies again and again, or can't use the broker, and no waiting helps.
        """
        told_at = 0.0
        while not self._signals:
            now = self._tick()
            self._replace(now)
            if now - told_at > 1.0:
                told_at = now
                on_state(self.state())
            if watch and self._is_over(watch):
                self._why = "stops: nothing is left to do"
                return

    def stop(self) -> bool:
        """Let all finish within the grace time, the writer last; return whether all left by themselves."""
        try:
            return self._stop()
        finally:
            self._starter.close()

    def _stop(self) -> bool:
        workers = [*self._slots, self._lane]
        if self._going:
            return self._drain(workers)
        self._kill(self._everyone())
        for child in self._children(self._everyone()):
            child.wait(_FLUSH_S)
        self._alerter.end()
        self._outbox.close(0.0)
        return True

    def _drain(self, workers: list[Slot]) -> bool:
        first = len(self._signals)
        self._draining = True
        self._lookout.stop()
        self.log.info("stops: what runs may finish, the rest is handed back" if first else self._why)
        for child in self._children(workers):
            child.say("stop")
        deadline = time.monotonic() + self._pipeline.grace_s + _FLUSH_S
        clean = True
        while any(slot.child for slot in workers):
            self._tick()
            if time.monotonic() > deadline or len(self._signals) > max(first, 1):
                clean, self._hurried = False, True
                self._kill(workers)
        self._lookout.finish()
        self.log.info("stopped")
        self._alerter.end()
        self._outbox.close(_FLUSH_S)
        self._stop_writer()
        return clean

    def statuses(self) -> list[dict[str, int]]:
        """Return the counters of all processes; those that have ended are added up in the first."""
        living = [child.status for child in self._children([*self._slots, self._lane])]
        return [{**self._ended, "processes": self._ended["processes"]}, *living]

    def state(self) -> dict[str, Any]:
        """Return how all processes are, for `ebats status`."""
        return state_of(self._slots, self._lane, self._writer, self._alerter)

    # One round.

    def _tick(self) -> float:
        self._alerter.tell_deaths()
        children = list(self._children(self._everyone()))
        before = time.monotonic()
        select.select([self._woken, *(child.line.fileno() for child in children)], [], [], _TICK_S)
        with suppress(BlockingIOError):
            os.read(self._woken, 4096)
        now = time.monotonic()
        if held := self._silence.looked(before, now):
            self.log.warning(held)
        for slot in self._everyone():
            if slot.child:
                self._attend(slot, slot.child, now)
        return now

    def _attend(self, slot: Slot, child: Child, now: float) -> None:
        code = child.exit_code()
        for words in child.read():
            self._hear(child, words)
        if code is not None:
            self._ended_with(slot, child, code, now)
        elif self._silence.is_excused:
            child.heard_at = now
        elif child.ready and slot is not self._writer and self._silence.is_too_long(child.heard_at, now):
            self.log.error(f"{child.name} {TOO_LONG}")
            child.kill()
            child.heard_at = now

    def _hear(self, child: Child, words: dict[str, Any]) -> None:
        child.hear(words)
        self._lane.hear(words)

    def _ended_with(self, slot: Slot, child: Child, code: int, now: float) -> None:
        slot.child = None
        child.close()
        self._lookout.inherit(child.loose)
        # What it had in hand is the broker's again.
        done = {name: count for name, count in child.status.items() if name not in ("in_hand", "running")}
        self._ended.update({**done, "processes": 1})
        if slot is self._lane:
            if text := self._lane.ended(child, code, now):
                self._alerter.note_death(child, code)
                self.log.error(text)
        elif child.leaving and code == 0:
            slot.left(now)
            slot.finished, slot.last_words = child.leaving == FINISHED, {**done, **child.about}
        else:
            slot.died(child, now)
            self._alerter.note_death(child, code)
            # Where nobody waits for a clean end it is no fault that there is none.
            say = self.log.info if self._hurried else self.log.error
            pause_s = None if self._draining else slot.next_start - now
            say(f"{child.name} {death(code, pause_s, is_ours=child.killed)}")

    def _replace(self, now: float) -> None:
        for slot in [self._writer, self._alerter, *self._slots]:
            if slot is not self._alerter:
                slot.check_deaths()
            if slot.child is None and not slot.finished and now >= slot.next_start:
                self._start(slot)
        self._lane.check_deaths()
        if self._lane.is_due(now):
            self._lane.begin()
            self._start(self._lane)

    def _want_lane(self) -> None:
        # A lane that runs takes them all; one that is about to leave would miss them.
        self._lane.wanted = True

    def _start(self, slot: Slot) -> None:
        writer = self._receive if slot is self._writer else None
        facts = self._alerter.facts_of(slot.spec)
        slot.child = Child(slot.spec, self._starter.start, self._send, writer, facts)
        if self._going:
            slot.child.say("go")

    def _is_over(self, watch: Watches) -> bool:
        children = list(self._children([*self._slots, self._lane]))
        if self._lane.wanted or any(slot.child is None and not slot.finished for slot in self._slots):
            return False
        if not all(child.ready and child.status for child in children):
            return False
        now = time.monotonic()
        if now - self._asked_at < _ASK_S or any(child.asked and not child.answered for child in children):
            return False
        self._asked_at = now
        over = all(child.asked for child in children) and watch.is_over(self.statuses())
        for child in children:
            child.ask()
        return over

    # The end.

    def _kill(self, slots: list[Slot]) -> None:
        for child in self._children(slots):
            child.kill()

    def _stop_writer(self) -> None:
        if child := self._writer.child:
            child.say("stop")
            if child.wait(_FLUSH_S) is None:
                child.kill()
            child.close()

    def _everyone(self) -> list[Slot]:
        return [*self._slots, self._lane, self._writer, self._alerter]

    def _children(self, slots: list[Slot]) -> Iterator[Child]:
        return (slot.child for slot in slots if slot.child)
