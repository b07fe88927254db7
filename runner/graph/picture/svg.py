"""A graph as SVG: drawn from its layout, readable without scripts, fonts or anything else from elsewhere."""

from collections.abc import Iterator, Sequence
from html import escape

from ebats.runner.graph.graph import Graph
from ebats.runner.graph.picture import style
from ebats.runner.graph.picture.box import MARGIN, SMALL, Box, Text, Wire
from ebats.runner.graph.picture.layout import Layout, lay_out
from ebats.runner.graph.picture.legend import ROW, Entry, line_class, rows
from ebats.runner.graph.summary import contents, sentences

_CORNER, _HEAD = 6.0, 6.0
_ROUND = {"rung": 9, "chip": 9, "task": 6, "dead": 6}

Point = tuple[float, float]


def draw(graph: Graph) -> str:
    """Return the picture of a graph; the same for the same graph."""
    layout = lay_out(graph)
    size = f'width="{_n(layout.width)}" height="{_n(layout.height)}"'
    view = f'viewBox="0 0 {_n(layout.width)} {_n(layout.height)}"'
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} {view} role="img" aria-labelledby="title desc">',
            f'<title id="title">{_text(f"Pipeline {graph.name}: {contents(graph)}")}</title>',
            f'<desc id="desc">{_text(" ".join(sentences(graph)))}</desc>',
            f"<style>\n{style.css()}\n</style>",
            '<rect class="page" width="100%" height="100%"/>',
            f'<text class="title" x="{_n(MARGIN)}" y="34">{_text(graph.name)}</text>',
            *(_line(text, "heading soft") for text in layout.headings),
            *(_box(box) for box in layout.boxes),
            *_wires(layout.wires),
            *(_box(wire.rung) for wire in layout.wires if wire.rung),
            *_legend(layout),
            "</svg>\n",
        )
    )


def _box(box: Box) -> str:
    place = f'x="{_n(box.x)}" y="{_n(box.y)}" width="{_n(box.width)}" height="{_n(box.height)}"'
    external = " external" if box.external else ""
    tip = f"<title>{_text(box.tip)}</title>" if box.tip else ""
    rectangle = f'<rect class="{box.kind}{external}" {place} rx="{_ROUND.get(box.kind, 4)}"/>'
    texts = "".join(_line(text, "name" if text.bold else _soft(box)) for text in box.texts())
    return f"<g>{tip}{rectangle}{texts}{''.join(map(_box, box.rows))}</g>"


def _soft(box: Box) -> str:
    return "" if box.kind in ("chip", "rung", "slot") else "soft"


def _wires(wires: Sequence[Wire]) -> Iterator[str]:
    # Lines that share a part of their way are drawn over each other, and their heads once.
    heads: dict[str, None] = {}
    shared: set[tuple[str, str]] = set()
    # Of those that go the same way back, the highest first: the others only lead into it, or their dashes
    # would fill each other's gaps.
    for wire in sorted(wires, key=lambda wire: wire.points[0][1] if wire.goes_back else 0.0):
        kind, way = line_class(wire.kind), (wire.target.id, wire.kind)
        points = wire.points[:2] if wire.goes_back and way in shared else wire.points
        shared.add(way)
        yield f'<path class="{kind}" d="{_curve(points) if wire.is_curve else _corners(points)}"/>'
        heads[_head(wire.points[-1], kind, leftwards=wire.kind == "die")] = None
        if wire.kind == "retry":
            heads[_head(wire.points[0], kind, leftwards=True)] = None
    yield from heads


def _curve(points: Sequence[Point]) -> str:
    start, *rest = (f"{_n(x)} {_n(y)}" for x, y in points)
    return f"M{start}C{', '.join(rest)}"


def _corners(points: Sequence[Point]) -> str:
    """Return a path along points, its corners rounded."""
    (x, y), *_ = points
    drawn = f"M{_n(x)} {_n(y)}"
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        near, far = _towards(corner, before), _towards(corner, after)
        drawn += f"L{_n(near[0])} {_n(near[1])}Q{_n(corner[0])} {_n(corner[1])} {_n(far[0])} {_n(far[1])}"
    return f"{drawn}L{_n(points[-1][0])} {_n(points[-1][1])}"


def _towards(corner: Point, other: Point) -> Point:
    """Return the point a little way from a corner, at most half of the way to the other."""
    far = abs(other[0] - corner[0]) + abs(other[1] - corner[1])
    share = min(_CORNER, far / 2) / far if far else 0.0
    return corner[0] + (other[0] - corner[0]) * share, corner[1] + (other[1] - corner[1]) * share


def _head(tip: Point, kind: str, *, leftwards: bool) -> str:
    x, y = tip
    back = _HEAD if leftwards else -_HEAD
    corners = f"M{_n(x)} {_n(y)}l{_n(back)} -3.5v7z"
    return f'<path class="head {kind}" d="{corners}"/>'


def _legend(layout: Layout) -> Iterator[str]:
    for number, row in enumerate(rows(layout.boxes, layout.wires, layout.width)):
        for x, entry in row:
            yield from _entry(entry, x, layout.legend + ROW * number)


def _entry(entry: Entry, x: float, y: float) -> Iterator[str]:
    if entry.is_line:
        yield f'<path class="{entry.style}" d="M{_n(x)} {_n(y)}h24"/>'
        yield _head((x + 26, y), entry.style, leftwards=False)
        if entry.style == "retry":
            yield _head((x, y), entry.style, leftwards=True)
    else:
        yield f'<rect class="{entry.style}" x="{_n(x)}" y="{_n(y - 7)}" width="26" height="14" rx="4"/>'
    yield _line(Text(x=x + 32, y=y + 4, text=entry.text, size=SMALL), "soft")


def _line(text: Text, classes: str) -> str:
    style_class = f'class="{classes}" ' if classes else ""
    return f'<text {style_class}x="{_n(text.x)}" y="{_n(text.y)}">{_text(text.text)}</text>'


def _text(text: str) -> str:
    # XML has no place for control characters, not even escaped: https://www.w3.org/TR/xml/#charsets
    return escape("".join(char if char.isprintable() or char == "\n" else " " for char in text))


def _n(number: float) -> str:
    """Return a number without what nobody sees."""
    return f"{number:.1f}".removesuffix(".0")
