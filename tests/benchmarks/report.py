"""The table of one kind of work: what the terminal and docs/performance.md both show."""

from collections.abc import Mapping, Sequence

from tests.benchmarks.figures import Figures, is_ours
from tests.benchmarks.harness import ratio
from tests.benchmarks.kinds import Kind

#: By quantity: the head of its column. The kind's own quantity comes first, with its spread and ratio.
HEADS = {
    "per_s": "a second",
    "client_us": "client CPU",
    "broker_us": "broker CPU",
    "p50_ms": "half within",
    "p99_ms": "99 of 100 within",
    "seconds": "seconds",
    "load_seconds": "to read the file",
    "apply_seconds": "to make the queues",
    "start_seconds": "to the first task",
    "pss_mb": "memory of a process",
    "total_mb": "of all processes",
    "memory_bytes": "broker's memory for each",
    "disk_bytes": "disk for each",
}
_UNITS = {"us": " µs", "ms": " ms", "mb": " MB", "seconds": " s", "bytes": " bytes", "s": ""}


def rows(kind: Kind, figures: Figures) -> list[list[str]]:
    """Return a head and a line for each contender (and size) of one kind on one broker.

    A line: its name, the median of the kind's quantity, the spread over the rounds, how many times as good
    ebats is, and the medians of what else was measured.
    """
    # Nothing at all: on SQLite there is no broker whose processor time could be looked at.
    others = [name for name in HEADS if name != kind.quantity and any(figures.values(name))]
    sized = any(figure.size for figure in figures.all)
    head = [
        "",
        *(["size"] if sized else []),
        kind.unit,
        "spread",
        "ebats is",
        *(HEADS[one] for one in others),
    ]
    lines = [
        [name, *([f"{size:,}"] if sized else []), *_cells(kind, figures, name, size, others)]
        for size in sorted({figure.size for figure in figures.all})
        for name in figures.of(kind.name, size=size).contenders()
    ]
    return [head, *lines]


def _cells(kind: Kind, figures: Figures, name: str, size: int, others: Sequence[str]) -> list[str]:
    of = figures.of(kind.name, contender=name, size=size)
    measured = of.values(kind.quantity)
    if not measured:
        return ["", "", "", *_medians(of, others)]
    spread = f"{shown(kind.quantity, min(measured))} to {shown(kind.quantity, max(measured))}"
    times = _times(kind, figures, name, size)
    return [
        shown(kind.quantity, of.median(kind.quantity)),
        spread if len(measured) > 1 else "",
        ratio(times, 1.0) if times else "",
        *_medians(of, others),
    ]


def _times(kind: Kind, figures: Figures, name: str, size: int) -> float | None:
    """Return how many times as good ebats is; None beside ebats itself."""
    medians = {
        one: of.median(kind.quantity)
        for one in figures.contenders()
        if (of := figures.of(kind.name, contender=one, size=size)).values(kind.quantity)
    }
    ours = own(medians, kind)
    if ours is None or is_ours(name):
        return None
    return medians[ours] / medians[name] if kind.more_is_better else medians[name] / medians[ours]


def own(medians: Mapping[str, float], kind: Kind) -> str | None:
    """Return which of these contenders stands for ebats: `ebats`, as it comes; else its best."""
    ours = [name for name in medians if is_ours(name)]
    if not ours or "ebats" in ours:
        return "ebats" if ours else None
    return (max if kind.more_is_better else min)(ours, key=medians.__getitem__)


def _medians(figures: Figures, quantities: Sequence[str]) -> list[str]:
    return [shown(one, figures.median(one)) if figures.values(one) else "" for one in quantities]


def shown(quantity: str, value: float) -> str:
    """Write a value with its unit, with as many digits as mean something."""
    unit = _UNITS[quantity.rpartition("_")[2]]
    digits = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:,.{digits}f}{unit}"
