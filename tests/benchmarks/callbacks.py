"""Callbacks over HTTP: one consumer process, beside a bare aiohttp loop and Celery with `requests`."""

from functools import partial
from pathlib import Path

from tests.benchmarks import served
from tests.benchmarks.contenders.contender import worked_off
from tests.benchmarks.figures import Figures
from tests.benchmarks.harness import WORK, Bench
from tests.benchmarks.kinds import BY_NAME
from tests.benchmarks.ways import Way, compare
from tests.brokers import RabbitNode

CONCURRENCY = 200
#: More threads than these made Celery slower.
CELERY_THREADS = 8
_CELERY_APP = "tests.benchmarks.work.celery_callbacks"
_CELERY_SEND = f"""
from {_CELERY_APP} import {{task}}
for n in range({{number}}): {{task}}.delay(n)
"""


def measure(folder: Path, node: RabbitNode | None, rounds: int, scale: float) -> Figures:
    """Compare on RabbitMQ; without a node, those who run on SQLite."""
    ways = (*_OURS, *_CELERY) if node else _OURS
    return compare(folder, BY_NAME["callbacks"], ways, node, rounds, scale)


def _ebats(bench: Bench, number: int, broker_pid: int | None) -> dict[str, float]:
    """One consumer process, confirms, a file sink that records each."""
    file = WORK / "callbacks.yaml"
    with served.sink(bench):
        bench.publish("happens", number, file)
        return worked_off(bench, ("-m", "ebats", "run", str(file)), number, broker_pid)


def _bare(bench: Bench, number: int, broker_pid: int | None) -> dict[str, float]:
    """One aiohttp session that has nothing else to do: no broker, no records."""
    with served.sink(bench):
        sink = bench.variables["EBATS_BENCH_SINK"]
        client = ("-m", "tests.benchmarks.work.bare_client", sink, str(number), str(CONCURRENCY))
        return worked_off(bench, client, number, None)


def _celery(task: str, bench: Bench, number: int, broker_pid: int | None) -> dict[str, float]:
    """Threads, late acknowledgements, no confirms, classic queues."""
    with served.sink(bench):
        bench.python("-c", _CELERY_SEND.format(task=task, number=number))
        app = ("-A", _CELERY_APP, "worker", "-P", "threads", "-c", str(CELERY_THREADS), "-l", "ERROR")
        quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat")
        return worked_off(bench, ("-m", "celery", *app, *quiet), number, broker_pid)


_OURS = (
    Way(
        name="ebats",
        run=_ebats,
        settings=(
            f"ebats run callbacks.yaml, consumers: {{all: {{processes: 1, concurrency: {CONCURRENCY}}}}}",
            "an HTTP task whose answer must be 200 and `success`; on RabbitMQ a quorum queue",
            "a log file with a record of each attempt",
        ),
    ),
    Way(
        name="bare aiohttp loop",
        run=_bare,
        settings=(f"one session, {CONCURRENCY} coroutines, uvloop; no broker, no records",),
    ),
)
_CELERY_SETTINGS = (
    f"celery worker -P threads -c {CELERY_THREADS}; the same answer is checked",
    "task_acks_late, worker_prefetch_multiplier = 100, no result backend; durable classic queue",
)
_CELERY = (
    Way(
        name="Celery, requests.post",
        run=partial(_celery, "call"),
        settings=(*_CELERY_SETTINGS, "a connection for each request"),
        part=0.1,
    ),
    Way(
        name="Celery, requests.Session",
        run=partial(_celery, "call_kept"),
        settings=(*_CELERY_SETTINGS, "a session for each thread"),
        part=0.25,
    ),
)
