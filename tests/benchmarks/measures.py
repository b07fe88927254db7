"""What measures each kind of work, and on which brokers: a line for each."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from tests.benchmarks import backlog, callbacks, gateway, growth, latency, publish, request, turns
from tests.benchmarks.contenders.everybody import EVERYBODY, SOME
from tests.benchmarks.figures import Figures
from tests.benchmarks.kinds import BY_NAME
from tests.brokers import RabbitNode

#: RabbitMQ 3.10 is Debian 12's package, RabbitMQ 4.0 Debian 13's.
SQLITE, RABBITMQ, NEW_RABBITMQ = "sqlite", "rabbitmq310", "rabbitmq40"


#: Measures one kind of work on one broker: `measuring(folder, node, rounds, scale)` returns a figure for each
#: contender and round. The folder isn't there yet, and its name is unique: a virtual host may be called so.
#: Without a node, it is SQLite's turn. The scale multiplies the numbers: 1, or 0.1 in a quick run.
Measuring = Callable[[Path, RabbitNode | None, int, float], Figures]


@dataclass(frozen=True, slots=True)
class Measure:
    """One kind of work, and how it is measured."""

    kind: str
    measuring: Measuring
    brokers: tuple[str, ...]
    #: What else it measures on the way.
    also: tuple[str, ...] = ()

    @property
    def kinds(self) -> tuple[str, ...]:
        """All kinds of figures that it returns."""
        return (self.kind, *self.also)


def executing(kind: str) -> Measuring:
    """Let everybody who can work a kind off, in turns; `noop` shows their start and memory too."""

    def measuring(folder: Path, node: RabbitNode | None, rounds: int, scale: float) -> Figures:
        one = BY_NAME[kind]
        scaled = replace(one, number=int(one.number * scale))
        contenders = SOME if node and node.release.kind == NEW_RABBITMQ else EVERYBODY
        found = turns.in_turns(folder, scaled, contenders, node, rounds)
        others = turns.beside(found).all if kind == "noop" else []
        return Figures([*turns.bare(found).all, *others])

    return measuring


#: In the order in which they are measured.
MEASURES = (
    Measure("noop", executing("noop"), (RABBITMQ, NEW_RABBITMQ, SQLITE), also=("start", "memory")),
    Measure("cpu", executing("cpu"), (RABBITMQ, SQLITE)),
    Measure("sleep", executing("sleep"), (RABBITMQ, SQLITE)),
    Measure("payload", executing("payload"), (RABBITMQ, SQLITE)),
    Measure("three", executing("three"), (RABBITMQ, SQLITE)),
    Measure("retried", executing("retried"), (RABBITMQ, SQLITE)),
    Measure("publish", publish.measure, (RABBITMQ, SQLITE)),
    Measure("request", request.measure, (RABBITMQ,)),
    Measure("callbacks", callbacks.measure, (RABBITMQ, SQLITE)),
    Measure("gateway", gateway.measure, (RABBITMQ, SQLITE)),
    Measure("singly", gateway.measure_singly, (RABBITMQ, SQLITE)),
    Measure("latency", latency.measure, (RABBITMQ, SQLITE)),
    Measure("growth", growth.measure, (RABBITMQ, SQLITE)),
    Measure("backlog", backlog.measure, (RABBITMQ, SQLITE)),
)
