"""Circles are found whole, each edge of one at least once, and nothing else is taken for one."""

from graphlib import CycleError, TopologicalSorter

from hypothesis import given
from hypothesis import strategies as st

from ebats.pipelines.circles import circles

Edge = tuple[str, str]
EDGES = st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from("abcdef")), max_size=14)


def found(edges: list[Edge]) -> list[tuple[Edge, ...]]:
    return list(circles(edges, lambda edge: edge))


def test_a_circle_is_told_from_its_first_edge_on() -> None:
    assert found([("x", "a"), ("a", "b"), ("b", "c"), ("c", "a"), ("c", "z")]) == [
        (("a", "b"), ("b", "c"), ("c", "a"))
    ]


def test_two_circles_with_an_edge_in_common_are_two() -> None:
    assert found([("a", "b"), ("b", "a"), ("b", "c"), ("c", "a")]) == [
        (("a", "b"), ("b", "a")),
        (("b", "c"), ("c", "a"), ("a", "b")),
    ]


def test_what_leads_to_itself_is_one() -> None:
    assert found([("a", "a"), ("a", "b")]) == [(("a", "a"),)]


def test_a_long_circle_needs_no_deep_stack() -> None:
    names = [str(number) for number in range(3000)]
    edges = list(zip(names, [*names[1:], names[0]], strict=True))
    [circle] = found(edges)
    assert circle == tuple(edges)


@given(edges=EDGES)
def test_each_is_closed_and_all_edges_of_circles_are_in_one(edges: list[Edge]) -> None:
    told = found(edges)
    for circle in told:
        assert all(one[1] == other[0] for one, other in zip(circle, (*circle[1:], circle[0]), strict=True))
    covered = {edge for circle in told for edge in circle}
    rest: dict[str, set[str]] = {}
    for start, end in set(edges) - covered:
        rest.setdefault(start, set()).add(end)
    try:
        TopologicalSorter(rest).prepare()
    except CycleError as error:
        raise AssertionError(f"nobody told {error.args[1]}") from None
