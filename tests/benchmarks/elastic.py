"""What records cost that go to Elasticsearch, and how fast they get there."""

import json
import shutil
import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import yaml

from tests.benchmarks.harness import PIPELINE, WORK, Bench, ratio, table, wait_for_port
from tests.brokers import RabbitNode, free_port
from tests.elastic import Distribution, ElasticNode
from tests.waiting import wait_until

NUMBER = 20_000
ROUNDS = 3
#: Documents that wait in the spool, and are sent.
DOCUMENTS = 50_000
_FILE = {"file": {"path": "${EBATS_BENCH_LOG}"}}


@dataclass(frozen=True, slots=True)
class _Found:
    """One round: tasks a second, and what the writer had used when it was done with all records."""

    rate: float
    #: Bytes, and seconds of processor time.
    pss: float
    cpu_s: float


def measure(folder: Path, node: RabbitNode) -> None:
    """Compare sinks, then the sink with elasticsearch-py's own way, on one private Elasticsearch."""
    with ElasticNode(Distribution.find()) as elastic:
        _compare_sinks(folder / "tasks", node, elastic)
        _compare_senders(folder / "documents", elastic)


def _compare_sinks(folder: Path, node: RabbitNode, elastic: ElasticNode) -> None:
    nobody, elsewhere = free_port(), free_port()
    kinds: dict[str, Callable[[str], Any]] = {
        "no sink": lambda _stream: {"std": {"level": "error"}},
        "file": lambda _stream: _FILE,
        "Elasticsearch, elsewhere": partial(_sink, f"http://127.0.0.1:{elsewhere}"),
        "Elasticsearch, on this machine": partial(_sink, elastic.url),
        "Elasticsearch, away": partial(_sink, f"http://127.0.0.1:{nobody}"),
    }
    found: dict[str, list[_Found]] = {name: [] for name in kinds}
    stub = Bench(folder / "stub")
    with stub.running("-m", "tests.benchmarks.work.elastic_stub", str(elsewhere)):
        wait_for_port(elsewhere)
        for number in range(ROUNDS):
            for place, (name, log) in enumerate(kinds.items()):
                bench = Bench(folder / f"{number}-{place}")
                vhost = f"elastic-{bench.folder.name}"
                node.add_vhost(vhost)
                bench.variables["EBATS_BROKER_URL"] = node.url_of(vhost)
                stream = f"logs-bench-{number}{place}"
                here = name == "Elasticsearch, on this machine"
                arrived = partial(elastic.count, stream=stream) if here else None
                found[name].append(_round(bench, log(stream), arrived))
                node.delete_vhost(vhost)
    _show_sinks(f"RabbitMQ {node.version}, {NUMBER:,} no-op tasks, 2 processes, median of {ROUNDS}", found)


def _sink(url: str, stream: str) -> dict[str, Any]:
    return {"elasticsearch": {"hosts": [url], "data_stream": stream, "spool": {"path": "spool"}}}


def _round(bench: Bench, log: dict[str, Any], arrived: Callable[[], int] | None) -> _Found:
    file = bench.folder / "pipeline.yaml"
    file.write_text(json.dumps({**yaml.safe_load(PIPELINE.read_text()), "logs": {"log": log}}))
    with _running(bench, file) as writer:  # with nothing to do: what a start takes
        idle_s = _cpu_s(writer)
    bench.publish("happens", NUMBER, file)
    with _running(bench, file) as writer:
        rate = bench.counter.rate(NUMBER)
        if arrived:
            wait_until(lambda: arrived() >= NUMBER, 60, "not all records came", every_s=0.5)
        return _Found(rate, writer.memory_full_info().pss, _cpu_s(writer) - idle_s)


@contextmanager
def _running(bench: Bench, file: Path) -> Iterator[psutil.Process]:
    """Run the pipeline and give its writer."""
    with bench.running("-m", "ebats", "run", str(file)) as runner:
        found = wait_until(lambda: _writer(runner.pid), 30, "there is no writer", every_s=0.005)
        assert found
        yield found


def _writer(runner: int) -> psutil.Process | None:
    with suppress(psutil.NoSuchProcess):  # another of them may be gone already
        children = psutil.Process(runner).children()
        return next((one for one in children if "writer" in "".join(one.cmdline()[:1])), None)
    return None


def _cpu_s(process: psutil.Process) -> float:
    """Return the processor time that a process has taken, once it takes no more."""
    wait_until(lambda: process.cpu_percent(0.5) < 10, 60, "it is still busy", every_s=0.1)
    times = process.cpu_times()
    return float(times.user + times.system)


def _show_sinks(title: str, found: dict[str, list[_Found]]) -> None:
    rows = [["", "tasks/s", "of no sink", "spread", "writer PSS", "writer CPU a 1,000 records"]]
    nothing = statistics.median(one.rate for one in found["no sink"])
    for name, rounds in found.items():
        rates = [one.rate for one in rounds]
        cpu_s = statistics.median(one.cpu_s for one in rounds)
        rows.append(
            [
                name,
                f"{statistics.median(rates):,.0f}",
                ratio(statistics.median(rates), nothing),
                f"{min(rates):,.0f}-{max(rates):,.0f}",
                f"{statistics.median(one.pss for one in rounds) / 1e6:.1f} MB",
                f"{cpu_s / NUMBER * 1e6:.0f} ms",
            ]
        )
    table(title, rows)


def _compare_senders(folder: Path, elastic: ElasticNode) -> None:
    full = Bench(folder / "full")
    stream = "logs-bench-xx"
    filled = json.loads(full.python(str(WORK / "fill_spool.py"), str(DOCUMENTS), "spool", stream))
    contenders = {
        "ebats, from its spool": ["drain_spool.py"],
        "helpers.parallel_bulk, 4 threads": ["bulk_helpers.py", "parallel_bulk"],
        "helpers.streaming_bulk": ["bulk_helpers.py", "streaming_bulk"],
    }
    found: dict[str, list[dict[str, float]]] = {name: [] for name in contenders}
    names = list(contenders)
    # The first turn of all warms the server up. Who begins a round finds it as the last one left it.
    turns = [names[0], *(names[(n + turn) % len(names)] for n in range(ROUNDS) for turn in range(len(names)))]
    for number, name in enumerate(turns):
        script, *arguments = contenders[name]
        bench = Bench(folder / f"{number:02}")
        own = f"logs-bench-{number:02}"
        _copy_spool(full.folder / "spool", bench.folder / "spool", stream, own)
        elastic.add_template(stream=own)
        said = bench.python(str(WORK / script), *arguments, "spool", elastic.url, own, str(DOCUMENTS))
        assert elastic.count(stream=own) == DOCUMENTS, name
        if number:
            found[name].append(json.loads(said))
    size = sum(path.stat().st_size for path in full.folder.rglob("*.ndjson")) / DOCUMENTS
    _show_senders(
        f"{DOCUMENTS:,} documents of {size:.0f} bytes into Elasticsearch, median of {ROUNDS}", found
    )
    rate, cpu_s = DOCUMENTS / filled["seconds"], filled["cpu_s"] / DOCUMENTS
    rows = [["", "records/s", "CPU a 1,000"], ["ebats", f"{rate:,.0f}", f"{cpu_s * 1e6:.0f} ms"]]
    table("Records into the spool, as documents", rows)


def _copy_spool(source: Path, target: Path, stream: str, other: str) -> None:
    """Copy a spool, and have its documents go to another stream, with a name as long."""
    shutil.copytree(source, target)
    for segment in target.rglob("*.ndjson"):
        segment.write_bytes(segment.read_bytes().replace(stream.encode(), other.encode()))


def _show_senders(title: str, found: dict[str, list[dict[str, float]]]) -> None:
    rows = [["", "documents/s", "ebats is", "spread", "CPU a 1,000", "PSS"]]
    ours = statistics.median(DOCUMENTS / one["seconds"] for one in next(iter(found.values())))
    for name, rounds in found.items():
        rates = [DOCUMENTS / one["seconds"] for one in rounds]
        rows.append(
            [
                name,
                f"{statistics.median(rates):,.0f}",
                ratio(ours, statistics.median(rates)),
                f"{min(rates):,.0f}-{max(rates):,.0f}",
                f"{statistics.median(one['cpu_s'] for one in rounds) / DOCUMENTS * 1e6:.0f} ms",
                f"{statistics.median(one['pss'] for one in rounds) / 1e6:.1f} MB",
            ]
        )
    table(title, rows)
