"""What a pipeline is made of, and how messages go through it, as a value: nodes and edges."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

Kind = Literal[
    "outside",  # programs that aren't in the file
    "producer",
    "exchange",
    "event",
    "key",  # how one task, or one queue, is addressed on an exchange
    "rung",  # where an event's delayed task waits
    "queue",
    "consumer",
    "task",
    "ladder",
    "dead",
    "sink",
    "channel",  # of alerts
]
EdgeKind = Literal[
    "publish",  # a producer, or other programs → an event, a key, an exchange
    "route",  # an event or a key → a queue, or the rung in front of it
    "wait",  # a rung → the queue that it ends in
    "feed",  # a queue → a task
    "take",  # a queue → a consumer
    "retry",  # a task → its ladder, and back
    "die",  # the end of a ladder, or a task without one → the dead letters
    "then",  # a task → the event that follows its success
    "on_dead",  # a task → the event that follows its death
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One thing of a pipeline. Nothing in it is a secret."""

    #: `task:ship`: the same for the same definition.
    id: str
    kind: Kind
    #: In the file, mostly.
    name: str
    #: Lines under the name; of a ladder, its rungs.
    details: tuple[str, ...] = ()
    #: For those who want to know more, a line each.
    more: tuple[str, ...] = ()
    #: The exchange, or the intake, whose messages it is.
    within: str | None = None
    #: Somebody else's.
    external: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """Messages go from one node to another."""

    source: str
    target: str
    kind: EdgeKind
    #: The id of the only task that they are for, where they reach a queue; None: of any.
    task: str | None = None


@dataclass(frozen=True, kw_only=True)
class Graph:
    """A whole pipeline, or a part of it. Nodes and edges have the order of the file."""

    name: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    @cached_property
    def by_id(self) -> Mapping[str, Node]:
        """The nodes by their ids."""
        return {node.id: node for node in self.nodes}

    def of_kind(self, *kinds: Kind) -> tuple[Node, ...]:
        """Return the nodes of some kinds."""
        return tuple(node for node in self.nodes if node.kind in kinds)

    def within(self, node: str) -> tuple[Node, ...]:
        """Return the events and keys of an exchange, or of an intake."""
        return tuple(each for each in self.nodes if each.within == node)

    def targets(self, source: str, *kinds: EdgeKind) -> tuple[Node, ...]:
        """Return the nodes that edges of some kinds lead to from a node."""
        return tuple(
            self.by_id[edge.target] for edge in self.edges if edge.source == source and edge.kind in kinds
        )
