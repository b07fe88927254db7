"""Publishing from tasks: over the connection that their process publishes with anyway."""

from collections.abc import Callable

from ebats.pipelines.model import Pipeline
from ebats.pipelines.topology import exchange_of, rung_name, shared_delays_ms
from ebats.pipelines.wiring import wire
from ebats.runner.broker.confirming import Sending
from ebats.runner.execution.schemas import Schemas
from ebats.runner.execution.settle import Outgoing
from ebats.runner.publishing.flight import Sends
from ebats.runner.publishing.names import ByFile
from ebats.runner.publishing.outlet import Outlet

#: How long a message may wait for its confirm, as with `ebats.Publisher`.
_TIMEOUT_S = 30.0


class TaskOutlet(Outlet):
    """What `context.publish` and its like publish by."""

    _timeout_s = _TIMEOUT_S

    def __init__(
        self, pipeline: Pipeline, sender: Sends, count: Callable[[str], None], schemas: Schemas | None = None
    ) -> None:
        """Publish by `sender`; `count` is told of what goes to rungs, as the settler counts it.

        `schemas`: what the process checks payloads by anyway.
        """
        self._schemas = schemas or Schemas(pipeline)
        self._names = ByFile(pipeline.name, wire(pipeline))
        self._counting = CountingSender(pipeline, sender, count)

    def _sender(self) -> Sends:
        return self._counting

    def _is_ready(self) -> bool:
        return True


class CountingSender:
    """Counts what goes to rungs before it is sent."""

    def __init__(self, pipeline: Pipeline, sender: Sends, count: Callable[[str], None]) -> None:
        """Send by `sender`, and count by `count`."""
        self._sender = sender
        self._rungs = Rungs(pipeline, count)
        self.withdraw = sender.withdraw

    def put(self, sending: Sending) -> None:
        """Send a message, counted."""
        self._rungs.note(sending.outgoing)
        self._sender.put(sending)


class Rungs:
    """Counts what goes to rungs: a run that is to end when it is idle waits for it.

    What isn't confirmed stays counted, for it may be there.
    """

    def __init__(self, pipeline: Pipeline, count: Callable[[str], None]) -> None:
        """Count by `count`, as the settler does."""
        self._count = count
        self._rungs = {rung_name(pipeline, delay_ms) for delay_ms in shared_delays_ms(pipeline)}
        self._delayed = {
            (exchange_of(pipeline, event), key): sum(1 for item in event.tasks if item.delay_ms)
            for event in pipeline.events.values()
            for key in event.keys
        }

    def note(self, outgoing: Outgoing) -> None:
        """Count a message that is about to be sent, if it goes to a rung."""
        if outgoing.exchange in self._rungs:
            self._count("to_rungs")
        for _ in range(self._delayed.get((outgoing.exchange, outgoing.key), 0)):
            self._count("to_event_rungs")
