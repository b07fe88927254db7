"""From a graph's edges to the lines between boxes."""

from collections.abc import Iterable, Iterator, Mapping

from ebats.runner.graph.graph import Edge, Graph
from ebats.runner.graph.picture.box import Box, Wire
from ebats.runner.graph.picture.boxes import Columns, rung, slot_id


def to_dead(tasks: Iterable[Box], ladders: Mapping[str, Box], dead: Box) -> Iterator[Wire]:
    """Return the lines from tasks to their ladders, and from there, or at once, to the dead letters."""
    for task in tasks:
        if task.id in ladders:
            yield Wire(source=task, target=ladders[task.id], kind="retry")
        yield Wire(source=ladders.get(task.id, task), target=dead, kind="die")


def wires(graph: Graph, columns: Columns) -> Iterator[Wire]:
    """Return the lines between the boxes of columns."""
    boxes = {box.id: box for column in columns for each in column for box in each.all()}
    ends = {edge.source: edge for edge in graph.edges if edge.kind == "wait"}
    for edge in graph.edges:
        # Who takes what stands in the boxes of queues, and an event's rung on the line to its queue.
        if edge.kind in ("take", "wait", "retry", "die"):
            continue
        source = boxes[edge.source]
        if edge.kind == "feed":
            source = _slot(boxes, edge.source, edge.target)
            yield Wire(source=source, target=boxes[edge.target], kind="feed")
        elif edge.kind == "route":
            last = ends.get(edge.target)
            waits = rung(graph.by_id[edge.target]) if last else None
            yield Wire(source=source, target=_end(boxes, last or edge), kind="route", rung=waits)
        else:
            yield Wire(source=source, target=boxes[edge.target], kind=edge.kind)


def _end(boxes: Mapping[str, Box], edge: Edge) -> Box:
    return boxes[edge.target] if edge.task is None else _slot(boxes, edge.target, edge.task)


def _slot(boxes: Mapping[str, Box], queue: str, task: str) -> Box:
    """Return a task's slot in a queue, or the queue's box where it has just one task."""
    return boxes.get(slot_id(queue, task)) or boxes[queue]
