"""The order of the boxes in each column: each goes to the middle of its neighbours; few lines cross so."""

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Mapping, Sequence

from ebats.runner.graph.picture.box import Box, Wire
from ebats.runner.graph.picture.boxes import Columns, stack

#: There and back counts as two.
_SWEEPS = 12

Neighbours = Mapping[str, Sequence[Box]]


def order(columns: Columns, wires: Sequence[Wire], gap: float) -> None:
    """Sort the boxes of the columns, and the rows in them, and stack them. The same for the same input.

    The barycenter method of Sugiyama, Tagawa and Toda (1981), with the best of all tries kept.
    """
    forward = [wire for wire in wires if wire.is_curve]
    left, right = _neighbours(forward)
    _stack_all(columns, gap)
    best, fewest = _snapshot(columns), crossings(columns, forward)
    for sweep in range(_SWEEPS):
        for column in columns if sweep % 2 == 0 else reversed(columns):
            _sort(column, left if sweep % 2 == 0 else right)
            _stack(column, gap)
        found = crossings(columns, forward)
        if found < fewest:
            best, fewest = _snapshot(columns), found
        if not fewest:
            break
    _restore(columns, best)
    _stack_all(columns, gap)


def crossings(columns: Columns, wires: Sequence[Wire]) -> int:
    """Return how many pairs of lines between two columns cross."""
    column_of = {box.id: n for n, column in enumerate(columns) for each in column for box in each.all()}
    between: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for wire in wires:
        between[column_of[wire.source.id]].append((wire.source.port, wire.target.port))
    return sum(_inversions(sorted(pairs)) for pairs in between.values())


def _inversions(pairs: Sequence[tuple[float, float]]) -> int:
    seen: list[float] = []
    found = 0
    for _, end in pairs:
        found += len(seen) - bisect_right(seen, end)
        insort(seen, end)
    return found


def _neighbours(wires: Sequence[Wire]) -> tuple[Neighbours, Neighbours]:
    left: dict[str, list[Box]] = defaultdict(list)
    right: dict[str, list[Box]] = defaultdict(list)
    for wire in wires:
        left[wire.target.id].append(wire.source)
        right[wire.source.id].append(wire.target)
    return left, right


def _sort(column: list[Box], neighbours: Neighbours) -> None:
    for box in column:
        box.rows.sort(key=lambda row: _middle([row], neighbours))
    column.sort(key=lambda box: _middle([*box.all()], neighbours))


def _middle(boxes: Sequence[Box], neighbours: Neighbours) -> float:
    """Return where the neighbours of some boxes are; of boxes without any, where they are themselves."""
    ports = [each.port for box in boxes for each in neighbours.get(box.id, ())]
    return sum(ports) / len(ports) if ports else boxes[0].port


def _stack_all(columns: Columns, gap: float) -> None:
    for column in columns:
        _stack(column, gap)


def _stack(column: list[Box], gap: float) -> None:
    y = 0.0
    for box in column:
        box.move(box.x, y)
        stack(box)
        y += box.height + gap


Snapshot = list[list[tuple[Box, list[Box]]]]


def _snapshot(columns: Columns) -> Snapshot:
    return [[(box, [*box.rows]) for box in column] for column in columns]


def _restore(columns: Columns, snapshot: Snapshot) -> None:
    for column, kept in zip(columns, snapshot, strict=True):
        column[:] = [box for box, _ in kept]
        for box, rows in kept:
            box.rows = rows
