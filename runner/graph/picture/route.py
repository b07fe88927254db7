"""The way of each line: curves between columns, and corners around everything for those that lead back."""

from collections.abc import Sequence

from ebats.runner.graph.graph import EdgeKind
from ebats.runner.graph.picture.box import Box, Wire
from ebats.runner.graph.picture.boxes import Columns

#: Between lines side by side, and from a box to the first of them.
TRACK, FIRST = 8.0, 14.0
#: How far from the middle of a box its second line begins, as a share of its height.
_ASIDE = 0.28
#: Where a rung may stand on its line, the best place first.
_PLACES = (0.5, 0.4, 0.6, 0.32, 0.68, 0.24, 0.76)

Point = tuple[float, float]


def route(columns: Columns, wires: Sequence[Wire], bus: float, lowest: float) -> float:
    """Give each line its points, and each rung its place; return the y of what is lowest.

    `bus` is the x where all lines to the dead letters go down, `lowest` the y below which is nothing yet.
    """
    for wire in wires:
        if wire.is_curve:
            wire.points = _curve(wire)
        elif wire.kind == "retry":
            wire.points = (wire.source.right, wire.source.port), (wire.target.x, wire.target.port)
        elif wire.kind == "die":
            wire.points = _around(wire, bus)
    _put_rungs([wire for wire in wires if wire.rung])
    back = [wire for wire in wires if wire.goes_back]
    return _lead_back(columns, back, lowest) if back else lowest


def tracks(wires: Sequence[Wire]) -> int:
    """Return how many lines that lead back run side by side."""
    return len(_targets([wire for wire in wires if wire.goes_back]))


def point_at(points: Sequence[Point], share: float) -> Point:
    """Return the point of a cubic curve after a share of it."""
    weights = ((1 - share) ** 3, 3 * share * (1 - share) ** 2, 3 * share**2 * (1 - share), share**3)
    x, y = (sum(weight * point[n] for weight, point in zip(weights, points, strict=True)) for n in (0, 1))
    return x, y


def _curve(wire: Wire) -> tuple[Point, ...]:
    x1, y1, x2, y2 = wire.source.right, wire.source.port, wire.target.x, wire.target.port
    middle = (x1 + x2) / 2
    return (x1, y1), (middle, y1), (middle, y2), (x2, y2)


def _around(wire: Wire, bus: float) -> tuple[Point, ...]:
    """Return the way from a ladder's right side to the dead letters' right side, beside the column."""
    return (
        (wire.source.right, wire.source.port),
        (bus, wire.source.port),
        (bus, wire.target.port),
        (wire.target.right, wire.target.port),
    )


def _put_rungs(wires: Sequence[Wire]) -> None:
    done: list[Box] = []
    for wire in wires:
        if wire.rung is None:
            continue
        for share in (*_PLACES, _PLACES[0]):
            x, y = point_at(wire.points, share)
            wire.rung.move(x - wire.rung.width / 2, y - wire.rung.height / 2)
            if not any(_meet(wire.rung, other) for other in done):
                break
        done.append(wire.rung)


def _meet(one: Box, other: Box) -> bool:
    return one.x < other.right and other.x < one.right and one.y < other.bottom and other.y < one.bottom


def _targets(back: Sequence[Wire]) -> list[tuple[str, EdgeKind]]:
    """Return the tracks: one for each event and way to it. The lowest event comes first."""
    found: dict[tuple[str, EdgeKind], float] = {
        (wire.target.id, wire.kind): wire.target.port for wire in back
    }
    return sorted(found, key=lambda key: (-found[key], key))


def _lead_back(columns: Columns, back: Sequence[Wire], lowest: float) -> float:
    """Lead lines from tasks down, below all columns, and up to their events: nested, so that few cross."""
    order = {key: number for number, key in enumerate(_targets(back))}
    tasks, events = columns[3], columns[1]
    right, left = max(box.right for box in tasks), min(box.x for box in events)
    for wire in back:
        track = FIRST + TRACK * order[wire.target.id, wire.kind]
        y1, y2 = _beside(wire.source, wire), _beside(wire.target, wire)
        wire.points = (
            (wire.source.right, y1),
            (right + track, y1),
            (right + track, lowest + track),
            (left - track, lowest + track),
            (left - track, y2),
            (wire.target.x, y2),
        )
    return lowest + FIRST + TRACK * len(order)


def _beside(box: Box, wire: Wire) -> float:
    return box.port + box.height * _ASIDE * (-1 if wire.kind == "then" else 1)
