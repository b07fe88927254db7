"""From the command to the first execution, and the memory of each process."""

import re
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

import psutil

from tests.benchmarks.harness import ROOT, Bench, table
from tests.brokers import RabbitNode

ROUNDS = 5


def measure(folder: Path, node: RabbitNode) -> None:
    """Measure examples/hello on both brokers."""
    rows = [["", "start to first execution", "consumer PSS", "runner PSS", "writer PSS"]]
    for name, url in {"sqlite": "sqlite:///hello.db", "rabbitmq": node.url}.items():
        seconds, memory = zip(*(_round(folder / f"{name}{n}", url) for n in range(ROUNDS)), strict=True)
        memories = [
            statistics.median(one[role] for one in memory) for role in ("consumer", "runner", "writer")
        ]
        spread = f"{statistics.median(seconds):.2f} s ({min(seconds):.2f}-{max(seconds):.2f})"
        rows.append([name, spread, *(f"{size / 1e6:.1f} MB" for size in memories)])
    table(f"examples/hello, median of {ROUNDS}", rows)


def _round(folder: Path, url: str) -> tuple[float, dict[str, float]]:
    bench = Bench(folder)
    bench.variables["EBATS_BROKER_URL"] = url
    shutil.copytree(ROOT / "examples" / "hello", folder / "hello")
    file = str(folder / "hello" / "pipeline.yaml")
    bench.python("-m", "ebats", "publish", file, "visitor_came", "-d", '{"name": "Ada"}')
    began = time.perf_counter()
    runner = subprocess.Popen(
        [sys.executable, "-m", "ebats", "run", file],
        env=bench.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert runner.stdout
        for line in runner.stdout:
            if re.search(r"\bOK\b", line):
                break
        seconds = time.perf_counter() - began
        return seconds, _memory(runner.pid)
    finally:
        runner.terminate()
        runner.communicate(timeout=30)


def _memory(pid: int) -> dict[str, float]:
    runner = psutil.Process(pid)
    sizes = {"runner": _pss(runner)}
    for child in runner.children():
        role = "writer" if "writer" in child.cmdline()[0] else "consumer"
        sizes[role] = _pss(child)
    return sizes


def _pss(process: psutil.Process) -> float:
    return float(process.memory_full_info().pss)
