"""Which dead letters are meant: by task, event, reason, id and age."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import get_args

from ebats.pipelines.ladder import parse_duration
from ebats.pipelines.model import Pipeline
from ebats.pipelines.suggestion import suggest
from ebats.runner.execution.letter import UNROUTED, Letter
from ebats.runner.execution.outcome import Reason

#: All reasons there are; the last is the broker's (https://www.rabbitmq.com/docs/dlx).
_REASONS = (*get_args(Reason), UNROUTED, "delivery_limit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What a letter has to be; an empty set and None say nothing."""

    tasks: frozenset[str] = frozenset()
    events: frozenset[str] = frozenset()
    reasons: frozenset[str] = frozenset()
    ids: frozenset[str] = frozenset()
    #: Died at this moment or later, and before that one: Unix times in seconds. A letter that doesn't tell
    #: when it died is in neither.
    since: float | None = None
    before: float | None = None
    #: How many, the first in the queue.
    limit: int | None = None

    def is_all(self) -> bool:
        """Return whether every letter is meant."""
        return self == Selection(limit=self.limit)

    def has(self, letter: Letter) -> bool:
        """Return whether a letter is meant, whatever the limit."""
        return (
            _is_in(letter.task, self.tasks)
            and _is_in(letter.event, self.events)
            and _is_in(letter.reason, self.reasons)
            and _is_in(letter.id, self.ids)
            and (self.since is None or (letter.died is not None and letter.died >= self.since))
            and (self.before is None or (letter.died is not None and letter.died < self.before))
        )

    def is_full(self, count: int) -> bool:
        """Return whether so many are enough."""
        return self.limit is not None and count >= self.limit


@dataclass(slots=True)
class Names:
    """The names that letters have: what neither they nor the file has is misspelt."""

    tasks: set[str | None] = field(default_factory=set)
    events: set[str | None] = field(default_factory=set)
    reasons: set[str | None] = field(default_factory=set)

    def add(self, letter: Letter) -> None:
        """Note what a letter is called by."""
        self.tasks.add(letter.task)
        self.events.add(letter.event)
        self.reasons.add(letter.reason)

    def problems(self, selection: Selection, pipeline: Pipeline) -> Iterator[str]:
        """Yield a text for each name of a selection that nobody knows."""
        for kind, wanted, seen, known in (
            ("task", selection.tasks, self.tasks, pipeline.tasks),
            ("event", selection.events, self.events, pipeline.events),
            ("reason", selection.reasons, self.reasons, _REASONS),
        ):
            names = dict.fromkeys([*known, *sorted(name for name in seen if name)])
            for name in sorted(wanted - names.keys()):
                hint = suggest(name, names)
                yield f"there is no {kind} {name!r}" + (f"; {hint}" if hint else "")


def _is_in(value: str | None, wanted: frozenset[str]) -> bool:
    return not wanted or value in wanted


def moment(text: str, now: Callable[[], float]) -> float:
    """Return the Unix time of `2h` (so long ago) or of an ISO time, which is UTC if it doesn't say.

    Raises:
        ValueError: it is neither.
    """
    try:
        return now() - parse_duration(text) / 1000
    except ValueError:
        pass
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        example = "write how long ago, such as 2h, or a time, such as 2026-01-31T12:00:00Z"
        raise ValueError(f"{text!r} is no time: {example}") from None
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
