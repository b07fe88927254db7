"""The whole layout of a picture: what stands where."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ebats.runner.graph.graph import Graph
from ebats.runner.graph.picture import legend
from ebats.runner.graph.picture.box import MARGIN, SMALL, Box, Text, Wire
from ebats.runner.graph.picture.boxes import HEADINGS, Columns, columns, dead, is_large, ladders
from ebats.runner.graph.picture.order import order
from ebats.runner.graph.picture.place import place
from ebats.runner.graph.picture.route import FIRST, TRACK, route, tracks
from ebats.runner.graph.picture.strips import strips
from ebats.runner.graph.picture.text import width
from ebats.runner.graph.picture.wires import to_dead, wires

_TITLE, _HEADING = 56.0, 24.0
#: Between boxes of a column, and between columns.
_GAP, _NARROW_GAP, _BETWEEN, _WITH_RUNGS = 14.0, 7.0, 58.0, 104.0
_LEAST_WIDTH, _MOST_EXTRA = 640.0, 180


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A picture, all of it in pixels from its upper left corner."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    wires: tuple[Wire, ...]
    headings: tuple[Text, ...]
    #: Where the legend begins.
    legend: float

    def all_boxes(self) -> tuple[Box, ...]:
        """Return the boxes, those in them, and those on lines."""
        inside = tuple(box for each in self.boxes for box in each.all())
        return (*inside, *(wire.rung for wire in self.wires if wire.rung))


def lay_out(graph: Graph) -> Layout:
    """Return where everything stands; the same for the same graph."""
    found = columns(graph)
    beside, end = ladders(graph, found[-1]), dead(graph)
    lines = [*wires(graph, found)]
    gap = _NARROW_GAP if is_large(graph) else _GAP
    order(found, lines, gap)
    place(found, lines, gap)
    boxes = [box for column in found for box in column]
    for box in boxes:
        box.move(box.x, box.y + _TITLE + _HEADING)
    last = _spread(found, lines)
    right = _put_beside(found[-1], beside, end, last)
    lines += to_dead(found[-1], beside, end)
    bottom = route(found, lines, right + FIRST, max(box.bottom for box in (*boxes, end)))
    page = max(right + FIRST + MARGIN, _LEAST_WIDTH)
    below, texts, bottom = strips(graph, bottom, page)
    return Layout(
        width=page,
        height=bottom + 2 * MARGIN + legend.height(boxes, lines, page),
        boxes=(*boxes, *beside.values(), end, *below),
        wires=tuple(lines),
        headings=(*_headings(found, last), *texts),
        legend=bottom + MARGIN,
    )


def _spread(found: Columns, lines: Sequence[Wire]) -> float:
    """Put the columns side by side, with room for what runs between them; return where the next begins."""
    back = tracks(lines) * TRACK
    has_rungs = any(wire.rung for wire in lines)
    # Many lines at once are steep ones, which need more room to be told apart.
    count = {kind: min(_MOST_EXTRA, sum(wire.kind == kind for wire in lines)) for kind in ("route", "feed")}
    routes = (_WITH_RUNGS if has_rungs else _BETWEEN) + count["route"]
    gaps = (_BETWEEN + back, routes, _BETWEEN + count["feed"] / 3, _BETWEEN + back)
    x = MARGIN
    for column, heading, gap in zip(found, HEADINGS, gaps, strict=False):
        if not column:
            continue
        for box in column:
            box.move(x, box.y)
        x += max(column[0].width, width(heading, SMALL, bold=True)) + gap
    return x


def _put_beside(tasks: Sequence[Box], ladders: Mapping[str, Box], dead: Box, x: float) -> float:
    """Put each ladder beside its task, and the dead letters below all; return their right border."""
    for task in tasks:
        if task.id in ladders:
            ladders[task.id].move(x, task.y)
    dead.move(x, max((task.bottom for task in tasks), default=_TITLE + _HEADING - _GAP) + _GAP)
    dead.width = max([dead.width, *(box.width for box in ladders.values())])
    return max(dead.right, x + width(HEADINGS[-1], SMALL, bold=True))


def _headings(found: Columns, last: float) -> Iterable[Text]:
    places = [*(column[0].x if column else None for column in found), last]
    for x, text in zip(places, HEADINGS, strict=True):
        if x is not None:
            yield Text(x=x, y=_TITLE + _HEADING - 12, text=text, size=SMALL, bold=True)
