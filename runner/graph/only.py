"""A part of a graph: some definitions, with what leads to them and what follows from them."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from ebats.runner.graph.graph import Edge, Graph, Node

Ways = Mapping[str, Collection[str]]
_NAMED = ("producer", "exchange", "event", "queue", "consumer", "task", "ladder")


def names(graph: Graph) -> tuple[str, ...]:
    """Return the names by which a part can be asked for, each once."""
    return tuple(dict.fromkeys(node.name for node in graph.nodes if _can_be_named(node)))


def keep(graph: Graph, wanted: Iterable[str]) -> Graph:
    """Return the part of a graph that has to do with definitions of some names; unknown names are left out.

    A queue, a consumer or a ladder stands for its tasks. A neighbour on the same queue, or the other tasks of
    an event that leads to a wanted one, aren't kept: messages of the wanted ones never reach them.
    """
    named = {node.id for node in graph.nodes if _can_be_named(node) and node.name in set(wanted)}
    seeds = named | _tasks_of(graph, named)
    forwards, backwards = _ways(graph)
    parts = (_closure(seeds, forwards), _closure(seeds, backwards))
    edges = [edge for edge in graph.edges if _is_flow(edge) and any(_within(edge, part) for part in parts)]
    kept = seeds.union(*parts)
    reached = kept | {end for edge in edges for end in (edge.source, edge.target)}
    edges += _waits(graph, reached)
    queues = {(edge.target, edge.task) for edge in edges if edge.task is not None}
    edges += [edge for edge in graph.edges if edge.kind == "feed" and _feeds(edge, queues, named)]
    edges += [edge for edge in graph.edges if edge.kind == "retry" and edge.source in kept]
    reached |= {end for edge in edges for end in (edge.source, edge.target)}
    edges += [edge for edge in graph.edges if edge.kind in ("die", "take") and edge.source in reached]
    reached |= {edge.target for edge in edges}
    reached |= {node.within for node in graph.nodes if node.id in reached and node.within is not None}
    found = set(edges)
    nodes = tuple(node for node in graph.nodes if node.id in reached or node.kind == "dead")
    return Graph(name=graph.name, nodes=nodes, edges=tuple(edge for edge in graph.edges if edge in found))


def _can_be_named(node: Node) -> bool:
    # What is written in place has no name, and its id no letter where names begin.
    return node.kind in _NAMED and node.id.partition(":")[2][:1].isalpha()


def _is_flow(edge: Edge) -> bool:
    return edge.kind in ("publish", "route", "then", "on_dead")


def _ways(graph: Graph) -> tuple[Ways, Ways]:
    """Return where messages go from each node, and come from: past queues, which others share."""
    forwards: dict[str, set[str]] = defaultdict(set)
    for edge in graph.edges:
        if _is_flow(edge):
            forwards[edge.source].add(edge.task or edge.target)
    for node in graph.nodes:
        if node.within is not None:
            forwards[node.within].add(node.id)
    backwards: dict[str, set[str]] = defaultdict(set)
    for source, targets in forwards.items():
        for target in targets:
            backwards[target].add(source)
    return forwards, backwards


def _closure(seeds: Collection[str], ways: Ways) -> frozenset[str]:
    found, todo = set(seeds), list(seeds)
    while todo:
        new = set(ways.get(todo.pop(), ())) - found
        found |= new
        todo += new
    return frozenset(found)


def _within(edge: Edge, part: Collection[str]) -> bool:
    return edge.source in part and (edge.task or edge.target) in part


def _waits(graph: Graph, reached: Collection[str]) -> list[Edge]:
    return [edge for edge in graph.edges if edge.kind == "wait" and edge.source in reached]


def _feeds(edge: Edge, queues: Collection[tuple[str, str | None]], named: Collection[str]) -> bool:
    return (edge.source, edge.target) in queues or edge.source in named


def _tasks_of(graph: Graph, named: Collection[str]) -> set[str]:
    """Return the tasks that queues, consumers and ladders stand for."""
    taken = {edge.source for edge in graph.edges if edge.kind == "take" and edge.target in named}
    queues = taken | {each for each in named if graph.by_id[each].kind == "queue"}
    tasks = {edge.target for edge in graph.edges if edge.kind == "feed" and edge.source in queues}
    return tasks | {edge.source for edge in graph.edges if edge.kind == "retry" and edge.target in named}
