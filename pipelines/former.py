"""What has left a pipeline's file, as a value that is kept on the broker until nobody needs it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ebats.pipelines import wiring
from ebats.pipelines.wiring import Wiring

#: Each edit of a file is one; what still waits from before so many edits is not known any more.
MOST_WIRINGS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Former:
    """What the file said before, and what on the broker is left of it."""

    #: When the file changed last, a Unix time in seconds; 0: never.
    since: float = 0.0
    #: How the pipeline was wired before, newest first, each once, without what is so now.
    wirings: tuple[Wiring, ...] = ()
    #: Queues of ours that left the file, by the broker's name, and of which kind they were.
    queues: Mapping[str, str] = field(default_factory=dict)
    #: Exchanges of ours that left the file, by the broker's name.
    exchanges: tuple[str, ...] = ()

    def of_kind(self, *kinds: str) -> tuple[str, ...]:
        """Return the queues of some kinds."""
        return tuple(name for name, kind in self.queues.items() if kind in kinds)


NEVER_CHANGED = Former()


def distinct(wirings: Iterable[Wiring], now: Wiring) -> tuple[Wiring, ...]:
    """Return the first of each kind of wiring, without those that are as it is now, or say nothing."""
    found: list[Wiring] = []
    for each in wirings:
        if each not in (now, Wiring(), *found):
            found.append(each)
    return tuple(found[:MOST_WIRINGS])


def to_data(former: Former) -> dict[str, Any]:
    """Return it as what JSON can hold."""
    return {
        "since": former.since,
        "wirings": [wiring.to_data(each) for each in former.wirings],
        "queues": dict(former.queues),
        "exchanges": list(former.exchanges),
    }


def from_data(data: Mapping[str, Any]) -> Former:
    """Return what `to_data` wrote.

    Raises:
        TypeError, ValueError, KeyError: it is none of ours.
    """
    return Former(
        since=float(data["since"]),
        wirings=tuple(wiring.from_data(each) for each in data["wirings"]),
        queues=dict(data["queues"]),
        exchanges=tuple(data["exchanges"]),
    )
