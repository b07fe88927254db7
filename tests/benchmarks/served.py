"""Servers that a measurement asks: a gateway of ebats, a bare handler beside it, a sink of callbacks."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from tests.benchmarks.harness import WORK, Bench, wait_for_port
from tests.brokers import free_port


@contextmanager
def gateway(bench: Bench) -> Iterator[subprocess.Popen[bytes]]:
    """Run a gateway on the bench's broker, and nothing that takes what it publishes."""
    command = ("-m", "ebats", "run", str(WORK / "gateway.yaml"), "--only", "gateway")
    with _listening(bench, _new_port(bench), *command) as process:
        yield process


@contextmanager
def bare_handler(bench: Bench) -> Iterator[subprocess.Popen[bytes]]:
    """Run an aiohttp server that only reads what it is sent."""
    port = _new_port(bench)
    with _listening(bench, port, "-m", "tests.benchmarks.work.bare_app", str(port)) as process:
        yield process


@contextmanager
def sink(bench: Bench) -> Iterator[subprocess.Popen[bytes]]:
    """Run who answers callbacks at once; it raises the bench's counter."""
    port = _new_port(bench)
    with _listening(bench, port, "-m", "tests.benchmarks.work.sink", str(port)) as process:
        yield process


def _new_port(bench: Bench) -> int:
    """Choose a port, which all that the bench starts reads from its environment."""
    port = free_port()
    bench.variables |= {"EBATS_BENCH_PORT": str(port), "EBATS_BENCH_SINK": f"http://127.0.0.1:{port}/"}
    return port


@contextmanager
def _listening(bench: Bench, port: int, *command: str) -> Iterator[subprocess.Popen[bytes]]:
    with bench.running(*command) as process:
        wait_for_port(port)
        yield process
