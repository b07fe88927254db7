"""Where the boxes of each column stand: as near to their neighbours as the boxes above and below let them."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ebats.runner.graph.picture.box import Box, Wire
from ebats.runner.graph.picture.boxes import INSET, ROW_GAP, Columns, head_height

_ROUNDS = 6

#: For each box, its lines: the box itself, and the one at the other end.
Pulls = Mapping[str, Sequence[tuple[Box, Box]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What moves as one: a box, or a row of it, the first with the head above it."""

    box: Box
    row: Box | None
    #: From the top of the part to that of the row.
    above: float
    #: With what has to be free below it.
    height: float


def place(columns: Columns, wires: Sequence[Wire], gap: float) -> None:
    """Move boxes up and down, in their order, until lines are as level as they get.

    The longest column stays as it is stacked, and the others follow it: rows move apart for that.
    """
    pulls: dict[str, list[tuple[Box, Box]]] = defaultdict(list)
    for wire in wires:
        if wire.is_curve:
            pulls[wire.source.id].append((wire.source, wire.target))
            pulls[wire.target.id].append((wire.target, wire.source))
    longest = max(range(len(columns)), key=lambda n: sum(box.height + gap for box in columns[n]))
    outwards = sorted(range(len(columns)), key=lambda n: (abs(n - longest), n))
    for _ in range(_ROUNDS):
        for number in outwards[1:]:
            _settle([part for box in columns[number] for part in _parts(box, gap)], pulls)
    top = min((box.y for column in columns for box in column), default=0.0)
    for column in columns:
        for box in column:
            box.move(box.x, box.y - top)


def _parts(box: Box, gap: float) -> Iterator[Part]:
    if not box.rows:
        yield Part(box=box, row=None, above=0.0, height=box.height + gap)
        return
    for row in box.rows:
        above = head_height(box) - 1 if row is box.rows[0] else 0.0
        below = INSET + gap if row is box.rows[-1] else ROW_GAP
        yield Part(box=box, row=row, above=above, height=above + row.height + below)


def _settle(parts: Sequence[Part], pulls: Pulls) -> None:
    """Give each part the place it wants; where they would overlap, their common middle.

    Pool adjacent violators: the least squares of all wishes, in the order that is given.
    """
    # Each pool: its parts, the sum of the tops that they want for the first of them, their weights,
    # and its height.
    pools: list[tuple[list[Part], float, float, float]] = []
    for part in parts:
        wish, weight = _wish(part, pulls)
        pool = ([part], wish * weight, weight, part.height)
        while pools and _end(pools[-1]) > pool[1] / pool[2]:
            before, total, weights, height = pools.pop()
            total += pool[1] - height * pool[2]
            pool = ([*before, *pool[0]], total, weights + pool[2], height + pool[3])
        pools.append(pool)
    for found, total, weights, _ in pools:
        y = total / weights
        for part in found:
            _put(part, y)
            y += part.height


def _put(part: Part, y: float) -> None:
    """Move a part; a box begins where its first row does, and ends below its last."""
    if part.row is None:
        part.box.move(part.box.x, y)
        return
    part.row.move(part.row.x, y + part.above)
    if part.row is part.box.rows[0]:
        part.box.y = y
    part.box.height = part.row.bottom + INSET - part.box.y


def _end(pool: tuple[list[Part], float, float, float]) -> float:
    _, total, weights, height = pool
    return total / weights + height


def _wish(part: Part, pulls: Pulls) -> tuple[float, float]:
    """Return the top that a part wants, and how much."""
    top = part.box.y if part.row is None else part.row.y - part.above
    own = [*part.box.all()] if part.row is None else [part.row]
    if part.above:
        own.append(part.box)
    ends = [pair for each in own for pair in pulls.get(each.id, ())]
    if not ends:
        return top, 0.01
    return sum(other.port - (each.port - top) for each, other in ends) / len(ends), len(ends)
