"""A measured figure, and the file that figures are kept in: what docs/performance.md is written from."""

import json
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What one contender did in one round."""

    #: The kind of work: a name from `kinds`.
    kind: str
    #: `rabbitmq310`, `rabbitmq40`, `sqlite`; empty where no broker is in it.
    broker: str
    contender: str
    #: By quantity: `per_s`, `client_us` and `broker_us` (processor time for a message), `p50_ms`, `p99_ms`,
    #: `pss_mb`, `seconds`; each name ends with its unit.
    values: Mapping[str, float]
    #: What grows within a kind, such as the number of tasks in the file; drawn along the bottom.
    size: int = 0
    #: How the contender was set up, as its own documentation advises: shown below the table.
    settings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Of what figures are: the machine, the versions, and when each kind was measured."""

    #: Such as `{"processor": "AMD EPYC", "cores": "2"}`: in words, as they are shown.
    machine: Mapping[str, str]
    #: By name, such as `{"Python": "3.11.2", "celery": "5.7.0"}`.
    versions: Mapping[str, str]
    #: By kind: the date (UTC) on which it was measured.
    dates: Mapping[str, str]
    #: By kind: the command that measured it.
    commands: Mapping[str, str]


@dataclass(slots=True)
class Figures:
    """All figures of a run, in the order in which they were measured."""

    all: list[Figure] = field(default_factory=list)

    def add(self, figure: Figure) -> None:
        """Keep a figure."""
        self.all.append(figure)

    def of(self, kind: str, broker: str = "", contender: str = "", size: int | None = None) -> "Figures":
        """Return those of a kind, and of a broker, a contender and a size where they are given."""
        return Figures(
            [
                figure
                for figure in self.all
                if figure.kind == kind
                and (not broker or figure.broker == broker)
                and (not contender or figure.contender == contender)
                and (size is None or figure.size == size)
            ]
        )

    def brokers(self) -> list[str]:
        """Return the brokers in the order in which they were measured; `[""]` where there was none at all."""
        names = dict.fromkeys(figure.broker for figure in self.all)
        return [name for name in names if name] or list(names)

    def on(self, broker: str) -> "Figures":
        """Return those of a broker, and those that no broker has a part in: they stand beside each."""
        return Figures([figure for figure in self.all if figure.broker in (broker, "")])

    def contenders(self) -> list[str]:
        """Return the names of the contenders, ebats first, the others as they came."""
        names = dict.fromkeys(figure.contender for figure in self.all)
        return sorted(names, key=lambda name: not name.startswith("ebats"))

    def values(self, quantity: str) -> list[float]:
        """Return what the rounds measured of a quantity."""
        return [figure.values[quantity] for figure in self.all if quantity in figure.values]

    def median(self, quantity: str) -> float:
        """Return the median over the rounds.

        Raises:
            statistics.StatisticsError: nothing was measured of it.
        """
        return statistics.median(self.values(quantity))


def is_ours(contender: str) -> bool:
    """Whether a contender is ebats, in one of its ways."""
    return contender.startswith("ebats")


def write(path: Path, run: Run, figures: Iterable[Figure]) -> None:
    """Write a file of figures: the run, and then a figure a line."""
    path.write_text("".join(f"{json.dumps(asdict(one), ensure_ascii=False)}\n" for one in (run, *figures)))


def read(path: Path) -> tuple[Run, Figures]:
    """Return what `write` wrote."""
    first, *lines = (json.loads(line) for line in path.read_text().splitlines())
    figures = [Figure(**{**raw, "settings": tuple(raw["settings"])}) for raw in lines]
    return Run(**first), Figures(figures)
