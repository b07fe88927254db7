"""Dramatiq on RabbitMQ."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.benchmarks.contenders.peer import Peer
from tests.benchmarks.kinds import SLEEP_CONCURRENCY

#: It comes with twice the threads, which costs it a third more processor time for tasks that do nothing.
PREFETCH = 128


@dataclass(frozen=True)
class Dramatiq(Peer):
    """Its worker processes, with 8 threads each as it comes."""

    name: str = "Dramatiq"
    kinds: frozenset[str] = frozenset({"noop", "cpu", "sleep", "payload", "three", "retried"})
    speed: float = 1.0
    module = "tests.benchmarks.work.dramatiq_app"
    packages = ("dramatiq", "pika")

    def settings(self, kind: str) -> Sequence[str]:
        """Return the command."""
        return (
            f"dramatiq {' '.join(self.command(kind)[2:])}",
            f"dramatiq_queue_prefetch={PREFETCH}; acknowledged after the work, as it always is",
            "durable classic queue, persistent messages; publishing isn't confirmed",
        )

    def variables(self, kind: str) -> Mapping[str, str]:
        """Let each process take more at once."""
        return {"dramatiq_queue_prefetch": str(PREFETCH)}

    def command(self, kind: str) -> Sequence[str]:
        """Run the processes."""
        size = (1, SLEEP_CONCURRENCY) if kind == "sleep" else (2, 8)
        return ("-m", "dramatiq", self.module, "-p", str(size[0]), "-t", str(size[1]))
