"""Contenders in turn on one private broker: each gets a place of its own, round after round."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from tests.benchmarks.contenders.contender import Contender
from tests.benchmarks.figures import Figure, Figures
from tests.benchmarks.harness import Bench
from tests.benchmarks.kinds import Kind
from tests.brokers import RabbitNode

ROUNDS = 3
_DELETE_S = 30.0


def in_turns(
    folder: Path,
    kind: Kind,
    contenders: Sequence[Contender],
    node: RabbitNode | None,
    rounds: int = ROUNDS,
) -> Figures:
    """Let each contender publish and work off a kind of work, in turn; without a node, on SQLite."""
    found = Figures()
    broker = node.release.kind if node else "sqlite"
    able = [one for one in contenders if kind.name in one.kinds and broker.rstrip("0134") in one.brokers]
    for number in range(rounds):
        for one in able:
            with place(folder / f"{kind.name}-{number}-{len(found.all)}", node) as bench:
                messages = number_of(kind, one)
                one.send(bench, kind.name, messages)
                values = one.execute(bench, kind.name, messages, node.pid if node else None)
            found.add(
                Figure(
                    kind=kind.name,
                    broker=broker,
                    contender=one.name,
                    values=values,
                    settings=tuple(one.settings(kind.name)),
                )
            )
            turn = f"round {number + 1} of {rounds}"
            say(f"{kind.name} on {broker}, {turn}: {one.name} {values['per_s']:,.0f}/s")
    return found


def number_of(kind: Kind, contender: Contender) -> int:
    """Return how many messages a contender gets: a thousand at least, for a hundred of them warm it up."""
    return max(1000, round(kind.number * (1 if kind.is_bound else contender.speed)))


def beside(figures: Figures) -> Figures:
    """Return what these figures say of two other kinds: `start`, and the `memory` of processes."""
    found = Figures()
    for figure in figures.all:
        values = figure.values
        if "start_seconds" in values:
            found.add(replace(figure, kind="start", values={"seconds": values["start_seconds"]}))
        if memory := {name: values[name] for name in ("pss_mb", "total_mb") if name in values}:
            found.add(replace(figure, kind="memory", values=memory))
    return found


def bare(figures: Figures) -> Figures:
    """Return figures without what has a kind of its own."""
    own = {"start_seconds", "total_mb"}
    return Figures(
        [
            replace(one, values={name: value for name, value in one.values.items() if name not in own})
            for one in figures.all
        ]
    )


@contextmanager
def place(folder: Path, node: RabbitNode | None) -> Iterator[Bench]:
    """Give a folder, and a virtual host of the node, or a file of SQLite."""
    bench = Bench(folder)
    url = f"sqlite:///{folder}/bench.db"
    if node:
        node.add_vhost(folder.name)
        url = node.url_of(folder.name)
    bench.variables |= {"EBATS_BROKER_URL": url, "EBATS_BENCH_URL": url, "EBATS_BENCH_FOLDER": str(folder)}
    try:
        yield bench
    finally:
        if node:
            _delete(node, folder.name)


def _delete(node: RabbitNode, vhost: str) -> None:
    """Delete a virtual host, again if need be.

    Where a large queue goes whose log is still being written, the writer of RabbitMQ 3.10 may fail, and is
    away for a moment (https://github.com/rabbitmq/rabbitmq-server/issues/4512).
    """
    until = time.monotonic() + _DELETE_S
    while True:
        try:
            node.delete_vhost(vhost)
        except RuntimeError as error:
            if "wal_down" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(1)
        else:
            return


def say(text: str) -> None:
    """Tell how far a long run is."""
    sys.stderr.write(f"{text}\n")
