"""Callbacks over HTTP: one consumer process, beside a bare aiohttp loop and Celery with `requests`."""

import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks.harness import WORK, Bench, ratio, table, wait_for_port
from tests.brokers import RabbitNode, free_port

NUMBER = 20_000
#: Celery takes long for each.
NUMBER_OF_CELERY = 5_000
CONCURRENCY = 200
#: More threads than these made Celery slower.
CELERY_THREADS = 8
ROUNDS = 3

_CELERY_SEND = """
from tests.benchmarks.work.celery_app import {task}
for n in range({number}): {task}.delay(n)
"""

#: Makes the callbacks of one round; returns how many a second the sink saw.
Contender = Callable[[Bench], float]


def bare(bench: Bench) -> float:
    """One aiohttp session that has nothing else to do: no broker, no records."""
    sink = bench.variables["EBATS_BENCH_SINK"]
    with bench.running(str(WORK / "bare_client.py"), sink, str(NUMBER), str(CONCURRENCY)):
        return bench.counter.rate(NUMBER)


def ebats(bench: Bench) -> float:
    """One consumer process, 200 at once, quorum queues, confirms, a file sink that records each."""
    file = WORK / "callbacks.yaml"
    bench.publish("happens", NUMBER, file)
    with bench.running("-m", "ebats", "run", str(file)):
        return bench.counter.rate(NUMBER)


def celery(bench: Bench, task: str = "call") -> float:
    """Threads, late acknowledgements, no confirms, classic queues, `requests.post`."""
    bench.python("-c", _CELERY_SEND.format(task=task, number=NUMBER_OF_CELERY))
    app = ("-A", "tests.benchmarks.work.celery_app", "worker", "-P", "threads", "-l", "ERROR")
    with bench.running("-m", "celery", *app, "-c", str(CELERY_THREADS)):
        return bench.counter.rate(NUMBER_OF_CELERY)


def celery_kept(bench: Bench) -> float:
    """The same with a session for each thread."""
    return celery(bench, "call_kept")


_CONTENDERS: dict[str, Contender] = {
    "ebats": ebats,
    "bare aiohttp loop": bare,
    "celery, requests.post": celery,
    "celery, requests.Session": celery_kept,
}


def measure(folder: Path, node: RabbitNode) -> None:
    """Compare on one private RabbitMQ, in turns."""
    found: dict[str, list[float]] = {name: [] for name in _CONTENDERS}
    for number in range(ROUNDS):
        for place, (name, contender) in enumerate(_CONTENDERS.items()):
            with _place(folder / f"{number}-{place}", node) as bench:
                found[name].append(contender(bench))
    medians = {name: statistics.median(rates) for name, rates in found.items()}
    rows = [["", "callbacks/s", "ebats is", "spread"]]
    for name, rates in found.items():
        spread = f"{min(rates):,.0f}-{max(rates):,.0f}"
        rows.append([name, f"{medians[name]:,.0f}", ratio(medians["ebats"], medians[name]), spread])
    title = f"RabbitMQ {node.version}, callbacks to one host, one process, {CONCURRENCY} at once"
    table(f"{title} (Celery: {CELERY_THREADS} threads), median of {ROUNDS} rounds", rows)


@contextmanager
def _place(folder: Path, node: RabbitNode) -> Iterator[Bench]:
    """Give a folder, a virtual host and a sink that is listening."""
    bench = Bench(folder)
    port = free_port()
    vhost = folder.name
    node.add_vhost(vhost)
    url = node.url_of(vhost)
    sink = f"http://127.0.0.1:{port}/"
    bench.variables |= {"EBATS_BROKER_URL": url, "EBATS_BENCH_URL": url, "EBATS_BENCH_SINK": sink}
    with bench.running(str(WORK / "sink.py"), str(port)):
        wait_for_port(port)
        yield bench
    node.delete_vhost(vhost)
