"""FastStream on RabbitMQ, with uvloop."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.benchmarks.contenders.peer import Peer
from tests.benchmarks.kinds import SLEEP_CONCURRENCY


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
            f"Channel(prefetch_count={_at_once(kind)}), logger=None, NACK_ON_ERROR: "
            "acknowledged after the work",
            "durable classic queue, persistent messages, each confirmed, 100 publishes at once",
        )

    def variables(self, kind: str) -> Mapping[str, str]:
        """Tell the app how many messages a process gets at once."""
        return {"EBATS_BENCH_PREFETCH": str(_at_once(kind))}

    def command(self, kind: str) -> Sequence[str]:
        """Run the workers."""
        workers = "1" if kind == "sleep" else "2"
        return ("-m", "faststream", "run", f"{self.module}:app", "--workers", workers)


def _at_once(kind: str) -> int:
    return SLEEP_CONCURRENCY if kind == "sleep" else 100
