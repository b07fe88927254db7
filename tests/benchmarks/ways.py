"""Ways of doing a kind of work that is no worker's: each in turn on one private broker, round after round."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.figures import Figure, Figures
from tests.benchmarks.harness import Bench
from tests.benchmarks.kinds import Kind
from tests.benchmarks.turns import place, say
from tests.brokers import RabbitNode


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way of doing it."""

    #: As in tables.
    name: str
    #: Does it for so many messages, on the broker with this process id (None: SQLite), and returns
    #: what a figure has of it, `per_s` at least.
    run: Callable[[Bench, int, int | None], dict[str, float]]
    #: How it is set up.
    settings: Sequence[str] = ()
    #: How many messages it gets, as a part of the kind's number: so that each takes some seconds.
    part: float = 1.0


def compare(
    folder: Path, kind: Kind, ways: Sequence[Way], node: RabbitNode | None, rounds: int, scale: float
) -> Figures:
    """Let each way do a kind of work, in turn; without a node, on SQLite.

    `scale` is the part of the usual number of messages: 1 for figures that count, less for a trial.
    """
    found = Figures()
    broker = node.release.kind if node else "sqlite"
    for number in range(rounds):
        for way in ways:
            with place(folder / f"{kind.name}-{broker}-{number}-{len(found.all)}", node) as bench:
                values = way.run(bench, max(100, int(kind.number * way.part * scale)), node and node.pid)
            found.add(
                Figure(
                    kind=kind.name,
                    broker=broker,
                    contender=way.name,
                    values=values,
                    settings=tuple(way.settings),
                )
            )
            turn = f"round {number + 1} of {rounds}"
            say(f"{kind.name} on {broker}, {turn}: {way.name}, {_shown(values, kind)}")
    return found


def _shown(values: dict[str, float], kind: Kind) -> str:
    shown = dict.fromkeys((kind.quantity, "per_s"))
    return ", ".join(f"{values[name]:,.4g} {name}" for name in shown if name in values)
