"""A topology as the JSON that is kept in the queue `NAME.topology`."""

import json
from typing import Any

from ebats.pipelines import former, wiring
from ebats.pipelines.topology import Binding, DeclaredExchange, DeclaredQueue, Topology


def to_json(topology: Topology) -> str:
    """Return a topology as the JSON that is kept in the queue `NAME.topology`."""
    return json.dumps(
        {
            "version": 1,
            "exchanges": [
                [item.name, item.type, dict(item.arguments), item.external] for item in topology.exchanges
            ],
            "queues": [
                [item.name, item.kind, dict(item.arguments), item.external] for item in topology.queues
            ],
            "bindings": [list(item) for item in topology.bindings],
            "wiring": wiring.to_data(topology.wiring),
            "former": former.to_data(topology.former),
            "redirects": [list(item) for item in topology.redirects],
        },
        ensure_ascii=False,
    )


def from_json(text: str | bytes) -> Topology:
    """Return the topology that `to_json` wrote; places are not kept.

    Raises:
        ValueError: the text is none of ours, or of a version that isn't known here.
    """
    data: Any = json.loads(text)
    if not isinstance(data, dict) or data.get("version") != 1:
        raise ValueError("this topology was written by another version of ebats")
    try:
        return _topology(data)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"this is no topology: {type(error).__name__}: {error}") from None


def _topology(data: dict[str, Any]) -> Topology:
    return Topology(
        exchanges=tuple(
            DeclaredExchange(name=name, type=type_, external=external, arguments=tuple(arguments.items()))
            for name, type_, arguments, external in data["exchanges"]
        ),
        queues=tuple(
            DeclaredQueue(name=name, kind=kind, external=external, arguments=tuple(arguments.items()))
            for name, kind, arguments, external in data["queues"]
        ),
        bindings=tuple(Binding(*binding) for binding in data["bindings"]),
        wiring=wiring.from_data(data["wiring"]),
        # An earlier ebats didn't write these.
        former=former.from_data(data["former"]) if "former" in data else former.Former(),
        redirects=tuple(Binding(*binding) for binding in data.get("redirects", ())),
    )
