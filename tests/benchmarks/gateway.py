"""The gateway: messages a second and the time of each request, beside a bare aiohttp handler."""

import json
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmarks.harness import WORK, Bench, ratio, table, wait_for_port
from tests.brokers import RabbitNode, free_port

ROUNDS = 3
BATCH = 100
#: How many messages of each kind a round publishes.
IN_BATCHES, SINGLY = 50_000, 10_000
BATCH_CONNECTIONS, CONNECTIONS = 8, 50

_PAYLOAD = {"order_id": "FB2001", "city": "Beijing", "n": 7}
_ITEM = {"exchange": "orders", "queue": "", "route": "happens", "payload": _PAYLOAD}


@dataclass
class _Found:
    """What the rounds of one contender measured."""

    batches: list[float] = field(default_factory=list)
    singly: list[float] = field(default_factory=list)
    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)


def measure(folder: Path, node: RabbitNode) -> None:
    """Compare on one private RabbitMQ and on SQLite, in turns."""
    found = {name: _Found() for name in (f"RabbitMQ {node.version}", "SQLite", "bare aiohttp handler")}
    rabbitmq, sqlite, bare = found.values()
    for number in range(ROUNDS):
        with _gateway(folder / f"rabbitmq{number}", node) as (bench, port):
            _round(rabbitmq, bench, port)
        with _gateway(folder / f"sqlite{number}", None) as (bench, port):
            _round(sqlite, bench, port)
        with _bare(folder / f"bare{number}") as (bench, port):
            _round(bare, bench, port)
    rows = [["", f"in batches of {BATCH}", "of bare", "singly", "of bare", "p50 at half", "p99 at half"]]
    for name, one in found.items():
        batches, singly = statistics.median(one.batches), statistics.median(one.singly)
        rows.append(
            [
                name,
                f"{batches:,.0f}/s",
                ratio(batches, statistics.median(bare.batches)),
                f"{singly:,.0f}/s",
                ratio(singly, statistics.median(bare.singly)),
                f"{1000 * statistics.median(one.p50):.1f} ms",
                f"{1000 * statistics.median(one.p99):.1f} ms",
            ]
        )
    title = f"One gateway process; batches over {BATCH_CONNECTIONS} connections, single messages over"
    table(f"{title} {CONNECTIONS}, median of {ROUNDS} rounds", rows)


def _round(found: _Found, bench: Bench, port: int) -> None:
    single = _body(bench, _PAYLOAD)
    batch = _body(bench, [_ITEM] * BATCH)
    event = "/v1/events/happens"
    _load(bench, port, event, CONNECTIONS, SINGLY // 10, single)  # warms up
    batches = _load(bench, port, "/v1/messages", BATCH_CONNECTIONS, IN_BATCHES // BATCH, batch)
    found.batches.append(batches["rate"] * BATCH)
    singly = _load(bench, port, event, CONNECTIONS, SINGLY, single)["rate"]
    found.singly.append(singly)
    half = _load(bench, port, event, CONNECTIONS, SINGLY // 2, single, singly / 2)
    found.p50.append(half["p50"])
    found.p99.append(half["p99"])


def _body(bench: Bench, value: object) -> Path:
    path = bench.folder / f"{type(value).__name__}.json"
    path.write_text(json.dumps(value))
    return path


def _load(
    bench: Bench, port: int, path: str, connections: int, number: int, body: Path, rate: float = 0
) -> dict[str, float]:
    arguments = [str(port), path, str(connections), str(number), str(rate)]
    found: dict[str, float] = json.loads(bench.python(str(WORK / "http_load.py"), *arguments, stdin=body))
    if found["refused"]:
        raise RuntimeError(f"{found['refused']} of {number} requests were refused; see {bench.folder}")
    return found


@contextmanager
def _gateway(folder: Path, node: RabbitNode | None) -> Iterator[tuple[Bench, int]]:
    """Run a gateway, and nothing that takes what it publishes."""
    bench = Bench(folder)
    port = free_port()
    if node:
        node.add_vhost(folder.name)
    url = node.url_of(folder.name) if node else f"sqlite:///{folder}/bench.db"
    bench.variables |= {"EBATS_BROKER_URL": url, "EBATS_BENCH_PORT": str(port)}
    command = ("-m", "ebats", "run", str(WORK / "gateway.yaml"), "--only", "gateway")
    with bench.running(*command):
        wait_for_port(port)
        yield bench, port
    if node:
        node.delete_vhost(folder.name)


@contextmanager
def _bare(folder: Path) -> Iterator[tuple[Bench, int]]:
    bench = Bench(folder)
    port = free_port()
    with bench.running(str(WORK / "bare_app.py"), str(port)):
        wait_for_port(port)
        yield bench, port
