"""How punctual rungs are, and what they bear."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import psutil

from tests.benchmarks.harness import PIPELINE, Bench, table
from tests.brokers import RabbitNode

T = TypeVar("T")
FAILING = 500
ON_ONE_RUNG = 400_000
_DELAY_S = 120


def accuracy(folder: Path, node: RabbitNode) -> None:
    """Measure from the moment an attempt is due to its start, 500 failing at once."""
    rows = [["", "attempts", "earliest", "p50", "p99", "latest"]]
    for name, url in _brokers(folder, node).items():
        bench = _bench(folder / name, url)
        bench.publish("fails", FAILING)
        with bench.running("-m", "ebats", "run", str(PIPELINE)):
            bench.counter.rate(2 * FAILING)
            late = _until(lambda bench=bench: _lateness(bench), lambda found: len(found) >= FAILING)
        late.sort()
        shown = (late[0], late[len(late) // 2], late[int(len(late) * 0.99)], late[-1])
        rows.append([name, f"{len(late)}", *(f"{1000 * s:.1f} ms" for s in shown)])
    table(f"{FAILING} tasks that fail at once, from due to started, on a rung of 1 s", rows)


def _lateness(bench: Bench) -> list[float]:
    lines = (bench.folder / "records.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    return [record["wait_s"] for record in records if record.get("attempt") == 2]


def many_due_at_once(folder: Path, node: RabbitNode) -> None:
    """Put 400,000 messages on one rung, let all become due, and time their return."""
    rows = [["", "published/s", "came back", "back and executed/s", "memory each", "disk each"]]
    for name, url in _brokers(folder, node).items():
        bench = _bench(folder / name, url)
        bench.variables["EBATS_BENCH_DELAY"] = f"{_DELAY_S}s"
        is_rabbit = name.startswith("rabbit")
        before = _sizes(bench, node if is_rabbit else None)
        began = time.monotonic()
        published = bench.publish("waits", ON_ONE_RUNG)
        after = _sizes(bench, node if is_rabbit else None)
        if is_rabbit:
            # Away while they become due, so that all are due at once.
            node.stop()
        _say(f"{name}: {ON_ONE_RUNG:,} on the rung; waiting until all are due")
        time.sleep(max(0.0, began + 2 * _DELAY_S - time.monotonic()))
        if is_rabbit:
            node.start()
        with bench.running("-m", "ebats", "run", str(PIPELINE)):
            rate = bench.counter.rate(ON_ONE_RUNG, deadline_s=900)
        each = [f"{(b - a) / ON_ONE_RUNG:,.0f} B" for a, b in zip(before, after, strict=True)]
        rows.append([name, f"{published:,.0f}", f"{bench.counter.count():,}", f"{rate:,.0f}", *each])
    table(f"{ON_ONE_RUNG:,} messages on a rung, due at once", rows)


def _brokers(folder: Path, node: RabbitNode) -> dict[str, str]:
    vhost = folder.name
    node.add_vhost(vhost)
    return {"sqlite": f"sqlite:///{folder}/sqlite/bench.db", f"rabbitmq {node.version}": node.url_of(vhost)}


def _bench(folder: Path, url: str) -> Bench:
    bench = Bench(folder)
    bench.variables["EBATS_BROKER_URL"] = url
    return bench


def _sizes(bench: Bench, node: RabbitNode | None) -> tuple[int, int]:
    """Return the broker's memory and disk in bytes; the embedded one has no memory of its own."""
    if node is None:
        return 0, sum(file.stat().st_size for file in bench.folder.glob("bench.db*") if file.is_file())
    disk = sum(file.stat().st_size for file in node.folder.rglob("*") if file.is_file())
    beams = [process for process in psutil.process_iter(["name"]) if process.info["name"] == "beam.smp"]
    return sum(process.memory_info().rss for process in beams), disk


def _until(look: Callable[[], T], is_enough: Callable[[T], bool], deadline_s: float = 30.0) -> T:
    deadline = time.monotonic() + deadline_s
    while not is_enough(found := look()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
