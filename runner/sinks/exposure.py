"""What a sink may see of a record: how much of payload and result, and which keys stay hidden."""

from collections.abc import Mapping

from msgspec import structs

from ebats.pipelines.model import Task
from ebats.pipelines.sink import Exposure, PayloadMode
from ebats.runner.execution.record import Execution, Record

_HIDDEN: PayloadMode = "none"


class Exposures:
    """What one sink may see, task by task."""

    def __init__(self, exposure: Exposure, tasks: Mapping[str, Task] | None = None) -> None:
        """Go by the sink's settings, and by what `tasks` change about them."""
        self._exposure = exposure
        self._modes = {
            name: task.logs.payload for name, task in (tasks or {}).items() if task.logs.payload is not None
        }
        #: Whether any record of this sink has a payload.
        self.wants_payload = any(mode != _HIDDEN for mode in (exposure.payload, *self._modes.values()))

    def show(self, record: Record) -> Record:
        """Return the record as this sink may have it."""
        if not isinstance(record, Execution):
            return record
        if self._modes.get(record.task, self._exposure.payload) == _HIDDEN:
            return structs.replace(record, payload=None, result=None)
        return record
