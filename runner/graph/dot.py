"""A graph in the DOT language, for Graphviz: `dot -Tsvg`."""

from collections.abc import Iterator, Mapping

from ebats.runner.graph.graph import Edge, EdgeKind, Graph, Kind, Node
from ebats.runner.graph.labels import containers, label, shown_edges, shown_nodes, tag

_SHAPES: Mapping[Kind, str] = {
    "outside": 'shape=box, style="rounded,dashed,filled", fillcolor="#f6f7f9", color="#8a94a3"',
    "producer": 'shape=box, style="rounded,filled", fillcolor="#e3eefc", color="#3f7fd0"',
    "exchange": 'shape=box, style="filled", fillcolor="#f1edfb", color="#8a6fd1"',
    "event": 'shape=box, style="rounded,filled", fillcolor="#ffffff", color="#b9a8e6"',
    "key": 'shape=box, style="rounded,filled", fillcolor="#ffffff", color="#b9a8e6"',
    "rung": 'shape=hexagon, style="filled", fillcolor="#fff3d1", color="#c98a12"',
    "queue": 'shape=cylinder, style="filled", fillcolor="#ddf3ee", color="#23917f"',
    "task": 'shape=box, style="filled", fillcolor="#ffffff", color="#47566b"',
    "ladder": 'shape=hexagon, style="filled", fillcolor="#fff3d1", color="#c98a12"',
    "dead": 'shape=cylinder, style="filled", fillcolor="#fde6e4", color="#cc3d33"',
}
_LINES: Mapping[EdgeKind, str] = {
    "retry": 'dir=both, color="#c98a12"',
    "die": 'color="#cc3d33"',
    "then": 'style=dashed, constraint=false, color="#2c8a3e"',
    "on_dead": 'style=dashed, constraint=false, color="#cc3d33"',
}


def dot(graph: Graph) -> str:
    """Return a graph in DOT; the same for the same graph."""
    head = (
        f"digraph {quoted(graph.name)} {{",
        "  graph [rankdir=LR, compound=true, fontname=sans, nodesep=0.2, ranksep=0.7]",
        "  node [fontname=sans, fontsize=11]",
        "  edge [fontname=sans, fontsize=10]",
    )
    return "\n".join((*head, *_nodes(graph), *_edges(graph), "}")) + "\n"


def quoted(text: str) -> str:
    """Return a text as a quoted id: https://graphviz.org/doc/info/lang.html#ids."""
    # A backslash begins an escape such as \N in labels: https://graphviz.org/docs/attr-types/escString/
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _nodes(graph: Graph) -> Iterator[str]:
    inside = containers(graph)
    for node in shown_nodes(graph):
        if node.id not in inside:
            yield f"  {_node(graph, node)}"
            continue
        yield f"  subgraph {quoted(f'cluster_{node.id}')} {{"
        yield f"    label={_label(graph, node)}; {_cluster(node)}"
        # Clusters have no ends of edges: this stands for it.
        yield f'    {quoted(node.id)} [shape=point, width=0.05, label="", color="#8a6fd1"]'
        yield from (f"    {_node(graph, each)}" for each in graph.within(node.id))
        yield "  }"


def _node(graph: Graph, node: Node) -> str:
    return f"{quoted(node.id)} [label={_label(graph, node)}, {_shape(node)}]"


def _cluster(node: Node) -> str:
    return "; ".join(part for part in _shape(node).split(", ") if not part.startswith("shape="))


def _shape(node: Node) -> str:
    shape = _SHAPES.get(node.kind, "shape=box")
    return shape.replace("filled", "filled,dashed") if node.external and "dashed" not in shape else shape


def _label(graph: Graph, node: Node) -> str:
    return quoted("\n".join(label(graph, node)))


def _edges(graph: Graph) -> Iterator[str]:
    inside = containers(graph)
    for edge in shown_edges(graph):
        attributes = [*_attributes(graph, edge)]
        if edge.target in inside:
            attributes.append(f"lhead={quoted(f'cluster_{edge.target}')}")
        shown = f" [{', '.join(attributes)}]" if attributes else ""
        yield f"  {quoted(edge.source)} -> {quoted(edge.target)}{shown}"


def _attributes(graph: Graph, edge: Edge) -> Iterator[str]:
    if edge.kind in _LINES:
        yield _LINES[edge.kind]
    if text := tag(graph, edge):
        yield f"label={quoted(text)}"
