"""The place of one process in a run: who is in it, and when the next one may start."""

from dataclasses import dataclass, field
from typing import Any

from ebats.pipelines.plan import ProcessSpec
from ebats.pipelines.problems import EbatsError
from ebats.runner.child import Child

#: So many deaths in a row, with nothing done in between, end the run.
MOST_DEATHS = 10
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 30.0
#: A process that has lived so long has got somewhere.
_GOT_SOMEWHERE_S = 10.0


class RunFailed(EbatsError):
    """Raised when a run can't go on: a process that dies again and again."""


class RunUnusable(RunFailed):
    """Raised when a process has found that no other would do better: the embedded broker's file is wrong."""

    exit_code = 78


@dataclass(slots=True)
class Slot:
    """One process of the plan, over all its lives."""

    spec: ProcessSpec
    child: Child | None = None
    #: In a row, without progress.
    deaths: int = 0
    #: On the monotonic clock.
    next_start: float = 0.0
    #: It has done all that it was there for: nobody follows.
    finished: bool = False
    #: What the one that finished said last about itself.
    last_words: dict[str, Any] = field(default_factory=dict)
    #: Why the one that died can't use what it needs, where no waiting helps.
    unusable: str | None = None

    def died(self, child: Child, now: float) -> None:
        """Note that the process died: the next one waits the longer the less this one has done."""
        made_progress = child.got_somewhere or now - child.started_at > _GOT_SOMEWHERE_S
        self.unusable = child.unusable
        self.deaths = 1 if made_progress else self.deaths + 1
        self.next_start = now + min(_FIRST_PAUSE_S * 2 ** (self.deaths - 1), _LONGEST_PAUSE_S)

    def left(self, now: float) -> None:
        """Note that the process left as it should: the next one may start at once."""
        self.deaths = 0
        self.next_start = now

    def check_deaths(self) -> None:
        """Raise RunFailed when the process has died too often in a row, or no other would do better."""
        if self.unusable:
            raise RunUnusable(self.unusable)
        if self.deaths >= MOST_DEATHS:
            often = f"{self.deaths} times in a row"
            raise RunFailed(f"{self.spec.name} died {often} without getting anything done: see the log")
