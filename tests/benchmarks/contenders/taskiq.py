"""Taskiq on RabbitMQ by taskiq-aio-pika, with uvloop."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.benchmarks.contenders.peer import Peer
from tests.benchmarks.kinds import SLEEP_CONCURRENCY


@dataclass(frozen=True)
class Taskiq(Peer):
    """Its worker processes."""

    name: str = "Taskiq"
    kinds: frozenset[str] = frozenset({"noop", "cpu", "sleep", "payload", "three", "retried"})
    speed: float = 0.6
    module = "tests.benchmarks.work.taskiq_app"
    packages = ("taskiq", "taskiq-aio-pika", "aio-pika", "uvloop")

    def settings(self, kind: str) -> Sequence[str]:
        """Return the command and what is set in the app."""
        return (
            f"taskiq {' '.join(self.command(kind)[2:])}; coroutines, uvloop",
            f"qos={_at_once(kind)}, no result backend",
            "quorum queue, as it comes; persistent messages, each confirmed, 100 publishes at once",
        )

    def variables(self, kind: str) -> Mapping[str, str]:
        """Tell the app how many messages a process gets at once."""
        return {"EBATS_BENCH_PREFETCH": str(_at_once(kind))}

    def command(self, kind: str) -> Sequence[str]:
        """Run the processes; no pydantic, for the others check no types either."""
        workers = 1 if kind == "sleep" else 2
        limits = ("--workers", str(workers), "--max-async-tasks", str(_at_once(kind)))
        how = ("--ack-type", "when_executed", "--no-parse", "--log-level", "ERROR")
        return ("-m", "taskiq", "worker", f"{self.module}:broker", *limits, *how)


def _at_once(kind: str) -> int:
    return SLEEP_CONCURRENCY if kind == "sleep" else 100
