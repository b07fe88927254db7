"""Which records are meant: by task, event, outcome, id, label, level and time."""

from dataclasses import dataclass, field

from ebats.pipelines.sink import Level
from ebats.runner.execution.record import WEIGHTS, Execution, Outcome, Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What a record has to be; an empty set and None say nothing."""

    #: Its name: several may share a file or a data stream.
    pipeline: str
    tasks: frozenset[str] = frozenset()
    events: frozenset[str] = frozenset()
    outcomes: frozenset[Outcome] = frozenset()
    ids: frozenset[str] = frozenset()
    #: By a label's name, the values of which it has to have one.
    labels: dict[str, frozenset[str]] = field(default_factory=dict)
    #: Of this moment or later, and before that one: Unix times in seconds.
    since: float | None = None
    until: float | None = None
    #: The least serious ones.
    level: Level | None = None
    #: How many, the newest; None: all.
    limit: int | None = None

    @property
    def is_about_executions(self) -> bool:
        """Whether lines of logs can't be meant: they have neither event, nor outcome, nor labels."""
        return bool(self.events or self.outcomes or self.labels)

    def has(self, record: Record) -> bool:
        """Return whether a record is meant, whatever the limit."""
        return (
            record.pipeline == self.pipeline
            and (not self.ids or record.id in self.ids)
            and (not self.tasks or record.task in self.tasks)
            and (self.level is None or WEIGHTS[record.level] >= WEIGHTS[self.level])
            and (self.since is None or record.time.timestamp() >= self.since)
            and (self.until is None or record.time.timestamp() < self.until)
            and (not self.is_about_executions or (isinstance(record, Execution) and self._has(record)))
        )

    def _has(self, record: Execution) -> bool:
        labels = record.labels or {}
        return (
            (not self.events or record.event in self.events)
            and (not self.outcomes or record.outcome in self.outcomes)
            and all(labels.get(name) in values for name, values in self.labels.items())
        )
