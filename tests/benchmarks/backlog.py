"""Many messages in a queue, and many on a rung that are all due at once, worked off."""

import time
from math import ceil
from pathlib import Path

import psutil

from tests.benchmarks.contenders.contender import worked_off
from tests.benchmarks.figures import Figure, Figures
from tests.benchmarks.harness import PIPELINE, Bench
from tests.benchmarks.kinds import BY_NAME
from tests.benchmarks.turns import place, say
from tests.brokers import RabbitNode

_RUN = ("-m", "ebats", "run", str(PIPELINE))
_SETTINGS = (
    "ebats run, consumers: {all: {processes: 2}}",
    "quorum queues and a quorum rung; persistent messages, each confirmed",
    "a log file with a record of each attempt",
)


def measure(folder: Path, node: RabbitNode | None, _rounds: int, scale: float) -> Figures:
    """Measure ebats once: so many messages take minutes."""
    number = int(BY_NAME["backlog"].number * scale)
    found = Figures()
    with place(folder / f"{folder.name}-queue", node) as bench:
        before = _sizes(bench, node)
        began = time.monotonic()
        bench.publish("happens", number)
        publishing_s = time.monotonic() - began
        sizes = _grown(before, _sizes(bench, node), number)
        values = worked_off(bench, _RUN, number, node.pid if node else None) | sizes
    _add(found, f"ebats, {number:,} in a queue", node, values)
    with place(folder / f"{folder.name}-rung", node) as bench:
        # Longer than the publishing takes, so that none is due before all are there.
        bench.variables["EBATS_BENCH_DELAY"] = f"{ceil(1.3 * publishing_s + 5)}s"
        values = _from_rung(bench, node, number, ceil(1.3 * publishing_s + 5))
    _add(found, f"ebats, {number:,} from a rung", node, values)
    return found


def _from_rung(bench: Bench, node: RabbitNode | None, number: int, delay_s: int) -> dict[str, float]:
    before = _sizes(bench, node)
    bench.publish("waits", number)
    sizes = _grown(before, _sizes(bench, node), number)
    if node:
        # Away while they become due: else the first would be in the queue before the last is due.
        node.stop()
    say(f"{number:,} are on the rung: {delay_s} s until all are due")
    time.sleep(delay_s)
    if node:
        node.start()
    return worked_off(bench, _RUN, number, node.pid if node else None) | sizes


def _add(found: Figures, name: str, node: RabbitNode | None, values: dict[str, float]) -> None:
    kept = ("per_s", "client_us", "broker_us", "pss_mb", "memory_bytes", "disk_bytes")
    values = {quantity: values[quantity] for quantity in kept if quantity in values}
    broker = node.release.kind if node else "sqlite"
    say(f"backlog on {broker}: {name} {values['per_s']:,.0f}/s")
    found.add(Figure(kind="backlog", broker=broker, contender=name, values=values, settings=_SETTINGS))


def _sizes(bench: Bench, node: RabbitNode | None) -> dict[str, int]:
    """Return the broker's memory and disk in bytes; the embedded one has no memory of its own."""
    if node is None:
        return {"disk_bytes": sum(file.stat().st_size for file in bench.folder.glob("bench.db*"))}
    disk = sum(file.stat().st_size for file in node.folder.rglob("*") if file.is_file())
    return {"memory_bytes": psutil.Process(node.pid).memory_info().rss, "disk_bytes": disk}


def _grown(before: dict[str, int], after: dict[str, int], number: int) -> dict[str, float]:
    """Return by how much each message made the broker larger; not shown where it hasn't grown."""
    return {name: (after[name] - before[name]) / number for name in after if after[name] > before[name]}
