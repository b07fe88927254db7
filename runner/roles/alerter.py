"""The process that tells people: takes facts, finds what is wrong, and has it sent."""

import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from ebats.pipelines.alerts import BY_QUEUE, Alerts
from ebats.pipelines.model import Pipeline
from ebats.pipelines.plan import ProcessSpec
from ebats.runner.alerts import announce, wording
from ebats.runner.alerts.broker_watch import BrokerWatch
from ebats.runner.alerts.channels.build import build
from ebats.runner.alerts.digest import Day
from ebats.runner.alerts.facts import LARGEST, Told, decode
from ebats.runner.alerts.incidents import Incidents
from ebats.runner.alerts.outgoing import Outgoing
from ebats.runner.alerts.store import Memory, Store, done
from ebats.runner.alerts.watch import Watch
from ebats.runner.execution.journal import Journal
from ebats.runner.roles.parent import Parent

_LISTEN_S = 0.1
_LOOK_S = 0.5
_TELL_S = 1.0
#: What has changed is remembered this soon; what people are told, at once.
_REMEMBER_S = 1.0
#: The writer's last counts come so late.
_LAST_FACTS_S = 1.2
_LAST_SENDS_S = 5.0
#: Names of open alerts that `ebats status` gets.
_NAMES = 100


class Place(NamedTuple):
    """What an alerter has of its own."""

    #: Where the other processes tell it.
    facts: socket.socket
    #: What outlives runners of this pipeline on this machine.
    folder: Path


def run(spec: ProcessSpec, journal: Journal, parent: Parent, place: Place) -> None:
    """Tell of what goes wrong until the parent says stop."""
    assert spec.pipeline.alerts is not None
    alerter = Alerter(spec.pipeline, spec.pipeline.alerts, journal, parent, place)
    parent.tell(ready=True)
    alerter.serve()


class Alerter:
    """Facts in, notices out; what it knows survives its death."""

    def __init__(
        self, pipeline: Pipeline, alerts: Alerts, journal: Journal, parent: Parent, place: Place
    ) -> None:
        """Go on with what the alerter before this one remembered."""
        self._pipeline = pipeline
        self._alerts = alerts
        self._journal = journal
        self._parent = parent
        self._facts = place.facts
        self._buffer = memoryview(bytearray(LARGEST))
        self._now = time.time()
        self._looked = self._told = self._remembered = 0.0
        self._goes = False
        self._run = wording.run_of(pipeline)
        self._store, memory = self._recall(place.folder)
        self._watch = Watch(pipeline, alerts, self._now)
        self._incidents = Incidents(pipeline.name, alerts.rules, memory.alerts, self._now)
        self._day = (memory.day or Day(since=self._now)) if alerts.digest else None
        channels = build(alerts, pipeline.folder, str(place.folder))
        self._outgoing = Outgoing(channels, memory.pending, self._say)
        conditions = {rule.condition for rule in alerts.rules}
        by_queue = bool(conditions & BY_QUEUE)
        self._queue_rules = {rule.name for rule in alerts.rules if rule.condition in BY_QUEUE}
        wants_broker = by_queue or "broker_away" in conditions
        self._broker = BrokerWatch(pipeline, with_queues=by_queue) if wants_broker else None

    def serve(self) -> None:
        """Look, tell and remember until the parent says stop, or dies."""
        while not (self._parent.stop or self._parent.gone):
            self._round()
        until = time.monotonic() + (0.0 if self._parent.gone else _LAST_FACTS_S)
        while time.monotonic() < until:
            self._round()
        self._look()
        self._outgoing.close(time.monotonic() + (0.0 if self._parent.gone else _LAST_SENDS_S))
        self._note_outcomes()
        self._remember()
        if self._broker:
            self._broker.close()
        if self._store:
            self._store.close()

    def _round(self) -> None:
        self._goes = "go" in self._parent.listen(0.0) or self._goes
        self._take_facts()
        self._note_outcomes()
        if self._outgoing.changed:
            # What is sent by now isn't sent again after a kill.
            self._remember()
        now = time.monotonic()
        if now - self._looked >= _LOOK_S:
            self._looked = now
            self._look()
        # Before the run begins the parent reads nothing.
        if self._goes and now - self._told >= _TELL_S:
            self._told = now
            self._parent.tell(about={"alerts": self._about()})

    # What others tell.

    def _take_facts(self) -> None:
        self._facts.settimeout(_LISTEN_S)
        try:
            while True:
                size = self._facts.recv_into(self._buffer)
                self._take(self._buffer[:size])
                self._facts.settimeout(0.0)
        except OSError:  # no more for now
            return

    def _take(self, data: memoryview) -> None:
        try:
            fact = decode(data)
        except msgspec.MsgspecError as error:
            self._say("warning", f"facts for alerts that can't be read: {error}")
            return
        self._watch.take(fact, self._clock())
        if self._day and isinstance(fact, Told):
            self._day.add(fact.tasks)

    # What follows.

    def _look(self) -> None:
        now = self._clock()
        unknown = self._look_at_broker(now)
        self._take_acks(now)
        for said in self._incidents.advance(self._watch.look(now), unknown, now):
            self._outgoing.put(announce.notice(self._run, said, now), said.channels)
        self._tell_digest(now)
        if self._outgoing.changed or time.monotonic() - self._remembered >= _REMEMBER_S:
            self._remember()

    def _look_at_broker(self, now: float) -> set[str]:
        """Take what was seen of the broker; return the rules of which nothing can be known."""
        if self._broker is None:
            return set()
        self._watch.broker(self._broker.seen, self._broker.error)
        depths, self._broker.depths = self._broker.depths, None
        if depths is not None:
            self._watch.depths(depths, now)
        if self._broker.leads is False:
            # Another runner tells of them.
            self._incidents.forget(self._queue_rules)
        return set() if self._broker.leads else self._queue_rules

    def _take_acks(self, now: float) -> None:
        answers = self._store.acks() if self._store else []
        for _, ack in answers:
            for incident in self._incidents.acknowledge(ack.id, ack.subject, ack.by, now):
                self._say("info", f"{ack.by} has acknowledged: {incident.what}")
        if answers:
            self._remember()
            for path, _ in answers:
                done(path)

    def _tell_digest(self, now: float) -> None:
        digest = self._alerts.digest
        if digest and self._day and self._day.is_due(digest.cron, self._pipeline.timezone, now):
            since = announce.moment(self._day.since)
            notice = wording.digest(self._run, self._day.rows(), since, announce.moment(now))
            self._day = Day(since=now)
            self._outgoing.put(notice, digest.channels)

    def _note_outcomes(self) -> None:
        log = self._journal.log
        for outcome in self._outgoing.outcomes():
            about = f"alert {outcome.notice.id} ({outcome.notice.state}) through {outcome.channel}"
            if outcome.state == "sent":
                log.info(f"sent {about}: {outcome.notice.title}", action="alert-sent")
            else:
                tried = "; trying on" if outcome.state == "failed" else "; it is lost"
                log.warning(f"couldn't send {about}: {outcome.reason}{tried}", action="alert-failed")

    # What is remembered.

    def _recall(self, folder: Path) -> tuple[Store | None, Memory]:
        try:
            store = Store(folder)
            return store, store.read()
        except OSError as error:
            self._say("warning", f"alerts won't be remembered over a restart: {error}")
            return None, Memory()

    def _remember(self) -> None:
        self._remembered = time.monotonic()
        if self._store is None:
            return
        alerts = [alert for alert in self._incidents.alerts.values() if alert.id]
        memory = Memory(written=self._now, alerts=alerts, day=self._day, pending=self._outgoing.pending())
        try:
            self._store.write(memory)
        except OSError as error:
            self._say("warning", f"alerts can't be remembered: {error}")

    def _about(self) -> Mapping[str, Any]:
        """Return what `ebats status` shows."""
        incidents = [
            {
                "id": alert.id,
                "rule": alert.rule,
                "severity": self._incidents.rules[alert.rule].severity,
                "subject": incident.subject,
                "since": incident.opened,
                "acknowledged": incident.acked is not None,
            }
            for alert in self._incidents.alerts.values()
            for incident in alert.open.values()
        ]
        return {"open": len(incidents), "alerts": incidents[:_NAMES], "waiting": self._outgoing.waiting()}

    def _say(self, level: str, text: str) -> None:
        getattr(self._journal.log, level)(text)

    def _clock(self) -> float:
        """Return the Unix time; it never goes back."""
        self._now = max(self._now, time.time())
        return self._now
