"""From a graph to boxes in five columns, measured but not yet in their places."""

from collections.abc import Iterable

from ebats.runner.graph.graph import Graph, Node
from ebats.runner.graph.picture.box import NAME, NAME_LINE, PAD, SMALL, SMALL_LINE, Box
from ebats.runner.graph.picture.text import ELLIPSIS, cut, width

#: A text is cut that gets wider.
_MOST = 204.0
_NARROWEST = 96.0
_CHIP_HEIGHT, _CHIP_GAP, _CHIP_LINES = 18.0, 4.0, 2
_CHIPS_WIDTH = 176.0
ROW_GAP, INSET = 5.0, 6.0
_SLOT_HEIGHT = 22.0
_MANY_TASKS = 60

Columns = tuple[list[Box], ...]
#: Of the columns, and of what stands beside the last.
HEADINGS = ("Producers", "Exchanges and events", "Queues", "Tasks", "Ladders, dead letters")


def columns(graph: Graph) -> Columns:
    """Return the boxes of a graph, by columns, from the left to the right; in each the file's order.

    Ladders aren't among them: each stands beside its task.
    """
    intakes = {node.within for node in graph.nodes if node.within}
    exchanges = [node for node in graph.of_kind("exchange", "queue") if _holds(node, intakes)]
    queues = [node for node in graph.of_kind("queue") if node.id not in intakes]
    return (
        _widened([_plain(node) for node in graph.of_kind("outside", "producer")]),
        _widened([_exchange(graph, node) for node in exchanges]),
        _widened([_queue(graph, node) for node in queues]),
        _widened([_plain(node, bare=is_large(graph)) for node in graph.of_kind("task")]),
    )


def ladders(graph: Graph, tasks: Iterable[Box]) -> dict[str, Box]:
    """Return the boxes of the tasks' ladders, by the ids of the tasks; each as high as its task's box.

    A ladder that several tasks share stands beside each: lines from everywhere to one box can't be followed.
    """
    found = {
        task.id: _ladder(node, f"{node.id}@{task.id}", bare=is_large(graph))
        for task in tasks
        for node in graph.targets(task.id, "retry")
    }
    _widened([*found.values()])
    for task in tasks:
        if task.id in found:
            task.height = found[task.id].height = max(task.height, found[task.id].height)
    return found


def dead(graph: Graph) -> Box:
    """Return the box of the dead letters."""
    (node,) = graph.of_kind("dead")
    return _widened([_plain(node)])[0]


def is_large(graph: Graph) -> bool:
    """Return whether there is so much that only names are written, and all else is shown when asked for."""
    return len(graph.of_kind("task")) > _MANY_TASKS


def slot_id(queue: str, task: str) -> str:
    """Return the id of the slot that a task has in a queue's box; both are given by their nodes' ids."""
    return f"slot:{queue}:{task}"


def rung(node: Node) -> Box:
    """Return the box of an event's rung, which stands on a line."""
    box = Box(id=node.id, kind="rung", name=node.name, tip=f"waits {node.name}, in {node.more[0]}")
    box.width, box.height = width(box.name, SMALL) + 2 * (PAD - 2), 18.0
    return box


def small(node: Node) -> Box:
    """Return the box of a sink or a channel."""
    box = _plain(node)
    box.width = max(_NARROWEST, _content_width(box))
    return box


def _holds(node: Node, intakes: Iterable[str]) -> bool:
    return node.kind == "exchange" or node.id in intakes


def _plain(node: Node, more_lines: Iterable[str] = (), *, bare: bool = False) -> Box:
    lines = (*node.details, *more_lines)
    box = Box(
        id=node.id,
        kind=node.kind,
        name=cut(node.name, NAME, _MOST, bold=True),
        lines=() if bare else tuple(cut(line, SMALL, _MOST) for line in lines),
        tip="\n".join((node.name, *lines, *node.more)),
        external=node.external or node.kind == "outside",
    )
    box.height = head_height(box)
    return box


def _exchange(graph: Graph, node: Node) -> Box:
    box = _plain(node, _consumers(graph, node))
    box.rows = [_plain(each) for each in graph.within(node.id)]
    _stack_rows(box)
    return box


def _queue(graph: Graph, node: Node) -> Box:
    box = _plain(node, _consumers(graph, node), bare=is_large(graph))
    tasks = graph.targets(node.id, "feed")
    if len(tasks) > 1:
        box.rows = [_slot(node, task) for task in tasks]
        _stack_rows(box)
    return box


def _slot(queue: Node, task: Node) -> Box:
    box = Box(id=slot_id(queue.id, task.id), kind="slot", name=cut(task.name, SMALL, _MOST), tip=task.name)
    box.height = _SLOT_HEIGHT
    return box


def _consumers(graph: Graph, queue: Node) -> tuple[str, ...]:
    """Say who takes from a queue, unless one consumer takes from all of them."""
    if len(graph.of_kind("consumer")) == 1:
        return ()
    return tuple(f"consumer {each.name}" for each in graph.targets(queue.id, "take"))


def _ladder(node: Node, id_: str, *, bare: bool) -> Box:
    box = Box(id=id_, kind="ladder", name=cut(node.name, NAME, _MOST, bold=True))
    box.tip = f"{node.name}: waits {', '.join(node.details)}"
    left = 2 * PAD + width(box.name, NAME, bold=True) if bare else PAD
    x, y, line = left, PAD - 2 if bare else PAD + NAME_LINE + 2, 1
    for number, text in enumerate(node.details):
        chip = Box(id=f"{id_}:{number}", kind="chip", name=text, height=_CHIP_HEIGHT)
        chip.width = width(text, SMALL) + 2 * (PAD - 2)
        if x + chip.width > left + _CHIPS_WIDTH and x > left:
            x, y, line = left, y + _CHIP_HEIGHT + _CHIP_GAP, line + 1
        if line > (1 if bare else _CHIP_LINES):
            box.rows[-1].name = ELLIPSIS
            break
        chip.move(x, y)
        box.rows.append(chip)
        x += chip.width + _CHIP_GAP
    box.height = max(head_height(box), box.rows[-1].bottom + PAD - (2 if bare else 0))
    return box


def _stack_rows(box: Box) -> None:
    """Put the rows of a box below its head, and make it as high as that needs."""
    y = box.y + head_height(box) - 1
    for row in box.rows:
        row.move(box.x + INSET, y)
        y += row.height + ROW_GAP
    box.height = y + INSET - ROW_GAP - box.y if box.rows else head_height(box)


def stack(box: Box) -> None:
    """Put the rows of an exchange or a queue one below the other, in their order."""
    if box.rows:
        _stack_rows(box)


def head_height(box: Box) -> float:
    """Return how high a box is above its rows."""
    return 2 * PAD + NAME_LINE + SMALL_LINE * len(box.lines) - 2


def _widened(boxes: list[Box]) -> list[Box]:
    """Make all boxes of a column as wide as the widest."""
    widest = max((_content_width(each) for each in boxes), default=0.0)
    for box in boxes:
        box.width = max(_NARROWEST, widest)
        for row in box.rows:
            if row.kind != "chip":
                row.width = box.width - 2 * INSET
    return boxes


def _content_width(box: Box) -> float:
    if box.kind == "slot":
        return width(box.name, SMALL) + 2 * PAD
    name = width(box.name, NAME, bold=True)
    own = max([name, *(width(line, SMALL) for line in box.lines)]) + 2 * PAD
    inside = [
        row.x + row.width + PAD if row.kind == "chip" else _content_width(row) + 2 * INSET for row in box.rows
    ]
    return max([own, *inside])
