"""What it costs as tasks and queues get many: in one file, or in one worker of Celery."""

import json
import time
from collections.abc import Callable
from itertools import product
from pathlib import Path

from tests.benchmarks.contenders.contender import worked_off
from tests.benchmarks.figures import Figure, Figures
from tests.benchmarks.harness import Bench
from tests.benchmarks.kinds import BY_NAME
from tests.benchmarks.turns import place, say
from tests.brokers import RabbitNode

SIZES = (10, 100, 1_000)

_LOAD = """
import json, os, time
from ebats.pipelines.load import load
began = time.perf_counter()
load({file!r}, os.environ)
print(json.dumps({{"load_seconds": time.perf_counter() - began}}))
"""
_SEND = """
from ebats import Publisher
with Publisher({file!r}) as publisher:
    publisher.publish_many((f"event_{{n % {size}}}", {{"n": n}}) for n in range({number}))
"""
_CELERY_SEND = """
from tests.benchmarks.work.celery_app import noop
for n in range({number}): noop.apply_async(kwargs={{"n": n}}, queue=f"queue_{{n % {size}}}")
"""
#: How many times as many messages ebats gets, so that both take about as long.
_SPEED = 8


def measure(folder: Path, node: RabbitNode | None, rounds: int, scale: float) -> Figures:
    """Measure ebats at each size, and Celery on RabbitMQ, in turn."""
    found = Figures()
    broker = node.release.kind if node else "sqlite"
    number = int(BY_NAME["growth"].number * scale)
    contenders = {"ebats": _ebats} | ({"Celery, prefork": _celery} if node else {})
    for _, size in product(range(rounds), SIZES):
        for name, contender in contenders.items():
            # A message a queue at least, that all of them have something to do.
            with place(folder / f"{folder.name}-{size}-{len(found.all)}", node) as bench:
                values, settings = contender(bench, size, max(number, 2 * size), node.pid if node else None)
            figure = Figure(
                kind="growth", broker=broker, contender=name, values=values, size=size, settings=settings
            )
            found.add(figure)
            say(f"growth on {broker}, {size:,}: {name} {values['per_s']:,.0f}/s")
    return found


#: Runs one size: the bench, how many queues, how many messages, the broker's process.
Growing = Callable[[Bench, int, int, int | None], tuple[dict[str, float], tuple[str, ...]]]


def _ebats(
    bench: Bench, size: int, number: int, broker_pid: int | None
) -> tuple[dict[str, float], tuple[str, ...]]:
    file = bench.folder / "pipeline.yaml"
    file.write_text(json.dumps(pipeline(size)))  # JSON is YAML
    values = bench.printed("-c", _LOAD.format(file=str(file)))
    began = time.perf_counter()
    bench.python("-m", "ebats", "apply", str(file))
    values["apply_seconds"] = time.perf_counter() - began
    number *= _SPEED
    bench.python("-c", _SEND.format(file=str(file), size=size, number=number))
    values |= worked_off(bench, ("-m", "ebats", "run", str(file)), number, broker_pid)
    return _kept(values), (
        "ebats run, consumers: {all: {processes: 2}}: each process consumes from every queue",
        "quorum queues; persistent messages, each confirmed; a log file with a record of each attempt",
    )


def _celery(
    bench: Bench, size: int, number: int, broker_pid: int | None
) -> tuple[dict[str, float], tuple[str, ...]]:
    bench.variables["EBATS_BENCH_KIND"] = "noop"
    began = time.perf_counter()
    bench.python("-c", _CELERY_SEND.format(size=size, number=size))  # makes the queues
    values = {"apply_seconds": time.perf_counter() - began}
    bench.python("-c", _CELERY_SEND.format(size=size, number=number - size))
    command = ("-m", "celery", "-A", "tests.benchmarks.work.celery_app", "worker", "-l", "ERROR")
    alone = ("-P", "prefork", "-c", "2", "--without-gossip", "--without-mingle", "--without-heartbeat")
    queues = ",".join(f"queue_{place}" for place in range(size))
    values |= worked_off(bench, (*command, *alone, "-Q", queues), number, broker_pid)
    return _kept(values), (
        f"celery worker {' '.join(alone)} -Q and all queues; one task, sent to each queue in turn",
        "durable classic queues, persistent messages; publishing isn't confirmed",
    )


def pipeline(size: int) -> dict[str, object]:
    """Return a file of so many tasks, each with an event and a queue."""
    tasks = {
        f"task_{place}": {"python": "tests.benchmarks.work.ebats_tasks:noop", "queue": f"queue_{place}"}
        for place in range(size)
    }
    return {
        "version": 1,
        "name": "bench",
        "broker": {"url": "${EBATS_BROKER_URL}"},
        "queues": {f"queue_{place}": {} for place in range(size)},
        "tasks": tasks,
        "events": {f"event_{place}": {"tasks": [f"task_{place}"]} for place in range(size)},
        "consumers": {"all": {"processes": 2}},
        "logs": {"history": {"file": {"path": "${EBATS_BENCH_LOG}"}}},
    }


def _kept(values: dict[str, float]) -> dict[str, float]:
    kept = ("per_s", "client_us", "broker_us", "load_seconds", "apply_seconds", "start_seconds", "pss_mb")
    return {name: values[name] for name in kept if name in values}
