"""The place of the alerter in a run, and what its parent tells it: nothing depends on it."""

import socket
from collections import deque

from ebats.pipelines.model import Pipeline
from ebats.pipelines.plan import ProcessSpec
from ebats.runner.alerts.facts import Died, send
from ebats.runner.child import Child
from ebats.runner.endings import how_it_ended
from ebats.runner.execution.outbox import open_channel
from ebats.runner.slot import Slot

#: Deaths that wait to be told, while it is away itself.
_MOST_DEATHS = 1_000
#: In which it looks a last time, and sends what there is.
_ENDS_S = 10.0


class AlerterSlot(Slot):
    """The slot of the alerter: empty where the file has no alerts."""

    def __init__(self, pipeline: Pipeline) -> None:
        super().__init__(ProcessSpec(role="alerter", name="alerter", pipeline=pipeline))
        self.finished = pipeline.alerts is None
        # Both ends stay here: what was sent while it is being replaced waits in the kernel.
        self._ends = None if self.finished else open_channel()
        self._deaths: deque[Died] = deque(maxlen=_MOST_DEATHS)

    def facts_of(self, spec: ProcessSpec) -> socket.socket | None:
        """Return the end of the facts' way that a process gets, if any."""
        if self._ends is None or spec.role not in ("writer", "alerter"):
            return None
        return self._ends[0 if spec.role == "writer" else 1]

    def note_death(self, child: Child, code: int) -> None:
        """Tell of the death of a process, as soon as the alerter takes it."""
        if self._ends:
            self._deaths.append(Died(process=child.spec.name, how=how_it_ended(code), pid=child.pid))
            self.tell_deaths()

    def tell_deaths(self) -> None:
        """Tell what couldn't be told yet."""
        while self._ends and self._deaths and send(self._ends[0], self._deaths[0]):
            self._deaths.popleft()

    def end(self) -> None:
        """Let it tell the last things, and leave; close its way."""
        if child := self.child:
            child.say("stop")
            if child.wait(_ENDS_S) is None:
                child.kill()
                child.wait(_ENDS_S)
            child.close()
            self.child = None
        for end in self._ends or ():
            end.close()
        self._ends = None
