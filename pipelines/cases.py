"""The cases of a file's tests: what is published, how tasks answer, what is expected, and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ebats.pipelines.problems import Place

#: As records have it; `postponed` is the turn of an HTTP task whose host was down or had its hands full.
RunOutcome = Literal["success", "retry", "postponed", "dead"]

#: `event`: its name is in `event`; `reply`: the queue is; `task`: the task is, of `context.run_task`.
PublishedKind = Literal["event", "reply", "task"]


@dataclass(frozen=True, slots=True)
class Anything:
    """Stands where an expectation says nothing: every value will do."""


ANY = Anything()


@dataclass(frozen=True, slots=True, kw_only=True)
class Containing:
    """Stands where a payload is expected to have at least something: further keys of its mappings will do."""

    payload: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseMessage:
    """A message that a case publishes: to an event, a task, a queue, or an exchange with a key."""

    event: str | None = None
    task: str | None = None
    queue: str | None = None
    exchange: str | None = None
    key: str | None = None
    body: bytes = b"{}"
    id: str | None = None
    headers: Mapping[str, Any] = field(default_factory=dict)
    #: Of AMQP, by their names: `reply_to`, `correlation_id`, `content_type`, `expiration`.
    properties: Mapping[str, Any] = field(default_factory=dict)
    delay_ms: int = 0
    #: When it is published, on the case's clock.
    at_ms: int = 0
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How one attempt of a task ends. Exactly one of `real`, `raises`, `status`; else it returns."""

    #: What it returns; None is good too.
    returns: Any = None
    #: `Retry`, `Reject`, or any other exception's name.
    raises: str | None = None
    text: str = ""
    #: Of `Retry`.
    after_ms: int | None = None
    #: Of HTTP callbacks.
    status: int | None = None
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    #: The function that the file names is called.
    real: bool = False
    #: How long the attempt takes, on the case's clock.
    takes_ms: int = 0


#: Of a task that a case says nothing of.
NOTHING = Answer()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedRun:
    """An attempt that is expected."""

    task: str
    event: str | Anything | None = ANY
    at_ms: int | Anything = ANY
    attempt: int | Anything = ANY
    outcome: RunOutcome | Anything = ANY
    queue: str | Anything = ANY
    #: Or ANY, or `Containing`; so are the other two's.
    payload: Any = ANY
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedMessage:
    """A message that tasks are expected to publish: by `then`, `on_dead`, `reply_to` or `context.publish`."""

    kind: PublishedKind | Anything = ANY
    #: Or what else it names, by its kind.
    event: str | Anything = ANY
    at_ms: int | Anything = ANY
    payload: Any = ANY
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedDeath:
    """A dead letter that is expected."""

    task: str | Anything | None = ANY
    event: str | Anything | None = ANY
    at_ms: int | Anything = ANY
    reason: str | Anything = ANY
    attempts: int | Anything = ANY
    payload: Any = ANY
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What a case expects; None: nothing is said of it. A list is of all that there is, in order of time."""

    runs: tuple[ExpectedRun, ...] | None = None
    published: tuple[ExpectedMessage, ...] | None = None
    dead: tuple[ExpectedDeath, ...] | None = None
    #: Of `runs`, `published` and `dead`, where they are expected: the list's.
    places: Mapping[str, Place] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One case."""

    name: str
    messages: tuple[CaseMessage, ...]
    #: By task, for its attempts one after another; the last one stays. A task that isn't there returns None.
    answers: Mapping[str, tuple[Answer, ...]] = field(default_factory=dict)
    expect: Expectation
    place: Place

    def answer(self, task: str, attempt: int) -> Answer:
        """Return how an attempt of a task ends, by its number from 1."""
        answers = self.answers.get(task) or (NOTHING,)
        return answers[min(attempt, len(answers)) - 1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """An attempt that was made."""

    id: str
    task: str
    event: str | None
    queue: str
    at_ms: int
    attempt: int
    outcome: RunOutcome
    #: As it was decoded; the body's text where it couldn't be.
    payload: Any
    #: The exception's class and its text: `ValueError: no such order`.
    error: str = ""
    #: Why it is dead, in one word.
    reason: str = ""
    #: Where it was raised.
    traceback: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedMessage:
    """A message that tasks published."""

    id: str
    #: `event`: its name is in `event`; `reply`: the queue is; `task`: the task is, of `context.run_task`.
    kind: Literal["event", "reply", "task"] = "event"
    event: str
    at_ms: int
    payload: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Death:
    """A dead letter."""

    id: str
    task: str | None
    event: str | None
    at_ms: int
    reason: str
    #: How many were made; 0: none.
    attempts: int
    payload: Any
    #: As in `Run`.
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """What came of a case, each in order of time."""

    runs: tuple[Run, ...]
    published: tuple[PublishedMessage, ...]
    dead: tuple[Death, ...]
    #: Still waiting when the clock was stopped: where, and how many.
    waiting: Mapping[str, int] = field(default_factory=dict)
    #: Why it was stopped, though there was more to come; empty: nothing was.
    stopped: str = ""
