"""What stands below everything, since it has to do with all of it: consumers, sinks, channels of alerts."""

from collections.abc import Sequence

from ebats.runner.graph.graph import Graph, Kind
from ebats.runner.graph.picture.box import MARGIN, SMALL, Box, Text
from ebats.runner.graph.picture.boxes import small
from ebats.runner.graph.picture.text import width

_GROUPS: tuple[tuple[str, Kind], ...] = (
    ("Consumers", "consumer"),
    ("Records go to", "sink"),
    ("Alerts go to", "channel"),
)
_GAP, _BETWEEN, _HEADING, _LINE = 10.0, 34.0, 22.0, 28.0


def strips(graph: Graph, top: float, page: float) -> tuple[list[Box], list[Text], float]:
    """Return the boxes below `top`, in rows no wider than a page, their headings, and where they end."""
    boxes: list[Box] = []
    texts: list[Text] = []
    x, y, bottom = MARGIN, top, top
    for heading, kind in _GROUPS:
        group = [small(node) for node in graph.of_kind(kind)]
        if not group:
            continue
        if x > MARGIN and x + _wide(group, heading) > page - MARGIN:
            x, y = MARGIN, bottom
        texts.append(Text(x=x, y=y + _LINE + 10, text=heading, size=SMALL, bold=True))
        first, row = x, y + _LINE + _HEADING
        for box in group:
            if x > first and x + box.width > page - MARGIN:
                x, row = first, bottom + _GAP
            box.move(x, row)
            x, bottom = box.right + _GAP, max(bottom, box.bottom)
        boxes += group
        x = max([first + width(heading, SMALL, bold=True), *(box.right for box in group)]) + _BETWEEN
    return boxes, texts, bottom


def _wide(group: Sequence[Box], heading: str) -> float:
    boxes = sum(box.width + _GAP for box in group) - _GAP
    return max(boxes, width(heading, SMALL, bold=True))
