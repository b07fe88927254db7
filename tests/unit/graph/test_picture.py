"""The geometry of our own drawing: nothing overlaps, everything fits, and all of the file is there."""

from collections.abc import Iterator
from itertools import combinations
from xml.etree import ElementTree

import pytest

from ebats.pipelines.model import Pipeline
from ebats.runner.graph.build import build
from ebats.runner.graph.picture.box import Box, Wire
from ebats.runner.graph.picture.layout import lay_out
from ebats.runner.graph.picture.route import point_at
from ebats.runner.graph.picture.svg import draw
from ebats.runner.graph.picture.text import cut, width
from tests.unit.graph.files import FILES, graph, loaded, many

Point = tuple[float, float]
SIZES = (1, 2, 7, 40, 200)
#: Pixels that rounding may cost.
SLACK = 0.11
SVG = "{http://www.w3.org/2000/svg}"
PIPELINES = [
    *(pytest.param(lambda path=path: loaded(path), id=f"{path.parent.name}/{path.stem}") for path in FILES),
    *(pytest.param(lambda size=size: many(size), id=f"{size} tasks") for size in SIZES),
]


@pytest.fixture(params=PIPELINES)
def pipeline(request: pytest.FixtureRequest) -> Pipeline:
    """Each of the files, and made ones."""
    found = request.param()
    assert isinstance(found, Pipeline)
    return found


def test_no_two_boxes_overlap(pipeline: Pipeline) -> None:
    layout = lay_out(build(pipeline))
    rungs = [wire.rung for wire in layout.wires if wire.rung]
    for one, other in combinations([*layout.boxes, *rungs], 2):
        assert not overlap(one, other), f"{one.id} and {other.id}"
    for box in layout.boxes:
        for one, other in combinations(box.rows, 2):
            assert not overlap(one, other), f"{one.id} and {other.id}"


def test_what_is_in_a_box_is_inside_it(pipeline: Pipeline) -> None:
    layout = lay_out(build(pipeline))
    for box in layout.boxes:
        for row in box.rows:
            assert box.x < row.x < row.right < box.right, row.id
            assert box.y < row.y < row.bottom < box.bottom, row.id
        assert 0 < box.x < box.right < layout.width, box.id
        assert 0 < box.y < box.bottom < layout.legend < layout.height, box.id


def test_every_text_fits_into_its_box(pipeline: Pipeline) -> None:
    boxes = lay_out(build(pipeline)).all_boxes()
    by_id = {box.id: box for box in boxes}
    for box in boxes:
        for text in box.texts():
            right, top = text.x + width(text.text, text.size, bold=text.bold), text.y - text.size * 0.8
            assert box.x < text.x < right < box.right, text
            assert box.y < top < text.y < box.bottom - 1, text
            hit = [row.id for row in box.rows if row.x < right and text.x < row.right and row.y < text.y + 1]
            assert not [row for row in hit if top < by_id[row].bottom], text


def test_every_line_begins_and_ends_at_its_boxes(pipeline: Pipeline) -> None:
    for wire in lay_out(build(pipeline)).wires:
        (x1, y1), (x2, y2) = wire.points[0], wire.points[-1]
        assert x1 == pytest.approx(wire.source.right, abs=SLACK)
        assert wire.source.y < y1 < wire.source.bottom
        border = wire.target.right if wire.kind == "die" else wire.target.x
        assert x2 == pytest.approx(border, abs=SLACK)
        assert wire.target.y < y2 < wire.target.bottom


def test_no_line_runs_through_a_box(pipeline: Pipeline) -> None:
    layout = lay_out(build(pipeline))
    for wire in layout.wires:
        ends = {wire.source.id, wire.target.id}
        # A row's line leaves through the border of the box around it.
        around = [box for box in layout.boxes if ends & {each.id for each in box.all()}]
        way = [*points_of(wire)]
        left, right = min(x for x, _ in way), max(x for x, _ in way)
        near = [box for box in layout.boxes if box.x < right and left < box.right and box not in around]
        hit = [box.id for box in near for x, y in way if box.x < x < box.right and box.y < y < box.bottom]
        assert not hit, f"{wire.source.id} to {wire.target.id}"


def test_a_rung_stands_on_its_line(pipeline: Pipeline) -> None:
    for wire in lay_out(build(pipeline)).wires:
        if wire.rung is not None:
            box = wire.rung
            x, y = box.x + box.width / 2, box.y + box.height / 2
            near = min(abs(x - each) + abs(y - other) for each, other in points_of(wire))
            assert near < 20
            assert wire.source.right < box.x
            assert box.right < wire.target.x


def test_every_definition_is_in_the_picture(pipeline: Pipeline) -> None:
    names = {
        *(name for name in (*pipeline.exchanges, *pipeline.queues, *pipeline.tasks, *pipeline.events)),
        *(name for name in (*pipeline.producers, *pipeline.consumers)),
        *(task.ladder.name for task in pipeline.tasks.values() if task.ladder and task.ladder.name),
        *(sink.name for sink in pipeline.sinks),
        *(pipeline.alerts.channels if pipeline.alerts else ()),
    }
    drawn = draw(build(pipeline))
    tips = {(each.text or "").splitlines()[0] for each in ElementTree.fromstring(drawn).iter(f"{SVG}title")}
    assert {name for name in names if name not in tips and f"{name}: waits" not in " ".join(tips)} == set()


def test_the_picture_is_the_same_each_time(pipeline: Pipeline) -> None:
    assert draw(build(pipeline)) == draw(build(pipeline))


def test_nothing_in_the_picture_comes_from_elsewhere(pipeline: Pipeline) -> None:
    root = ElementTree.fromstring(draw(build(pipeline)))
    allowed = {"svg", "title", "desc", "style", "rect", "text", "g", "path"}
    assert {each.tag.removeprefix(SVG) for each in root.iter()} <= allowed
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "title desc"
    style = root.findtext(f"{SVG}style") or ""
    assert "url(" not in style
    assert "prefers-color-scheme: dark" in style


def test_a_desc_says_what_leads_to_what() -> None:
    text = """
tasks:
  ship: {python: "a:b", retry: [1s], then: shipped}
  tell: {python: "a:c"}
events: {paid: {tasks: [ship]}, shipped: {tasks: [{task: tell, delay: 5s}]}}
"""
    root = ElementTree.fromstring(draw(graph(text)))
    assert root.findtext(f"{SVG}title") == "Pipeline shop: 2 events, 2 queues, 2 tasks, 1 consumer"
    said = "paid leads to ship. shipped leads to tell after 5s. When ship succeeds, shipped follows."
    assert root.findtext(f"{SVG}desc") == said


def test_a_chain_of_events_is_drawn_without_crossings() -> None:
    """Each event has one task and each task one queue: then the lines of each gap keep the same order."""
    tasks = "\n".join(f'  task_{n}: {{python: "a:b"}}' for n in (3, 1, 4, 0, 2))
    events = "\n".join(f"  event_{n}: {{tasks: [task_{n}]}}" for n in range(5))
    layout = lay_out(graph(f"tasks:\n{tasks}\nevents:\n{events}\n"))
    for kind in ("route", "feed"):
        ends = [(wire.source.port, wire.target.port) for wire in layout.wires if wire.kind == kind]
        assert sorted(ends) == sorted(ends, key=lambda pair: pair[1])


def test_long_and_chinese_texts_are_cut_to_fit() -> None:
    assert cut("ship", 13, 100) == "ship"
    long = cut("a_name_that_is_as_long_as_names_may_be_and_then_some_more_of_it", 13, 300, bold=True)
    start, end = long.split("…")
    assert start.startswith("a_name_that_is")
    assert end.endswith("of_it")
    assert 280 < width(long, 13, bold=True) <= 300
    assert width("订单", 10) == 20
    assert width(cut("很长很长的名字很长很长的名字", 10, 50), 10) <= 50


def overlap(one: Box, other: Box) -> bool:
    return one.x < other.right and other.x < one.right and one.y < other.bottom and other.y < one.bottom


def points_of(wire: Wire) -> Iterator[Point]:
    """Walk along a line."""
    steps = 60
    if wire.is_curve:
        yield from (point_at(wire.points, n / steps) for n in range(steps + 1))
        return
    for (x1, y1), (x2, y2) in zip(wire.points, wire.points[1:], strict=False):
        yield from ((x1 + (x2 - x1) * n / steps, y1 + (y2 - y1) * n / steps) for n in range(steps + 1))
