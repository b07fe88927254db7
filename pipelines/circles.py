"""Circles in what leads to what: found without going round in them."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

E = TypeVar("E")


def circles(edges: Sequence[E], ends: Callable[[E], tuple[str, str]]) -> Iterator[tuple[E, ...]]:
    """Yield circles, as edges one after the other, so that each edge of any circle is in one of them.

    `ends` tells from where an edge leads, and to where. Each circle begins with its first edge in the order
    of `edges`, and is as short as one with that edge can be.
    """
    leaving: dict[str, list[E]] = {}
    for edge in edges:
        leaving.setdefault(ends(edge)[0], []).append(edge)
    known: set[int] = set()
    for edge in edges:
        start, end = ends(edge)
        way = () if id(edge) in known else _way(end, start, leaving, ends)
        if way is not None and id(edge) not in known:
            known.update(id(each) for each in (edge, *way))
            yield edge, *way


def _way(
    start: str, end: str, leaving: dict[str, list[E]], ends: Callable[[E], tuple[str, str]]
) -> tuple[E, ...] | None:
    """Return a shortest way; None: there is none."""
    ways: dict[str, tuple[E, ...]] = {start: ()}
    todo = deque([start])
    while todo and end not in ways:
        here = todo.popleft()
        for edge in leaving.get(here, ()):
            there = ends(edge)[1]
            if there not in ways:
                ways[there] = (*ways[here], edge)
                todo.append(there)
    return ways.get(end)
