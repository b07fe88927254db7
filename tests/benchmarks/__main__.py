"""Measures ebats, side by side with what people use today: `python -m tests.benchmarks [NAME...]`."""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks import callbacks, elastic, gateway, publishing, rungs, start, throughput, validate
from tests.brokers import RabbitNode, Release

BENCHMARKS: dict[str, Callable[[Path, RabbitNode], None]] = {
    "validate": validate.measure,
    "start": start.measure,
    "rabbitmq": throughput.on_rabbitmq,
    "sqlite": lambda folder, _node: throughput.on_sqlite(folder),
    "publishing": publishing.measure,
    "callbacks": callbacks.measure,
    "gateway": gateway.measure,
    "elastic": elastic.measure,
    "accuracy": rungs.accuracy,
    "rung": rungs.many_due_at_once,
}


def main(names: list[str]) -> int:
    """Run the benchmarks of these names, or all."""
    if unknown := [name for name in names if name not in BENCHMARKS]:
        sys.stderr.write(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}\n")
        return 2
    with tempfile.TemporaryDirectory() as folder, RabbitNode(Release.find("rabbitmq310")) as node:
        for name in names or BENCHMARKS:
            BENCHMARKS[name](Path(folder) / name, node)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
