"""What the contenders in Python have in common: a module of `work` publishes, a command works off."""

from collections.abc import Mapping, Sequence

from tests.benchmarks.contenders.contender import worked_off
from tests.benchmarks.harness import Bench
from tests.benchmarks.work.messages import tasks_of


class Peer:
    """A contender whose module publishes as `python -m MODULE KIND NUMBER`."""

    module: str
    #: What publishes, where it is another module.
    sender = ""
    packages: Sequence[str]
    brokers = frozenset({"rabbitmq"})

    def send(self, bench: Bench, kind: str, number: int) -> dict[str, float]:
        """Publish with what the contender has for it, over one connection that is kept."""
        bench.variables |= {"EBATS_BENCH_KIND": kind, **self.variables(kind)}
        return bench.printed("-m", self.sender or self.module, kind, str(number))

    def execute(self, bench: Bench, kind: str, number: int, broker_pid: int | None) -> dict[str, float]:
        """Run a worker."""
        return worked_off(bench, self.command(kind), number * len(tasks_of(kind)), broker_pid)

    def variables(self, kind: str) -> Mapping[str, str]:
        """Return what the processes find in their environment."""
        return {}

    def command(self, kind: str) -> Sequence[str]:
        """Return the worker's command line, after `python`."""
        raise NotImplementedError
