"""Looks at the broker, on a thread of its own: whether it answers, and how many messages wait."""

import threading
import time
from collections.abc import Mapping

from ebats.pipelines.model import Pipeline
from ebats.runner.broker.connect import BROKER_ERRORS, BrokerUnusable
from ebats.runner.broker.inspect import Inspector
from ebats.runner.broker.leading import Leading

_EVERY_S = 1.0
#: Of many queues it takes longer: looking is to be a small part of the time.
_SHARE = 10.0
#: A lock that was held may seem to be so for a moment after its holder has died.
_PATIENCE_S = 3.0
_UNUSABLE_S = 5.0
_ENDS_S = 2.0


class BrokerWatch:
    """What was seen last: read by another thread."""

    def __init__(self, pipeline: Pipeline, *, with_queues: bool) -> None:
        """Watch the broker of a pipeline, and with its queues compete for being the one who tells of them."""
        self._pipeline = pipeline
        self._names = {queue.broker_name: queue.name for queue in pipeline.queues.values()}
        self._stopped = threading.Event()
        self._lead = self._leading() if with_queues else None
        self._refused_at: float | None = None
        #: Whether this runner tells of the queues; None: not known now.
        self.leads: bool | None = None
        #: When it answered last, a Unix time in seconds, and what is wrong since.
        self.seen = time.time()
        self.error = ""
        #: Queue to ready messages, since the last look; None: there was none.
        self.depths: Mapping[str, int | None] | None = None
        self._thread = threading.Thread(target=self._run, name="broker", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Let go of the broker; one that hangs is left behind."""
        self._stopped.set()
        if self._lead:
            self._lead.wake()
        self._thread.join(_ENDS_S)

    def _leading(self) -> Leading:
        return Leading(self._pipeline.broker, self._pipeline.on_broker("lock.alerts"), self._say)

    def _say(self, _level: str, text: str) -> None:
        # The log has it from the processes that work; here it is what an alert says.
        self.error = text.rpartition("can't be reached: ")[2].removesuffix("; trying on")

    def _run(self) -> None:
        inspector = Inspector(self._pipeline.broker, self._say, self._stopped.is_set)
        while not self._stopped.is_set():
            try:
                self._look(inspector)
            except BrokerUnusable as error:
                self.error, self.leads = str(error), None
                self._stopped.wait(_UNUSABLE_S)
            except BROKER_ERRORS as error:
                self.leads = None
                self._recover(error)
        inspector.close()
        if self._lead:
            self._lead.close()

    def _recover(self, error: BaseException) -> None:
        self.error = str(error) or type(error).__name__
        if self._lead:
            try:
                self._lead.failed(error)
            except BrokerUnusable:
                self._stopped.wait(_UNUSABLE_S)

    def _look(self, inspector: Inspector) -> None:
        """Look again and again, until something fails."""
        if self._lead and not self._lead.open(self._stopped.is_set):
            return
        while not self._stopped.is_set():
            began = time.monotonic()
            if self._lead and not self.leads:
                self._follow(self._lead)
            # Without queues to tell of, one that always is there.
            names = list(self._names) if self.leads else [self._pipeline.queue_on_broker("dead")]
            found = inspector.counts(names)
            if self._stopped.is_set():
                return
            self.seen, self.error = time.time(), ""
            if self.leads:
                self.depths = {self._names[name]: count for name, count in found.items()}
            self._pause(max(_EVERY_S, _SHARE * (time.monotonic() - began)))

    def _follow(self, lead: Leading) -> None:
        if lead.try_lock():
            self.leads, self._refused_at = True, None
        elif self._refused_at is None:
            self._refused_at = time.monotonic()
        elif time.monotonic() - self._refused_at > _PATIENCE_S:
            self.leads = False

    def _pause(self, seconds: float) -> None:
        if not self._lead:
            self._stopped.wait(seconds)
            return
        until = time.monotonic() + seconds
        # It returns at once when something has arrived.
        while (left := until - time.monotonic()) > 0 and not self._stopped.is_set():
            self._lead.wait(left)
