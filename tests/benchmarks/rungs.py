"""How punctual rungs are."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from tests.benchmarks.harness import PIPELINE, Bench, table
from tests.brokers import RabbitNode

T = TypeVar("T")
FAILING = 500


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


def _brokers(folder: Path, node: RabbitNode) -> dict[str, str]:
    vhost = folder.name
    node.add_vhost(vhost)
    return {"sqlite": f"sqlite:///{folder}/sqlite/bench.db", f"rabbitmq {node.version}": node.url_of(vhost)}


def _bench(folder: Path, url: str) -> Bench:
    bench = Bench(folder)
    bench.variables["EBATS_BROKER_URL"] = url
    return bench


def _until(look: Callable[[], T], is_enough: Callable[[T], bool], deadline_s: float = 30.0) -> T:
    deadline = time.monotonic() + deadline_s
    while not is_enough(found := look()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found
