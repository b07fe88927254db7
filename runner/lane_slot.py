"""The place of the lane in a run: when it is wanted, and during which messages it died."""

from typing import Any

from ebats.pipelines.former import NEVER_CHANGED
from ebats.pipelines.model import Pipeline
from ebats.pipelines.plan import ProcessSpec
from ebats.runner.child import Child
from ebats.runner.endings import how_it_ended
from ebats.runner.slot import Slot

_PAUSE_S = 0.2
#: Where another runner's lane gets a message, this one never hears how it ended.
_MOST_CRASHED = 1_000


class LaneSlot(Slot):
    """The slot of the lane: empty while there are no suspects."""

    def __init__(self, pipeline: Pipeline) -> None:
        super().__init__(ProcessSpec(role="lane", name="lane", pipeline=pipeline))
        self._pipeline = pipeline
        #: What left the file.
        self.former = NEVER_CHANGED
        #: There is, or may be, work for the lane.
        self.wanted = False
        #: During which runs it died, each once, until a lane has counted it.
        self._crashed: dict[str, None] = {}

    def is_due(self, now: float) -> bool:
        """Return whether the lane is to start now."""
        return self.wanted and self.child is None and now >= self.next_start

    def begin(self) -> None:
        """Prepare the next lane: it is told during which runs the ones before it died."""
        self.wanted = False
        self.spec = ProcessSpec(
            role="lane",
            name="lane",
            pipeline=self._pipeline,
            former=self.former,
            crashed=tuple(self._crashed),
        )

    def hear(self, words: dict[str, Any]) -> None:
        """Take what any process told: a suspect on its way, or a crash that a lane has counted."""
        if "suspect" in words:
            self.wanted = True
        if "counted" in words:
            self._crashed.pop(words["counted"], None)

    def ended(self, child: Child, code: int, now: float) -> str | None:
        """Note how the lane's process ended; return what to say of it, if anything."""
        if child.leaving and code == 0:
            self.left(now)
            # A task hung, and cost the process: perhaps there are more suspects.
            self.wanted = self.wanted or child.leaving == "timeout"
            return None
        self.wanted = True
        text = f"the lane (pid {child.pid}) died: {how_it_ended(code)}"
        if child.at_work is None:
            self.died(child, now)
            return text
        self.next_start = now + _PAUSE_S
        self._crashed[child.at_work] = None
        if len(self._crashed) > _MOST_CRASHED:
            del self._crashed[next(iter(self._crashed))]
        return f"{text}, while it ran {child.at_work}"
