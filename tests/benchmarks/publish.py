"""Publishing from one process: ebats waits for each confirm, the others do as they are used."""

import resource
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from tests.benchmarks.contenders import everybody, jars
from tests.benchmarks.contenders.contender import Contender
from tests.benchmarks.contenders.perftest import PerfTest
from tests.benchmarks.figures import Figures
from tests.benchmarks.harness import PIPELINE, WORK, Bench
from tests.benchmarks.kinds import BY_NAME
from tests.benchmarks.usage import cpu_s
from tests.benchmarks.ways import Way, compare
from tests.brokers import RabbitNode

#: What a contender prints leaves these out.
_WARMING_UP = 100
_UNCONFIRMED_AT_ONCE = 1_000
_UNCONFIRMED = "durable classic queue, persistent messages; not confirmed"
_EACH = f"""
from tests.benchmarks.work.usage import measured
from ebats import Publisher
with Publisher({str(PIPELINE)!r}) as publisher:
    for n in range({_WARMING_UP}): publisher.publish("happens", {{{{"n": n}}}})
    with measured():
        for n in range({{number}}): publisher.publish("happens", {{{{"n": n}}}})
"""


def measure(folder: Path, node: RabbitNode | None, rounds: int, scale: float) -> Figures:
    """Compare on RabbitMQ, or without a node on SQLite."""
    # It has no brokers where there is no Java.
    limits = (*_BARE, *(_PERFTEST if everybody.PERFTEST.brokers else ()))
    ways = (*_OURS, *_PEERS, *limits) if node else (*_OURS, *_ON_SQLITE)
    return compare(folder, BY_NAME["publish"], ways, node, rounds, scale)


def _sends(one: Contender, bench: Bench, number: int, broker_pid: int | None) -> dict[str, float]:
    """Let a contender publish as it does for tasks that do nothing."""
    return _spent(lambda: one.send(bench, "noop", number + _WARMING_UP), number, broker_pid)


def _bare(way: str, bench: Bench, number: int, broker_pid: int | None) -> dict[str, float]:
    program = (str(WORK / "bare_publish.py"), way, str(number))
    return _spent(lambda: bench.printed(*program), number, broker_pid)


def _each(bench: Bench, number: int, broker_pid: int | None) -> dict[str, float]:
    """Publish one after the other, and wait for each confirm."""
    bench.python("-m", "ebats", "apply", str(PIPELINE))
    return _spent(lambda: bench.measured(_EACH.format(number=number)), number, broker_pid)


def _command(bench: Bench, number: int, broker_pid: int | None) -> dict[str, float]:
    """Let `ebats publish` read lines of JSON; the rate is the one that it prints."""
    bench.python("-m", "ebats", "apply", str(PIPELINE))
    before = _children_s()

    def send() -> dict[str, float]:
        rate = bench.publish("happens", number)
        return {"seconds": number / rate, "cpu_s": _children_s() - before}

    return _spent(send, number, broker_pid)


def _children_s() -> float:
    """Return the processor seconds of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _spent(send: Callable[[], dict[str, float]], number: int, broker_pid: int | None) -> dict[str, float]:
    """Return what publishing took, by what `send` says of it and what the broker's processor says."""
    before = cpu_s(broker_pid) if broker_pid else 0.0
    took = send()
    found = {"per_s": number / took["seconds"]}
    if "cpu_s" in took:
        found["client_us"] = 1e6 * took["cpu_s"] / number
    if broker_pid:
        found["broker_us"] = 1e6 * (cpu_s(broker_pid) - before) / (number + _WARMING_UP)
    return found


def _peer(one: Contender, name: str, part: float, settings: Sequence[str]) -> Way:
    return Way(name=name, run=partial(_sends, one), settings=settings, part=part)


_OURS = (
    Way(
        name="ebats",
        run=partial(_sends, everybody.EBATS),
        settings=("Publisher.publish_many; on RabbitMQ a quorum queue, persistent messages; each confirmed",),
        part=3.0,
    ),
    Way(
        name="ebats publish",
        run=_command,
        settings=("the command, from a file of lines; as above; its start is in its processor time",),
        part=3.0,
    ),
    Way(
        name="ebats, one after the other",
        run=_each,
        settings=("Publisher.publish in a loop: each is confirmed before the next; as above",),
        part=0.2,
    ),
)
_PEERS = (
    _peer(everybody.PREFORK, "Celery", 0.4, ("task.apply_async", _UNCONFIRMED)),
    _peer(everybody.DRAMATIQ, "Dramatiq", 1.5, ("actor.send", _UNCONFIRMED)),
    _peer(
        everybody.FASTSTREAM,
        "FastStream",
        0.8,
        ("await broker.publish, 100 at once", "durable classic queue, persistent messages; each confirmed"),
    ),
    _peer(
        everybody.TASKIQ,
        "Taskiq",
        0.8,
        ("await task.kiq, 100 at once", "quorum queue, as it comes, persistent messages; each confirmed"),
    ),
)
_BARE = (
    Way(
        name="py-amqp, unconfirmed",
        run=partial(_bare, "unconfirmed"),
        settings=("a loop over basic_publish", _UNCONFIRMED),
        part=2.0,
    ),
    Way(
        name="py-amqp, confirms pipelined",
        run=partial(_bare, "pipelined"),
        settings=(
            f"at most {_UNCONFIRMED_AT_ONCE:,} unconfirmed; durable classic queue, persistent messages",
        ),
        part=2.0,
    ),
    Way(
        name="py-amqp, each confirmed",
        run=partial(_bare, "each"),
        settings=("basic_publish_confirm waits for each; durable classic queue, persistent messages",),
        part=0.2,
    ),
)
_PERFTEST_SETTINGS = (
    f"PerfTest {jars.VERSION} --producers 1; durable classic queue, persistent messages",
    "its own average, in which it warms up; its virtual machine's start is in its processor time",
)
_PERFTEST = (
    _peer(
        PerfTest(),
        "PerfTest, unconfirmed",
        8.0,
        (*_PERFTEST_SETTINGS, "not confirmed"),
    ),
    _peer(
        PerfTest(confirm=_UNCONFIRMED_AT_ONCE),
        "PerfTest, confirmed",
        8.0,
        (*_PERFTEST_SETTINGS, f"--confirm {_UNCONFIRMED_AT_ONCE}"),
    ),
)
_ON_SQLITE = (
    _peer(
        everybody.HUEY,
        "huey",
        2.5,
        ("SqliteHuey(fsync=False): nothing is written through to the disk", "a transaction for each message"),
    ),
)
