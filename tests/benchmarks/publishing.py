"""Publishing from Python, beside the loop of `ebats publish` on the same broker."""

import statistics
from pathlib import Path

from tests.benchmarks.harness import PIPELINE, Bench, ratio, table
from tests.brokers import RabbitNode

NUMBER = 20_000
ROUNDS = 3
_FEW = 2_000

_BULK = """
import os, sys, time
from ebats.pipelines.load import load
from ebats.runner.broker.bulk import Bulk
from ebats.runner.commands import payloads, target
pipeline = load({file!r}, os.environ)
where = target.of_event(pipeline, "happens")
bulk = Bulk(pipeline.broker, print, lambda: False)
lines = [b'{{"n": %d}}' % n for n in range({number})]
began = time.perf_counter()
bulk.publish(payloads.messages(where, lines, "lines"))
print(time.perf_counter() - began)
"""
_PUBLISHER = """
import asyncio, threading, time
from ebats import Publisher
publisher = Publisher({file!r})
publisher.publish("happens", 0)
def many(): publisher.publish_many(("happens", {{"n": n}}) for n in range({number}))
def one(): [publisher.publish("happens", {{"n": n}}) for n in range({number})]
def threads():
    def work(): [publisher.publish("happens", {{"n": n}}) for n in range({number} // 32)]
    every = [threading.Thread(target=work) for _ in range(32)]
    for thread in every: thread.start()
    for thread in every: thread.join()
async def coroutines():
    await asyncio.gather(*(publisher.publish_async("happens", {{"n": n}}) for n in range({number})))
def asynchronous(): asyncio.run(coroutines())
began = time.perf_counter()
{call}()
print(time.perf_counter() - began)
"""

#: By what is measured: the program, and how many messages.
_WAYS = {
    "ebats publish (Bulk)": (_BULK, NUMBER),
    "publish_many": (_PUBLISHER.replace("{call}", "many"), NUMBER),
    "publish, 32 threads": (_PUBLISHER.replace("{call}", "threads"), _FEW),
    "publish_async, gathered": (_PUBLISHER.replace("{call}", "asynchronous"), _FEW),
    "publish, one after the other": (_PUBLISHER.replace("{call}", "one"), _FEW),
}


def measure(folder: Path, node: RabbitNode) -> None:
    """Compare on one private RabbitMQ, and on the embedded broker, in turns."""
    _compare(folder / "rabbitmq", node)
    _compare(folder / "sqlite", None)


def _compare(folder: Path, node: RabbitNode | None) -> None:
    found: dict[str, list[float]] = {name: [] for name in _WAYS}
    for number in range(ROUNDS):
        bench = Bench(folder / str(number))
        vhost = f"publishing{number}"
        if node:
            node.add_vhost(vhost)
        url = node.url_of(vhost) if node else f"sqlite:///{bench.folder}/bench.db"
        bench.variables["EBATS_BROKER_URL"] = url
        bench.publish("happens", 1000)  # declares
        for name, (program, count) in _WAYS.items():
            seconds = float(bench.python("-c", program.format(file=str(PIPELINE), number=count)))
            found[name].append(count / seconds)
        if node:
            node.delete_vhost(vhost)
    medians = {name: statistics.median(rates) for name, rates in found.items()}
    base = medians["ebats publish (Bulk)"]
    rows = [["", "published/s", "of Bulk"]]
    rows += [[name, f"{rate:,.0f}", ratio(rate, base)] for name, rate in medians.items()]
    where = f"RabbitMQ {node.version}" if node else "SQLite"
    table(f"{where}, publishing from Python, confirmed, median of {ROUNDS} rounds", rows)
