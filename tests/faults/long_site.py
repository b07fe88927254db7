"""A pipeline of tasks of hours, in seconds, and what a test asks of its leases."""

import time
from collections.abc import Callable
from typing import Any

from tests.faults.site import Site
from tests.waiting import wait_until

#: After so long the broker takes back what isn't acknowledged.
LIMIT_S = 6


class LongSite(Site):
    """A site whose broker takes messages back early, and whose file says so."""

    #: Gives the names of the broker's queues.
    list_queues: Callable[[], list[str]]

    def write_long(
        self, tasks: dict[str, Any] | None = None, limit: str = f"{LIMIT_S}s", **more: Any
    ) -> None:
        """Write a file with a long task, or several, on one queue."""
        tasks = tasks or {"work": {}}
        definitions = {
            name: {"python": f"tasks:{name}", "queue": "long", "timeout": "none", **options}
            for name, options in tasks.items()
        }
        more.setdefault("consumers", {"all": {"concurrency": 4}})
        self.write(
            broker={"url": self.url, "consumer_timeout": limit},
            queues={"long": {"crashes": 1}},
            tasks=definitions,
            events={"happened": {"tasks": list(definitions)}},
            **more,
        )

    def leases(self) -> list[str]:
        """Return the names of the lease queues that are there."""
        return [name for name in self.list_queues() if name.startswith(f"{self.name}.lease.")]

    def wait_parked(self, count: int = 1) -> None:
        """Wait until so many messages are parked, and nothing else holds them."""
        wait_until(lambda: len(self.leases()) >= count, 15, "no lease queue", every_s=0.05)
        # The delivery is acknowledged when the copy is confirmed.
        time.sleep(0.3)

    def wait_no_leases(self) -> None:
        """Wait until the last lease queue is deleted."""
        wait_until(lambda: not self.leases(), 15, lambda: f"left behind: {self.leases()}")
