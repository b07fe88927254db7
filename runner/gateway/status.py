"""What a gateway's process has done: the counters that its senders and `ebats status` see."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

#: Requests that were to publish, and messages of them.
COUNTERS = ("send_success", "send_error", "req_success", "req_error")


class Status:
    """Since when this process runs, and what it has counted."""

    def __init__(self, counts: Mapping[str, int]) -> None:
        """Show `counts`, which others raise."""
        self._counts = counts
        self._start = datetime.now(UTC)

    def document(self) -> dict[str, Any]:
        """Return the state of this moment, as JSON can hold it."""
        counters = {name: self._counts.get(name, 0) for name in COUNTERS}
        return {"start": self._start.isoformat(timespec="seconds"), "pid": os.getpid(), **counters}
