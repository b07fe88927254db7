"""RabbitMQ's own PerfTest, in Java: the limit of what a client can take from a queue."""

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.contenders import jars
from tests.benchmarks.harness import Bench
from tests.benchmarks.turns import say
from tests.benchmarks.usage import cpu_s, pss_mb, total_mb

CONSUMERS = 2
#: What RabbitMQ's team took for most throughput: github.com/rabbitmq/workloads, ndq-10q-multiack.
PREFETCH, ACK_EVERY = 200, 50
#: A small JSON body with the headers that a task system adds.
SMALL_BYTES = 82
DEADLINE_S = 120.0
_SAMPLE = re.compile(r"time ([\d.]+) s, received: (\d+) msg/s")
_SENT = re.compile(r"sending rate avg: (\d+) msg/s")


@dataclass(frozen=True)
class PerfTest:
    """Its consumers, on queues of one type; there is no task."""

    #: `classic` or `quorum`.
    queues: str = "classic"
    kinds: frozenset[str] = frozenset({"noop"})
    packages: Sequence[str] = ()
    #: How many published ones may be unconfirmed at once; 0: none is confirmed.
    confirm: int = 0
    #: It shows a figure a second, and its virtual machine takes a second to warm up.
    speed: float = 8.0

    @property
    def name(self) -> str:
        """With the type of its queue."""
        return f"PerfTest, {self.queues} queue"

    @property
    def brokers(self) -> frozenset[str]:
        """None where Java or Maven are missing: then it is left out, and that is said once."""
        return frozenset({"rabbitmq"}) if jars.classpath() else frozenset()

    def settings(self, kind: str) -> Sequence[str]:
        """Return its version and flags."""
        return (
            f"PerfTest {jars.VERSION}, one Java process, {' '.join(self._consume())}; no task",
            f"durable {self.queues} queue, persistent messages of {SMALL_BYTES} bytes; "
            "publishing isn't confirmed",
        )

    def send(self, bench: Bench, kind: str, number: int) -> dict[str, float]:
        """Publish with its producer; its own rate counts, which warming up is part of."""
        confirm = ("--confirm", str(self.confirm)) if self.confirm else ()
        publish = ("-x", "1", "-y", "0", "-C", str(number), "-s", str(SMALL_BYTES), *confirm)
        output = bench.folder / "output.txt"
        with bench.running(*self._command(bench, *publish), gently=False) as process:
            deadline = time.monotonic() + DEADLINE_S
            while not (found := _SENT.search(output.read_text())):
                _check(output, deadline)
            return {"seconds": number / float(found[1]), "cpu_s": cpu_s(process.pid)}

    def execute(self, bench: Bench, kind: str, number: int, broker_pid: int | None) -> dict[str, float]:
        """Take all there is, and measure between the first and the last whole second after a tenth of it."""
        output = bench.folder / "output.txt"
        output.unlink()  # the producer's
        with bench.running(*self._command(bench, *self._consume()), gently=False) as process:
            deadline, moments = (
                time.monotonic() + DEADLINE_S,
                [Moment(0, 0, *_cpu_s(process.pid, broker_pid))],
            )
            while moments[-1].count < 0.99 * number:
                for seconds, count in samples(output.read_text())[len(moments) - 1 :]:
                    moments.append(Moment(seconds, count, *_cpu_s(process.pid, broker_pid)))
                _check(output, deadline)
            memory = {"pss_mb": pss_mb(process.pid), "total_mb": total_mb(process.pid)}
        if (span := window(moments, number)) is None:
            say("PerfTest was done before it was warm: its start is in this figure")
        return {**between(*(span or (moments[0], moments[-1]))), **memory}

    def _consume(self) -> Sequence[str]:
        how = ("--qos", str(PREFETCH), "--multi-ack-every", str(ACK_EVERY))
        return ("--producers", "0", "--consumers", str(CONSUMERS), *how)

    def _command(self, bench: Bench, *arguments: str) -> Sequence[str]:
        java = (jars.java(), "-cp", jars.classpath(), "com.rabbitmq.perf.PerfTest")
        url = bench.variables["EBATS_BENCH_URL"]
        queue = (
            "-u",
            "bench",
            "-ad",
            "false",
            *(("-qq",) if self.queues == "quorum" else ("-f", "persistent")),
        )
        return (*java, "-h", url, *queue, *arguments)


@dataclass(frozen=True, slots=True)
class Moment:
    """How far it was when it printed a line."""

    seconds: float
    count: float
    client_s: float
    broker_s: float


def samples(output: str) -> list[tuple[float, float]]:
    """Return the seconds and the messages received by then, of each line that PerfTest has printed."""
    return list(_added(output))


def _added(output: str) -> Iterator[tuple[float, float]]:
    before = count = 0.0
    for found in _SAMPLE.finditer(output):
        seconds = float(found[1])
        count += int(found[2]) * (seconds - before)
        before = seconds
        yield seconds, count


def window(moments: Sequence[Moment], number: int) -> tuple[Moment, Moment] | None:
    """Return between which moments to measure: from a tenth of the number on.

    The last second is left out, for the queue was empty in it. None: nothing is left, as in a quick run.
    """
    first, last = next(one for one in moments if one.count >= number / 10), moments[-2]
    return (first, last) if last.seconds > first.seconds else None


def between(first: Moment, last: Moment) -> dict[str, float]:
    """Return the rate and the processor time for a message."""
    count = last.count - first.count
    return {
        "per_s": count / (last.seconds - first.seconds),
        "client_us": 1e6 * (last.client_s - first.client_s) / count,
        "broker_us": 1e6 * (last.broker_s - first.broker_s) / count,
    }


def _cpu_s(client: int, broker: int | None) -> tuple[float, float]:
    return cpu_s(client), cpu_s(broker) if broker else 0.0


def _check(output: Path, deadline: float) -> None:
    """Wait a little for more output; raise if PerfTest has failed, or takes too long."""
    time.sleep(0.005)
    text = output.read_text()
    if "Main thread caught exception" in text or time.monotonic() > deadline:
        raise RuntimeError(f"PerfTest printed {text[-2000:]!r}")
