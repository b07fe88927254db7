"""A graph as a Mermaid flowchart, as GitHub draws it inside a fenced block."""

import html
import re
from collections.abc import Iterator, Mapping

from ebats.runner.graph.graph import Edge, EdgeKind, Graph, Kind, Node
from ebats.runner.graph.labels import containers, label, shown_edges, shown_nodes, tag

#: GitHub draws no more: https://mermaid.js.org/config/schema-docs/config.html (maxEdges, maxTextSize).
MOST_EDGES, MOST_CHARACTERS = 500, 50_000

_SHAPES: Mapping[Kind, tuple[str, str]] = {
    "outside": ("([", "])"),
    "producer": ("([", "])"),
    "exchange": ("[", "]"),
    "event": ("(", ")"),
    "key": ("(", ")"),
    "rung": ("{{", "}}"),
    "queue": ("[(", ")]"),
    "ladder": ("{{", "}}"),
    "dead": ("[(", ")]"),
}
_ARROWS: Mapping[EdgeKind, str] = {"retry": "<-->", "on_dead": "-.->", "then": "-.->"}
_STYLES: Mapping[Kind, str] = {
    "outside": "fill:#f6f7f9,stroke:#8a94a3,color:#1c2733,stroke-dasharray:5 3",
    "producer": "fill:#e3eefc,stroke:#3f7fd0,color:#1c2733",
    "exchange": "fill:#f1edfb,stroke:#8a6fd1,color:#1c2733",
    "event": "fill:#ffffff,stroke:#b9a8e6,color:#1c2733",
    "key": "fill:#ffffff,stroke:#b9a8e6,color:#1c2733",
    "rung": "fill:#fff3d1,stroke:#c98a12,color:#1c2733",
    "queue": "fill:#ddf3ee,stroke:#23917f,color:#1c2733",
    "task": "fill:#ffffff,stroke:#47566b,color:#1c2733",
    "ladder": "fill:#fff3d1,stroke:#c98a12,color:#1c2733",
    "dead": "fill:#fde6e4,stroke:#cc3d33,color:#1c2733",
}
#: What means something to Mermaid even in quotes: `#35;`, `$$`, `\n`.
_MEANINGFUL = re.compile(r"#(?=\w+;)|\$(?=\$)|\\(?=n)")
_ZERO_WIDTH_SPACE = "\u200b"


def mermaid(graph: Graph) -> str:
    """Return the flowchart of a graph; the same for the same graph."""
    ids = _ids(graph)
    return "\n".join(("flowchart LR", *_nodes(graph, ids), *_edges(graph, ids), *_classes(graph, ids))) + "\n"


def too_big(text: str) -> bool:
    """Return whether GitHub refuses to draw a flowchart of ours."""
    edges = sum(1 for line in text.splitlines() if ">" in line.partition('"')[0])
    return edges > MOST_EDGES or len(text) > MOST_CHARACTERS


def escape(text: str) -> str:
    """Return a text for a label in quotes, which is HTML.

    Not with Mermaid's own codes, such as `#35;`: version 11.17 shows some of them undecoded.
    """
    return html.escape(_MEANINGFUL.sub(lambda found: found[0] + _ZERO_WIDTH_SPACE, text))


def _nodes(graph: Graph, ids: Mapping[str, str]) -> Iterator[str]:
    inside = containers(graph)
    for node in shown_nodes(graph):
        if node.id not in inside:
            yield f"  {_node(graph, node, ids)}"
            continue
        # A second line of a title would stand behind the nodes.
        yield f'  subgraph {ids[node.id]} ["{escape(": ".join(label(graph, node)[:2]))}"]'
        yield from (f"    {_node(graph, each, ids)}" for each in graph.within(node.id))
        yield "  end"


def _node(graph: Graph, node: Node, ids: Mapping[str, str]) -> str:
    before, after = _SHAPES.get(node.kind, ("[", "]"))
    return f'{ids[node.id]}{before}"{_label(graph, node)}"{after}'


def _label(graph: Graph, node: Node) -> str:
    return "<br/>".join(escape(line) for line in label(graph, node))


def _edges(graph: Graph, ids: Mapping[str, str]) -> Iterator[str]:
    for edge in shown_edges(graph):
        yield f"  {ids[edge.source]} {_arrow(graph, edge)} {ids[edge.target]}"


def _arrow(graph: Graph, edge: Edge) -> str:
    arrow, text = _ARROWS.get(edge.kind, "-->"), tag(graph, edge)
    return f'{arrow}|"{escape(text)}"|' if text else arrow


def _classes(graph: Graph, ids: Mapping[str, str]) -> Iterator[str]:
    for kind, style in _STYLES.items():
        members = [ids[node.id] for node in graph.of_kind(kind)]
        if members:
            yield f"  classDef {kind}s {style}"
            yield f"  class {','.join(members)} {kind}s"


def _ids(graph: Graph) -> dict[str, str]:
    """Return what nodes are called in the flowchart: letters, digits and `_`, each once."""
    taken: set[str] = set()
    found: dict[str, str] = {}
    for node in graph.nodes:
        plain = re.sub(r"[^A-Za-z0-9]+", "_", node.id).strip("_")
        name, number = plain, 1
        while name in taken:
            number += 1
            name = f"{plain}_{number}"
        taken.add(name)
        found[node.id] = name
    return found
