"""From just before a publish to the first line of its task, at the same even pace for everybody."""

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from tests.benchmarks.contenders import everybody
from tests.benchmarks.contenders.contender import Contender
from tests.benchmarks.contenders.ebats import Ebats
from tests.benchmarks.contenders.peer import Peer
from tests.benchmarks.figures import Figures
from tests.benchmarks.harness import Bench
from tests.benchmarks.kinds import BY_NAME, WARMING_UP
from tests.benchmarks.moments import FILE, Moments
from tests.benchmarks.ways import Way, compare
from tests.brokers import RabbitNode

_KIND = "latency"
_PUBLISHED = "published one after the other; where publishing is confirmed, that is waited for"
_SEND = """
from tests.benchmarks.work.pacing import pace
from ebats import Publisher
with Publisher({file!r}) as publisher:
    pace(lambda n: publisher.publish("happens", {{"n": n}}), {number})
"""


def measure(folder: Path, node: RabbitNode | None, rounds: int, scale: float) -> Figures:
    """Compare on RabbitMQ, or without a node on SQLite."""
    broker = "rabbitmq" if node else "sqlite"
    ways = [
        Way(name=one.name, run=partial(_run, one), settings=(*one.settings(_KIND), _PUBLISHED))
        for one in _CONTENDERS
        if broker in one.brokers
    ]
    return compare(folder, BY_NAME[_KIND], ways, node, rounds, scale)


def _run(one: Contender, bench: Bench, number: int, broker_pid: int | None) -> dict[str, float]:
    """Let a process publish, and another work off; those that warm up wait until it is there."""
    end = number + WARMING_UP
    moments = Moments(bench.folder / FILE)
    bench.variables["EBATS_BENCH_KIND"] = _KIND
    publish, work = _commands(one, bench, end)
    with bench.running(*publish):
        # By then it has declared what there is to declare.
        _wait_for_first(moments)
        with bench.running(*work):
            moments.wait(end)
    waited = moments.waited_ms(WARMING_UP, end)
    return {
        "p50_ms": waited[number // 2],
        "p99_ms": waited[int(number * 0.99)],
        "per_s": moments.pace(WARMING_UP, end),
    }


def _commands(one: Contender, bench: Bench, number: int) -> tuple[Sequence[str], Sequence[str]]:
    """Return what publishes, and what works off."""
    if isinstance(one, Ebats):
        file = str(one.file(bench, _KIND))
        bench.python("-m", "ebats", "apply", file)
        return ("-c", _SEND.format(file=file, number=number)), ("-m", "ebats", "run", file)
    assert isinstance(one, Peer), f"{one.name} has no module that publishes"
    return ("-m", one.sender or one.module, _KIND, str(number)), one.command(_KIND)


def _wait_for_first(moments: Moments, deadline_s: float = 60.0) -> None:
    deadline = time.monotonic() + deadline_s
    while not moments.is_published(0):
        if time.monotonic() > deadline:
            raise TimeoutError(f"nothing was published after {deadline_s:g} s")
        time.sleep(0.02)


_CONTENDERS: tuple[Contender, ...] = (
    *(everybody.EBATS, everybody.CLASSIC),
    *(everybody.PREFORK, everybody.DRAMATIQ, everybody.FASTSTREAM, everybody.TASKIQ),
    *(everybody.BARE, everybody.HUEY),
)
