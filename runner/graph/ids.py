"""The ids of nodes: the kind, and the name in the file."""

from typing import Final

#: Names of ours, which no definition of a file may have.
EVENTS: Final = "exchange:events"
TASKS: Final = "exchange:tasks"
STRAIGHT: Final = "exchange:"
OUTSIDE: Final = "outside:"
DEAD: Final = "dead:"


def id_of(kind: str, name: str) -> str:
    """Return the id of a definition: `task:ship`."""
    return f"{kind}:{name}"
