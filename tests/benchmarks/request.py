"""A message from a page that keeps nothing: connect, publish, close, beside one POST to the gateway."""

import json
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks import served
from tests.benchmarks.figures import Figures
from tests.benchmarks.harness import WORK, Bench
from tests.benchmarks.kinds import BY_NAME
from tests.benchmarks.usage import cpu_s
from tests.benchmarks.ways import Way, compare
from tests.brokers import RabbitNode

_CLIENT = "one Python process of 8 clients (threads), each one message at a time"
_GATEWAY = (
    _CLIENT,
    "http.client; one gateway process; quorum queue, persistent messages",
    "the answer is the broker's confirm; the client's time includes the gateway's",
)
_AMQP = (
    _CLIENT,
    "py-amqp: connect, open a channel, publish, close; durable classic queue, persistent messages",
)


def measure(folder: Path, node: RabbitNode | None, rounds: int, scale: float) -> Figures:
    """Compare on RabbitMQ: an embedded broker has nothing to connect to."""
    return compare(folder, BY_NAME["request"], _WAYS, node, rounds, scale)


def _each(bench: Bench, way: str, number: int, broker_pid: int | None) -> dict[str, float]:
    assert broker_pid, "there is nothing to connect to without a broker"
    before = cpu_s(broker_pid)
    found: dict[str, float] = json.loads(bench.python(str(WORK / "one_each.py"), way, str(number)))
    return found | {"broker_us": _us_each(cpu_s(broker_pid) - before, number)}


def _us_each(seconds: float, number: int) -> float:
    """Return the microseconds for a message; a tenth more of them warm up."""
    return 1e6 * seconds / (number + number // 10)


def _amqp(way: str) -> Callable[[Bench, int, int | None], dict[str, float]]:
    return lambda bench, number, broker_pid: _each(bench, way, number, broker_pid)


def _post(way: str) -> Callable[[Bench, int, int | None], dict[str, float]]:
    def run(bench: Bench, number: int, broker_pid: int | None) -> dict[str, float]:
        with served.gateway(bench) as gateway:
            before = cpu_s(gateway.pid)
            found = _each(bench, way, number, broker_pid)
            found["client_us"] += _us_each(cpu_s(gateway.pid) - before, number)
        return found

    return run


_WAYS = (
    Way(
        name="ebats",
        run=_post("post"),
        settings=(*_GATEWAY, "a new HTTP connection for each message"),
        part=4.0,
    ),
    Way(
        name="ebats, connection kept",
        run=_post("post-kept"),
        settings=(*_GATEWAY, "each client keeps its HTTP connection"),
        part=4.0,
    ),
    Way(
        name="py-amqp, connect, publish, close",
        run=_amqp("amqp"),
        settings=(*_AMQP, "without a confirm"),
    ),
    Way(
        name="py-amqp, connect, publish, confirm, close",
        run=_amqp("amqp-confirm"),
        settings=(*_AMQP, "waits for the confirm"),
    ),
)
