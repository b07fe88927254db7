"""What stands at the nodes and edges of a graph where others draw it."""

from collections.abc import Iterator

from ebats.runner.graph.graph import Edge, Graph, Node


def label(graph: Graph, node: Node) -> tuple[str, ...]:
    """Return the lines of a node; those of a queue say who takes from it."""
    details = (", ".join(node.details),) if node.kind == "ladder" else node.details
    if node.kind == "rung":
        return (f"waits {node.name}",)
    takers = (
        line for each in graph.targets(node.id, "take") for line in (f"consumer {each.name}", *each.details)
    )
    return (node.name, *details, *takers)


def tag(graph: Graph, edge: Edge) -> str:
    """Return what an edge is called: the task, where its queue has several, and what follows what."""
    if edge.kind in ("then", "on_dead"):
        return edge.kind
    if edge.kind in ("route", "wait") and edge.task is not None and edge.target.startswith("queue:"):
        tasks = graph.targets(edge.target, "feed")
        return graph.by_id[edge.task].name if len(tasks) > 1 else ""
    return ""


def containers(graph: Graph) -> frozenset[str]:
    """Return the ids of the nodes that others are in."""
    return frozenset(node.within for node in graph.nodes if node.within is not None)


def shown_nodes(graph: Graph) -> Iterator[Node]:
    """Return the nodes but those inside of others, and those that have to do with everything."""
    aside = ("consumer", "sink", "channel")
    return (node for node in graph.nodes if node.kind not in aside and node.within is None)


def shown_edges(graph: Graph) -> Iterator[Edge]:
    """Return the edges but those to consumers, who stand at their queues."""
    return (edge for edge in graph.edges if edge.kind != "take")
