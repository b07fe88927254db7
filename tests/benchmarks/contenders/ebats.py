"""ebats, as it comes: quorum queues, confirms, a record of each attempt."""

from collections.abc import Sequence

from tests.benchmarks.contenders.contender import worked_off
from tests.benchmarks.harness import PIPELINE, Bench

_SEND = """
from tests.benchmarks.work.usage import measured
from ebats import Publisher
with Publisher({file!r}) as publisher:
    publisher.publish_many(({event!r}, {{"n": n}}) for n in range(100))
    with measured():
        publisher.publish_many(({event!r}, {{"n": n}}) for n in range({number} - 100))
"""
#: By kind of work: the event.
_EVENTS = {"noop": "happens"}


class Ebats:
    """The runner."""

    name = "ebats"
    packages = ("ebats",)
    kinds = frozenset(_EVENTS)
    brokers = frozenset({"rabbitmq", "sqlite"})

    def settings(self, kind: str) -> Sequence[str]:
        """Return what stands in the file."""
        return (
            "ebats run pipeline.yaml, consumers: {all: {processes: 2}}",
            "concurrency 8, prefetch as it comes; quorum queues; persistent messages, each confirmed",
            "a log file with a record of each attempt",
        )

    def send(self, bench: Bench, kind: str, number: int) -> dict[str, float]:
        """Publish with `Publisher.publish_many`."""
        bench.python("-m", "ebats", "apply", str(PIPELINE))
        return bench.measured(_SEND.format(file=str(PIPELINE), event=_EVENTS[kind], number=number))

    def execute(self, bench: Bench, kind: str, number: int, broker_pid: int | None) -> dict[str, float]:
        """Run the pipeline."""
        return worked_off(bench, ("-m", "ebats", "run", str(PIPELINE)), number, broker_pid)
