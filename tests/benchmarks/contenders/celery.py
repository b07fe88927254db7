"""Celery, with the settings that its page on optimizing advises for many short tasks."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.benchmarks.contenders.contender import worked_off
from tests.benchmarks.harness import Bench

_SEND = """
from tests.benchmarks.work.celery_app import {task}
from tests.benchmarks.work.usage import measured
for n in range(100): {task}.delay(n)
with measured():
    for n in range({number} - 100): {task}.delay(n)
"""
_TASKS = {"noop": "noop"}


@dataclass(frozen=True)
class Celery:
    """A worker with one of its pools."""

    #: `prefork` or `threads`.
    pool: str
    concurrency: int
    packages: Sequence[str] = ("celery",)
    kinds: frozenset[str] = frozenset(_TASKS)
    brokers: frozenset[str] = frozenset({"rabbitmq"})

    @property
    def name(self) -> str:
        """With its pool."""
        return f"Celery, {self.pool}"

    def settings(self, kind: str) -> Sequence[str]:
        """Return the command and what is set in the app."""
        return (
            f"celery {' '.join(self._arguments())}",
            "task_acks_late, worker_prefetch_multiplier = 64, no result backend, task_ignore_result",
            "durable classic queue, persistent messages; publishing isn't confirmed",
        )

    def send(self, bench: Bench, kind: str, number: int) -> dict[str, float]:
        """Publish with `delay`, over one connection that is kept."""
        return bench.measured(_SEND.format(task=_TASKS[kind], number=number))

    def execute(self, bench: Bench, kind: str, number: int, broker_pid: int | None) -> dict[str, float]:
        """Run a worker."""
        return worked_off(bench, ("-m", "celery", *self._arguments()), number, broker_pid)

    def _arguments(self) -> Sequence[str]:
        app = ("-A", "tests.benchmarks.work.celery_app", "worker", "-l", "ERROR")
        quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat")
        return (*app, "-P", self.pool, "-c", str(self.concurrency), *quiet)
