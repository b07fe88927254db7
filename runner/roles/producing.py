"""What every producer's process has: a way to the broker, counters, and a line to its parent."""

import threading
import time
from collections import Counter
from typing import Any

from ebats.pipelines.plan import ProcessSpec
from ebats.runner.broker.publish import Publisher
from ebats.runner.execution.journal import Journal
from ebats.runner.roles.outlet import TaskOutlet
from ebats.runner.roles.parent import Parent

_STATUS_S = 1.0
#: For the last confirms.
_FLUSH_S = 10.0
#: A child without a parent leaves within the 10 s that are promised.
_ORPHAN_FLUSH_S = 1.5


class Reporting:
    """The counters of a process that publishes, and how the parent gets to know them."""

    def __init__(self, spec: ProcessSpec, journal: Journal, parent: Parent) -> None:
        """Report on a process to its parent."""
        self.pipeline = spec.pipeline
        self.journal = journal
        self.parent = parent
        #: Of what it publishes, to tell the parent; any thread may raise one by `count`.
        self.counts: Counter[str] = Counter()
        #: What else there is to know of this process, for `ebats status`: anything that JSON can hold.
        self.about: dict[str, Any] = {}
        #: Something is still to be published before the run may be taken for idle.
        self.is_busy = False
        self._lock = threading.Lock()
        self._told_at = 0.0

    @property
    def stopping(self) -> bool:
        """Whether this process is to leave: it was asked to, or its parent is gone."""
        return self.parent.stop or self.parent.gone

    def count(self, what: str, by: int = 1) -> None:
        """Raise a counter."""
        with self._lock:
            self.counts[what] += by

    def attend(self, timeout_s: float) -> None:
        """Listen to the parent for at most so long, and tell it how things are about once a second."""
        words = self.parent.listen(timeout_s)
        now = time.monotonic()
        if "report" in words or now - self._told_at >= _STATUS_S:
            self._told_at = now
            self.tell()

    def tell(self) -> None:
        """Tell the parent how things are."""
        with self._lock:
            status = {**self.counts, "in_hand": 1 if self.is_busy else 0}
        self.parent.tell(status=status, about=self.about)

    def say(self, level: str, text: str) -> None:
        """Write a line into the log, at the level of this name."""
        getattr(self.journal.log, level)(text)


class Producing(Reporting):
    """Publishes for one producer; its thread and connection are its process's own."""

    def __init__(self, spec: ProcessSpec, journal: Journal, parent: Parent) -> None:
        """Begin to connect."""
        super().__init__(spec, journal, parent)
        self.publisher = Publisher(spec.pipeline.broker, self.say)
        self.outlet = TaskOutlet(spec.pipeline, self.publisher, self.count)
        self.publisher.start()

    def attend(self, timeout_s: float) -> None:
        """Listen to the parent for at most so long, and tell it how things are about once a second.

        Raises:
            Exception: what ended the publishing thread.
        """
        super().attend(timeout_s)
        if failure := self.publisher.failure:
            raise failure

    def finish(self, why: str = "stop") -> None:
        """Wait for the last confirms; `why` this process leaves: `plan.FINISHED` for good."""
        self.parent.tell(leaving=why)
        if not self.publisher.close(_ORPHAN_FLUSH_S if self.parent.gone else _FLUSH_S):
            self.journal.log.warning("the broker didn't confirm the last messages: they may be there, or not")
        self.is_busy = False
        self.tell()
