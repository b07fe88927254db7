"""ebats, as it comes: quorum queues, confirms, a record of each attempt."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.contenders.contender import worked_off
from tests.benchmarks.harness import Bench
from tests.benchmarks.kinds import SLEEP_CONCURRENCY
from tests.benchmarks.work.messages import tasks_of

_SEND = """
from tests.benchmarks.work.messages import body_of
from tests.benchmarks.work.usage import measured
from ebats import Publisher
with Publisher({file!r}) as publisher:
    publisher.publish_many(("happens", body_of({kind!r}, n)) for n in range(100))
    with measured():
        publisher.publish_many(("happens", body_of({kind!r}, n)) for n in range(100, {number}))
"""
_TASKS = "tests.benchmarks.work.ebats_tasks"


@dataclass(frozen=True)
class Ebats:
    """The runner, with a file for each kind of work."""

    name: str = "ebats"
    #: Of the work queues; what `quorum` is, is left out of the file.
    queues: str = "quorum"
    #: Whether what waits is a coroutine, in place of a thread.
    is_async: bool = False
    kinds: frozenset[str] = frozenset({"noop", "cpu", "sleep", "payload", "three", "retried"})
    brokers: frozenset[str] = frozenset({"rabbitmq", "sqlite"})
    packages: Sequence[str] = ("ebats",)
    speed: float = 4.0

    def settings(self, kind: str) -> Sequence[str]:
        """Return what stands in the file."""
        consumer = json.dumps(_consumer(kind)).replace('"', "")
        at_once = _consumer(kind).get("concurrency", 8)
        return (
            f"ebats run, consumers: {{all: {consumer}}}",
            f"{self.queues} queues; prefetch as it comes: {8 * at_once} for a process, 4 times as many while "
            "tasks are done in a moment; persistent messages, each confirmed",
            "a log file with a record of each attempt",
        )

    def send(self, bench: Bench, kind: str, number: int) -> dict[str, float]:
        """Publish with `Publisher.publish_many`."""
        file = self.file(bench, kind)
        bench.python("-m", "ebats", "apply", str(file))
        return bench.measured(_SEND.format(file=str(file), kind=kind, number=number))

    def execute(self, bench: Bench, kind: str, number: int, broker_pid: int | None) -> dict[str, float]:
        """Run the pipeline."""
        command = ("-m", "ebats", "run", str(self.file(bench, kind)))
        return worked_off(bench, command, number * len(tasks_of(kind)), broker_pid)

    def file(self, bench: Bench, kind: str) -> Path:
        """Write the file of a kind of work, and return where it is."""
        file = bench.folder / "pipeline.yaml"
        file.write_text(json.dumps(self._pipeline(kind)))  # JSON is YAML
        return file

    def _pipeline(self, kind: str) -> dict[str, Any]:
        names = ["sleep_async"] if self.is_async else list(tasks_of(kind))
        retry = {"retry": ["1s"]} if kind == "retried" else {}
        found = {
            "version": 1,
            "name": "bench",
            "broker": {"url": "${EBATS_BROKER_URL}"},
            "tasks": {name: {"python": f"{_TASKS}:{name}", **retry} for name in names},
            "events": {"happens": {"tasks": names}},
            "consumers": {"all": _consumer(kind)},
            "logs": {"history": {"file": {"path": "${EBATS_BENCH_LOG}"}}},
        }
        if self.queues != "quorum":
            found["queues"] = {name: {"type": self.queues} for name in names}
        return found


def _consumer(kind: str) -> dict[str, int]:
    return {"processes": 1, "concurrency": SLEEP_CONCURRENCY} if kind == "sleep" else {"processes": 2}
