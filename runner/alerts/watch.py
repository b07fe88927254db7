"""All that the alerter knows at this moment, and what its rules find in it. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace

from ebats.pipelines.alerts import BY_QUEUE, BY_TASK, Alerts, Rule
from ebats.pipelines.model import Pipeline
from ebats.pipelines.plan import prefetches
from ebats.runner.alerts import conditions
from ebats.runner.alerts.conditions import Finding
from ebats.runner.alerts.facts import Counts, Died, Fact, SinkFacts, Told
from ebats.runner.alerts.queues import Queues
from ebats.runner.alerts.windows import CountsWindow, Key, NumbersWindow

#: The broker has no name.
_BROKER = ""


class Watch:
    """Takes facts, and says what holds. Times are Unix times in seconds that never go back."""

    def __init__(self, pipeline: Pipeline, alerts: Alerts, now: float) -> None:
        """Begin to watch a pipeline."""
        self._alerts = alerts
        self._own = _Own(pipeline)
        self._attempts: dict[float, CountsWindow] = {}
        self._deaths: dict[float, NumbersWindow] = {}
        self._losses: dict[float, NumbersWindow] = {}
        for rule in alerts.rules:
            if rule.condition == "process_dies":
                self._deaths[rule.window_s] = NumbersWindow(rule.window_s)
            elif rule.condition == "spool_overflow":
                self._losses[rule.window_s] = NumbersWindow(rule.window_s)
            else:
                self._attempts[rule.window_s] = CountsWindow(rule.window_s)
        self._new_attempts: dict[Key, Counts] = {}
        self._new_deaths: dict[str, int] = {}
        self._new_losses: dict[str, int] = {}
        self._how: dict[str, str] = {}
        self._sinks = _Sinks()
        self._queues = Queues(now, self._own.a_delivery, self._own.in_hand)
        self._broker_seen = now
        self._broker_error = ""

    def take(self, fact: Fact, now: float) -> None:
        """Take what another process told."""
        if isinstance(fact, Died):
            self._new_deaths[fact.process] = self._new_deaths.get(fact.process, 0) + 1
            self._how[fact.process] = fact.how
            return
        for item in fact.tasks:
            self._new_attempts.setdefault((item.task, item.event), Counts()).add(item.counts)
        self._queues.taken(fact.taken, fact.ended)
        self._queues.told(now)
        for name, lost in self._sinks.take(fact, now).items():
            self._new_losses[name] = self._new_losses.get(name, 0) + lost

    def broker(self, seen: float, error: str) -> None:
        """Note when the broker answered last, and what is wrong since then."""
        self._broker_seen = max(self._broker_seen, seen)
        self._broker_error = error

    def depths(self, depths: Mapping[str, int | None], now: float) -> None:
        """Note how many messages wait, by the queues' names in the file; None: there is no such queue."""
        self._queues.depths(depths, now)

    def look(self, now: float) -> dict[str, dict[str, Finding]]:
        """Return what holds now: rule to subject to finding. What is new then isn't any more."""
        self._count(now)
        found = {
            rule.name: {each.subject: self._owned(rule, each) for each in self._findings(rule, now)}
            for rule in self._alerts.rules
        }
        self._new_attempts, self._new_deaths, self._new_losses = {}, {}, {}
        return found

    def _owned(self, rule: Rule, finding: Finding) -> Finding:
        return replace(finding, owner=rule.owner or self._own.owner(finding))

    def _count(self, now: float) -> None:
        for window in self._attempts.values():
            window.add(now, self._new_attempts)
            window.advance(now)
        for windows, new in ((self._deaths, self._new_deaths), (self._losses, self._new_losses)):
            for numbers in windows.values():
                numbers.add(now, new)
                numbers.advance(now)

    def _findings(self, rule: Rule, now: float) -> Iterable[Finding]:
        if rule.condition in BY_TASK:
            window = self._attempts[rule.window_s]
            return conditions.by_task(rule, window.totals, self._new_attempts)
        if rule.condition in BY_QUEUE:
            return self._queues_of(rule, now)
        if rule.condition == "process_dies":
            totals = self._deaths[rule.window_s].totals
            return conditions.by_number(rule, totals, self._new_deaths, self._how)
        if rule.condition == "spool_overflow":
            totals = self._losses[rule.window_s].totals
            return conditions.by_number(rule, totals, self._new_losses, self._sinks.errors)
        if rule.condition == "sink_away":
            return conditions.by_absence(rule, self._sinks.away_s(now), self._sinks.errors)
        away = {_BROKER: now - self._broker_seen}
        return conditions.by_absence(rule, away, {_BROKER: self._broker_error})

    def _queues_of(self, rule: Rule, now: float) -> Iterable[Finding]:
        if rule.condition == "queue_depth":
            return conditions.by_depth(rule, self._queues.seen(rule.queues or self._own.taken))
        return conditions.by_age(rule, self._queues.ages_s(rule.queues or self._own.run, now))


class _Own:
    """What belongs to whom."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._tasks = {task.name: task.owner for task in pipeline.tasks.values()}
        self._events = {event.name: event.owner for event in pipeline.events.values()}
        #: Queues that this pipeline takes from, and those of them that tasks run from.
        self.taken = tuple(
            {queue.name: None for each in pipeline.consumers.values() for queue in each.queues}
        )
        self.run = tuple({queue.name: None for task in pipeline.tasks.values() for queue in task.queues})
        #: Queue to how many attempts one delivery may be.
        self.a_delivery: dict[str, int] = {}
        for event in pipeline.events.values():
            counts = Counter(item.queue.name for item in event.tasks)
            for queue, count in counts.items():
                self.a_delivery[queue] = max(count, self.a_delivery.get(queue, 1))
        #: Queue to how many messages the processes of a run may hold.
        self.in_hand = {
            queue.name: prefetches(consumer)[queue.broker_name] * consumer.growth * consumer.processes
            for consumer in pipeline.consumers.values()
            for queue in consumer.queues
        }

    def owner(self, finding: Finding) -> str | None:
        return self._tasks.get(finding.subject) or self._events.get(finding.event)


class _Sinks:
    """Which sinks take nothing, and since when."""

    def __init__(self) -> None:
        self._writer = 0
        self._last: dict[str, SinkFacts] = {}
        self._away_since: dict[str, float] = {}
        #: What each said last.
        self.errors: dict[str, str] = {}

    def take(self, told: Told, now: float) -> dict[str, int]:
        """Note how the sinks are; return how many records each has lost since the last time."""
        if told.pid != self._writer:
            # Another writer, which counts from 0.
            self._writer, self._last = told.pid, {}
        lost: dict[str, int] = {}
        for name, facts in told.sinks.items():
            before = self._last.get(name, SinkFacts())
            if facts.lost > before.lost:
                lost[name] = facts.lost - before.lost
            self._last[name] = facts
            if facts.error:
                self.errors[name] = facts.error
            if _gets_on(before, facts):
                self._away_since.pop(name, None)
            else:
                self._away_since.setdefault(name, now)
        return lost

    def away_s(self, now: float) -> dict[str, float]:
        return {name: now - since for name, since in self._away_since.items()}


def _gets_on(before: SinkFacts, now: SinkFacts) -> bool:
    """Return whether a sink works: it has no error, and where something waits, some of it has gone."""
    if now.error:
        return False
    return not (now.waiting or now.spooled) or (now.written, now.sent) != (before.written, before.sent)
