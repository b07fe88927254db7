"""Celery, with the settings that its page on optimizing advises for many short tasks."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.benchmarks.contenders.peer import Peer
from tests.benchmarks.kinds import SLEEP_CONCURRENCY


@dataclass(frozen=True)
class Celery(Peer):
    """A worker with one of its pools."""

    #: `prefork` or `threads`.
    pool: str = "prefork"
    kinds: frozenset[str] = frozenset({"noop", "cpu", "payload", "three", "retried"})
    speed: float = 0.4
    module = "tests.benchmarks.work.celery_app"
    packages = ("celery",)

    @property
    def name(self) -> str:
        """With its pool."""
        return f"Celery, {self.pool}"

    def settings(self, kind: str) -> Sequence[str]:
        """Return the command and what is set in the app."""
        return (
            f"celery {' '.join(self.command(kind)[2:])}",
            # docs.celeryq.dev/en/stable/userguide/optimizing.html: 50, 100 or 150 for many short tasks.
            "task_acks_late, worker_prefetch_multiplier = 100, no result backend, task_ignore_result",
            "durable classic queue, persistent messages; publishing isn't confirmed",
        )

    def command(self, kind: str) -> Sequence[str]:
        """Run one worker: two processes, or threads of one."""
        app = ("-m", "celery", "-A", self.module, "worker", "-l", "ERROR")
        # They are for many workers that look after each other.
        alone = ("--without-gossip", "--without-mingle", "--without-heartbeat")
        return (*app, "-P", self.pool, "-c", str(self._concurrency(kind)), *alone)

    def _concurrency(self, kind: str) -> int:
        if kind == "sleep":
            return SLEEP_CONCURRENCY
        return 2 if self.pool == "prefork" else 8
