"""What a contender is: how it publishes a kind of work, and how it works it off."""

import time
from collections.abc import Sequence
from typing import Protocol

from tests.benchmarks.harness import Bench
from tests.benchmarks.usage import span, task_mb, total_mb

#: What is done before this part of the messages is warming up.
WARM_UP = 10


class Contender(Protocol):
    """One way to run tasks."""

    @property
    def name(self) -> str:
        """As in tables: `Celery, prefork`."""
        ...

    @property
    def packages(self) -> Sequence[str]:
        """The packages whose versions are shown."""
        ...

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of work that it does."""
        ...

    @property
    def brokers(self) -> frozenset[str]:
        """`rabbitmq`, `sqlite`: those that it runs on."""
        ...

    @property
    def speed(self) -> float:
        """How many times the number of a kind it gets, so that its rounds are neither short nor long."""
        ...

    def settings(self, kind: str) -> Sequence[str]:
        """Return how it is set up for a kind: commands, settings, what is durable and what confirmed."""
        ...

    def send(self, bench: Bench, kind: str, number: int) -> dict[str, float]:
        """Publish so many messages; return `seconds` and `cpu_s` of the publishing alone, warmed up.

        The broker is `EBATS_BENCH_URL` in the bench's environment; tasks raise the bench's counter.
        A kind that is not of its `kinds` is published as `noop`.
        """
        ...

    def execute(self, bench: Bench, kind: str, number: int, broker_pid: int | None) -> dict[str, float]:
        """Start what works the messages off and wait until all are done; return what `worked_off` does."""
        ...


def worked_off(bench: Bench, command: Sequence[str], number: int, broker_pid: int | None) -> dict[str, float]:
    """Run a worker until the counter says that all is done, and measure from a tenth of it to the end.

    Returns `per_s`, `client_us` and `broker_us` (processor time for a message, in microseconds), `pss_mb` and
    `total_mb`, the memory of a process that ran tasks and of all, and `start_seconds`, from the command to
    the first task.
    """
    first = number // WARM_UP
    began = time.perf_counter()
    with bench.running(*command, gently=False) as process:
        bench.counter.wait(1)
        start_s = time.perf_counter() - began
        bench.counter.wait(first)
        with span(process.pid, broker_pid) as spent:
            done = bench.counter.count()
            bench.counter.wait(number)
        count = number - done
        memory = {"pss_mb": task_mb(process.pid, bench.counter), "total_mb": total_mb(process.pid)}
    return {
        "per_s": count / spent.seconds,
        "client_us": 1e6 * spent.client_s / count,
        **({"broker_us": 1e6 * spent.broker_s / count} if broker_pid else {}),
        **memory,
        "start_seconds": start_s,
    }
