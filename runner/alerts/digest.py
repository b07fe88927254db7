"""What was done since the last digest, by task; when the next one is due. Pure."""

from collections.abc import Iterable

import msgspec

from ebats.pipelines import cron
from ebats.runner.alerts.conditions import NO_TASK
from ebats.runner.alerts.facts import TaskCounts
from ebats.runner.alerts.histogram import quantile
from ebats.runner.alerts.wording import Row


class TaskDay(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The counts of one task."""

    executions: int = 0
    retries: int = 0
    dead: int = 0
    times: dict[int, int] = {}


class Day(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The counts of all tasks since a moment, a Unix time in seconds."""

    since: float
    tasks: dict[str, TaskDay] = {}

    def add(self, items: Iterable[TaskCounts]) -> None:
        """Count what was done."""
        for item in items:
            day = self.tasks.setdefault(item.task or NO_TASK, TaskDay())
            day.executions += item.counts.executions
            day.retries += item.counts.retries
            day.dead += item.counts.dead
            for number, count in item.counts.times.items():
                day.times[number] = day.times.get(number, 0) + count

    def rows(self) -> list[Row]:
        """Return a row for each task that did anything."""
        return [
            Row(
                task=task,
                executions=day.executions,
                retries=day.retries,
                dead=day.dead,
                p95_s=quantile(day.times, 0.95),
            )
            for task, day in self.tasks.items()
        ]

    def is_due(self, line: str, zone: str, now: float) -> bool:
        """Return whether a cron line has fired since the day began, in a time zone, an IANA name."""
        fires_ms = cron.after(line, zone, int(self.since * 1000))
        return fires_ms is not None and fires_ms <= now * 1000
