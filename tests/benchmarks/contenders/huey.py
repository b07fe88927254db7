"""huey on SQLite."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.benchmarks.contenders.peer import Peer
from tests.benchmarks.kinds import SLEEP_CONCURRENCY


@dataclass(frozen=True)
class Huey(Peer):
    """Its consumer, with one kind of its workers."""

    #: `process` or `thread`.
    workers: str = "process"
    kinds: frozenset[str] = frozenset({"noop", "cpu", "payload", "three", "retried"})
    speed: float = 0.5
    module = "tests.benchmarks.work.huey_app"
    sender = "tests.benchmarks.work.huey_send"
    packages = ("huey",)
    brokers = frozenset({"sqlite"})

    @property
    def name(self) -> str:
        """With its workers."""
        return "huey, processes" if self.workers == "process" else "huey, threads"

    def settings(self, kind: str) -> Sequence[str]:
        """Return the command and what is set in the app."""
        return (
            f"huey_consumer {' '.join(self.command(kind)[2:])}",
            "SqliteHuey(fsync=False, results=False): nothing is written through to the disk",
            "a message is taken out of the file before its task runs",
        )

    def command(self, kind: str) -> Sequence[str]:
        """Run the consumer."""
        count = SLEEP_CONCURRENCY if kind == "sleep" else 2
        size = ("-w", str(count), "-k", self.workers, "-q")
        # It looks into the file each tenth of a second otherwise, and that alone would be its latency.
        often = ("-d", "0.01") if kind == "latency" else ()
        return ("-m", "huey.bin.huey_consumer", f"{self.module}.huey", *size, *often)
