"""FastStream on RabbitMQ, with uvloop."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.benchmarks.contenders.peer import Peer


@dataclass(frozen=True)
class FastStream(Peer):
    """Its workers. It has no retries that wait."""

    name: str = "FastStream"
    kinds: frozenset[str] = frozenset({"noop", "cpu", "sleep", "payload", "three"})
    speed: float = 0.6
    module = "tests.benchmarks.work.faststream_app"
    packages = ("faststream", "aio-pika", "uvloop")

    def settings(self, kind: str) -> Sequence[str]:
        """Return the command and what is set in the app."""
        return (
            f"faststream {' '.join(self.command(kind)[2:])}; coroutines, uvloop",
            f"Channel(prefetch_count={50 if kind == 'sleep' else 100}), logger=None, NACK_ON_ERROR: "
            "acknowledged after the work",
            "durable classic queue, persistent messages, each confirmed, 100 publishes at once",
        )

    def command(self, kind: str) -> Sequence[str]:
        """Run the workers."""
        workers = "1" if kind == "sleep" else "2"
        return ("-m", "faststream", "run", f"{self.module}:app", "--workers", workers)
