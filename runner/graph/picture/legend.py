"""What the colours and lines of a picture mean."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ebats.runner.graph.picture.box import MARGIN, SMALL, Box, Wire
from ebats.runner.graph.picture.text import width

ROW = 22.0


class Entry(NamedTuple):
    """A sample, and what it means."""

    style: str
    text: str
    is_line: bool = True


_ENTRIES = (
    Entry("way", "a message"),
    Entry("rung", "waits first", is_line=False),
    Entry("retry", "failed: waits on the ladder, comes back"),
    Entry("die", "failed for good: dead"),
    Entry("then", "then: after a success"),
    Entry("on_dead", "on_dead: after a death"),
    Entry("external outside", "not of this file", is_line=False),
)


def rows(boxes: Sequence[Box], wires: Sequence[Wire], page: float) -> Iterator[list[tuple[float, Entry]]]:
    """Return what a picture of these boxes and lines needs, each with its x, by rows no wider than a page."""
    kinds = {line_class(wire.kind) for wire in wires}
    kinds |= {"external outside"} if any(box.external for box in boxes) else set()
    kinds |= {"rung"} if any(wire.rung for wire in wires) else set()
    row: list[tuple[float, Entry]] = []
    x = MARGIN
    for entry in _ENTRIES:
        if entry.style not in kinds:
            continue
        wide = 32 + width(entry.text, SMALL)
        if row and x + wide > page - MARGIN:
            yield row
            row, x = [], MARGIN
        row.append((x, entry))
        x += wide + 22
    yield row


def height(boxes: Sequence[Box], wires: Sequence[Wire], page: float) -> float:
    """Return how high the legend is."""
    return ROW * len([*rows(boxes, wires, page)]) - ROW / 2


def line_class(kind: str) -> str:
    """Return how a line of a kind is drawn."""
    known = {"retry": "retry", "die": "die", "then": "then", "on_dead": "on_dead"}
    return known.get(kind, "way")
