"""The gateway: messages a second in batches and one by one, beside a bare aiohttp handler."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from subprocess import Popen

from tests.benchmarks import served
from tests.benchmarks.figures import Figures
from tests.benchmarks.harness import WORK, Bench
from tests.benchmarks.kinds import BATCH, BATCH_CONNECTIONS, BY_NAME, SINGLE_CONNECTIONS
from tests.benchmarks.usage import span
from tests.benchmarks.ways import Way, compare
from tests.brokers import RabbitNode

_PAYLOAD = {"order_id": "FB2001", "city": "Beijing", "n": 7}
_ITEM = {"exchange": "orders", "queue": "", "route": "happens", "payload": _PAYLOAD}

#: Runs a server beside what is inside.
Server = Callable[[Bench], AbstractContextManager[Popen[bytes]]]


def measure(folder: Path, node: RabbitNode | None, rounds: int, scale: float) -> Figures:
    """Measure batches on RabbitMQ, or without a node on SQLite."""
    return compare(folder, BY_NAME["gateway"], _ways(_batches, node, 10.0), node, rounds, scale)


def measure_singly(folder: Path, node: RabbitNode | None, rounds: int, scale: float) -> Figures:
    """Measure one message a request on RabbitMQ, or without a node on SQLite."""
    return compare(folder, BY_NAME["singly"], _ways(_singly, node, 2.0), node, rounds, scale)


def _ways(
    work: Callable[[Server, Bench, int, int | None], dict[str, float]],
    node: RabbitNode | None,
    part_of_bare: float,
) -> tuple[Way, Way]:
    queue = "quorum queue, persistent messages; " if node else ""
    ours = (
        f"one gateway process, one bearer token; {queue}each answer is the broker's confirm",
        "the client's time is the gateway's",
    )
    bare = ("web.post() with a handler that reads the body and answers 202; uvloop",)
    return (
        Way(name="ebats", run=partial(work, served.gateway), settings=ours),
        Way(
            name="bare aiohttp handler",
            run=partial(work, served.bare_handler),
            settings=bare,
            part=part_of_bare,
        ),
    )


def _batches(server: Server, bench: Bench, number: int, broker_pid: int | None) -> dict[str, float]:
    batch = _body(bench, [_ITEM] * BATCH)
    requests = max(BATCH_CONNECTIONS, number // BATCH)
    with server(bench) as process:
        _load(bench, "/v1/messages", BATCH_CONNECTIONS, max(BATCH_CONNECTIONS, requests // 10), batch)
        with span(process.pid, broker_pid) as spent:
            loaded = _load(bench, "/v1/messages", BATCH_CONNECTIONS, requests, batch)
    return {
        "per_s": loaded["rate"] * BATCH,
        "client_us": 1e6 * spent.client_s / requests / BATCH,
        **({"broker_us": 1e6 * spent.broker_s / requests / BATCH} if broker_pid else {}),
    }


def _singly(server: Server, bench: Bench, number: int, broker_pid: int | None) -> dict[str, float]:
    body = _body(bench, _PAYLOAD)
    load = partial(_load, bench, "/v1/events/happens", SINGLE_CONNECTIONS)
    with server(bench) as process:
        load(max(SINGLE_CONNECTIONS, number // 10), body)  # warms up
        with span(process.pid, broker_pid) as spent:
            rate = load(number, body)["rate"]
        half = load(number // 2, body, rate / 2)
    return {
        "per_s": rate,
        "client_us": 1e6 * spent.client_s / number,
        **({"broker_us": 1e6 * spent.broker_s / number} if broker_pid else {}),
        "p50_ms": 1000 * half["p50"],
        "p99_ms": 1000 * half["p99"],
    }


def _body(bench: Bench, value: object) -> Path:
    path = bench.folder / f"{type(value).__name__}.json"
    path.write_text(json.dumps(value))
    return path


def _load(
    bench: Bench, path: str, connections: int, number: int, body: Path, rate: float = 0
) -> dict[str, float]:
    arguments = [bench.variables["EBATS_BENCH_PORT"], path, str(connections), str(number), str(rate)]
    found: dict[str, float] = json.loads(bench.python(str(WORK / "http_load.py"), *arguments, stdin=body))
    if found["refused"]:
        raise RuntimeError(f"{found['refused']} of {number} requests were refused; see {bench.folder}")
    return found
