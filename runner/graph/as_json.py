"""A graph as JSON, for programs."""

import json
from dataclasses import asdict
from typing import Any

from ebats.runner.graph.graph import Graph


def as_json(graph: Graph) -> str:
    """Return a graph as JSON: its name, nodes and edges; what is empty or None is left out."""
    data = {
        "name": graph.name,
        "nodes": [_filled(asdict(node)) for node in graph.nodes],
        "edges": [_filled(asdict(edge)) for edge in graph.edges],
    }
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def _filled(data: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if value not in (None, (), False)}
