"""A graph in words, for those who can't see it."""

from collections.abc import Iterator

from ebats.pipelines.counting import counted
from ebats.runner.graph.graph import Graph, Kind

_COUNTED: tuple[Kind, ...] = ("producer", "event", "queue", "task", "consumer")


def contents(graph: Graph) -> str:
    """Return how many there are of what."""
    numbers = ((len(graph.of_kind(kind)), kind) for kind in _COUNTED)
    return ", ".join(counted(number, kind) for number, kind in numbers if number)


def sentences(graph: Graph) -> Iterator[str]:
    """Return a sentence for each event and key that leads to tasks."""
    waits = {edge.source: edge.target for edge in graph.edges if edge.kind == "wait"}
    for node in graph.of_kind("event", "key"):
        tasks = [
            graph.by_id[edge.task].name
            + (f" after {graph.by_id[edge.target].name}" if edge.target in waits else "")
            for edge in graph.edges
            if edge.source == node.id and edge.task is not None
        ]
        if tasks:
            yield f"{node.name} leads to {', '.join(tasks)}."
    for task in graph.of_kind("task"):
        for kind, when in (("then", "succeeds"), ("on_dead", "is dead")):
            for event in graph.targets(task.id, kind):  # type: ignore[arg-type]
                yield f"When {task.name} {when}, {event.name} follows."
