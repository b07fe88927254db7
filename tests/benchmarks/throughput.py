"""No-op tasks and publishing, side by side with Celery, Dramatiq and huey."""

import statistics
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks.harness import PIPELINE, Bench, ratio, table
from tests.brokers import RabbitNode

NUMBER = 20_000
ROUNDS = 3

_CELERY_SEND = """
import time
from tests.benchmarks.work.celery_app import noop
noop.delay(0)
began = time.perf_counter()
for n in range({number}): noop.delay(n)
print(time.perf_counter() - began)
"""
_DRAMATIQ_SEND = """
import time
from tests.benchmarks.work.dramatiq_app import noop
noop.send(0)
began = time.perf_counter()
for n in range({number}): noop.send(n)
print(time.perf_counter() - began)
"""
_HUEY_SEND = """
import time
from tests.benchmarks.work.huey_app import noop
began = time.perf_counter()
for n in range({number}): noop(n)
print(time.perf_counter() - began)
"""

#: Publishes and executes; returns both rates in messages a second.
Contender = Callable[[Bench, int], tuple[float, float]]


def ebats(bench: Bench, number: int) -> tuple[float, float]:
    """Two processes of 8 threads, quorum queues, confirms, a file sink that records every task."""
    published = bench.publish("happens", number)
    with bench.running("-m", "ebats", "run", str(PIPELINE)):
        return published, bench.counter.rate(number)


def celery(bench: Bench, number: int) -> tuple[float, float]:
    """Prefork with 2 processes, late acknowledgements, no confirms, classic queues."""
    seconds = float(bench.python("-c", _CELERY_SEND.format(number=number)))
    app = "tests.benchmarks.work.celery_app"
    with bench.running("-m", "celery", "-A", app, "worker", "-P", "prefork", "-c", "2", "-l", "ERROR"):
        return number / seconds, bench.counter.rate(number)


def dramatiq(bench: Bench, number: int) -> tuple[float, float]:
    """2 processes of 8 threads, no confirms, classic queues."""
    seconds = float(bench.python("-c", _DRAMATIQ_SEND.format(number=number)))
    app = "tests.benchmarks.work.dramatiq_app"
    with bench.running("-m", "dramatiq", app, "-p", "2", "-t", "8"):
        return number / seconds, bench.counter.rate(number)


def huey(bench: Bench, number: int) -> tuple[float, float]:
    """2 worker processes on SQLite, without fsync."""
    bench.variables["EBATS_BENCH_HUEY"] = str(bench.folder / "huey.db")
    seconds = float(bench.python("-c", _HUEY_SEND.format(number=number)))
    app = "tests.benchmarks.work.huey_app.huey"
    with bench.running("-m", "huey.bin.huey_consumer", app, "-w", "2", "-k", "process", "-q"):
        return number / seconds, bench.counter.rate(number)


def on_rabbitmq(folder: Path, node: RabbitNode) -> None:
    """Compare on one private RabbitMQ, in turns."""
    contenders = {"ebats": ebats, "celery": celery, "dramatiq": dramatiq}
    found = _in_turns(folder, contenders, node)
    _show(f"RabbitMQ {node.version}, {NUMBER:,} no-op tasks, 2 processes, median of {ROUNDS} rounds", found)


def on_sqlite(folder: Path) -> None:
    """Compare on SQLite, in turns."""
    found = _in_turns(folder, {"ebats": ebats, "huey": huey}, None)
    _show(f"SQLite, {NUMBER:,} no-op tasks, 2 processes, median of {ROUNDS} rounds", found)


def _in_turns(
    folder: Path, contenders: dict[str, Contender], node: RabbitNode | None
) -> dict[str, list[tuple[float, float]]]:
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in contenders}
    for number in range(ROUNDS):
        for name, contender in contenders.items():
            bench = Bench(folder / f"{name}{number}")
            vhost = bench.folder.name
            if node:
                node.add_vhost(vhost)
                url = node.url_of(vhost)
                bench.variables |= {"EBATS_BROKER_URL": url, "EBATS_BENCH_URL": url}
            else:
                bench.variables["EBATS_BROKER_URL"] = f"sqlite:///{bench.folder}/bench.db"
            found[name].append(contender(bench, NUMBER))
            if node:
                node.delete_vhost(vhost)
    return found


def _show(title: str, found: dict[str, list[tuple[float, float]]]) -> None:
    medians = {
        name: [statistics.median(rates) for rates in zip(*rounds, strict=True)]
        for name, rounds in found.items()
    }
    publish, execute = medians["ebats"]
    rows = [["", "published/s", "ebats is", "executed/s", "ebats is", "spread of executed/s"]]
    for name, (published, executed) in medians.items():
        rates = [rate for _, rate in found[name]]
        rows.append(
            [
                name,
                f"{published:,.0f}",
                ratio(publish, published),
                f"{executed:,.0f}",
                ratio(execute, executed),
                f"{min(rates):,.0f}-{max(rates):,.0f}",
            ]
        )
    table(title, rows)
