"""A loop over py-amqp, the client that ebats has beneath it: what Python and the broker can do at most."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.benchmarks.contenders.peer import Peer


@dataclass(frozen=True)
class Bare(Peer):
    """Two processes of one thread each; nothing is retried, recorded or looked after."""

    #: How many messages are acknowledged at once.
    batch: int = 1
    kinds: frozenset[str] = frozenset({"noop", "payload"})
    speed: float = 2.0
    module = "tests.benchmarks.work.amqp_app"
    packages = ("amqp",)

    @property
    def name(self) -> str:
        """With how it acknowledges."""
        return "py-amqp, an ack each" if self.batch == 1 else f"py-amqp, an ack for {self.batch}"

    def settings(self, kind: str) -> Sequence[str]:
        """Return what the loop does."""
        return (
            "two processes, each: drain_events, json.loads, the task",
            f"prefetch {max(100, 4 * self.batch)}, basic_ack for each {self.batch} after the work",
            "durable classic queue, persistent messages; publishing isn't confirmed",
        )

    def command(self, kind: str) -> Sequence[str]:
        """Run the loops."""
        return ("-m", self.module, "consume", kind, str(self.batch), "2")
