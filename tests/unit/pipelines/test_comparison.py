"""What a case expects against what came: what is alike, in which order, and what goes with what."""

from typing import Any

import pytest

from ebats.pipelines.cases import (
    ANY,
    Containing,
    Death,
    Expectation,
    ExpectedDeath,
    ExpectedMessage,
    ExpectedRun,
    PublishedMessage,
    Rehearsed,
    Run,
)
from ebats.pipelines.comparison import Difference, compare, is_like, shown, unlike
from ebats.pipelines.pairing import PERFECT, pairs
from ebats.pipelines.problems import Place

HERE = Place(file="shop.yaml", line=1, column=1)


def run(task: str, at_ms: int = 0, attempt: int = 1, **more: Any) -> Run:
    given = {"id": "m1", "event": "paid", "queue": task, "outcome": "success", "payload": {}, **more}
    return Run(task=task, at_ms=at_ms, attempt=attempt, **given)


def wanted(task: str, **more: Any) -> ExpectedRun:
    return ExpectedRun(task=task, place=HERE, **more)


def of_runs(expected: list[ExpectedRun], *came: Run) -> tuple[Difference, ...]:
    return compare(Expectation(runs=tuple(expected)), Rehearsed(runs=came, published=(), dead=()), HERE)


def rows(expected: list[ExpectedRun], *came: Run) -> list[str]:
    """Return the rows of a difference: `a|a`, `a|` where it didn't come, `|a` where it isn't expected."""
    (difference,) = of_runs(expected, *came)
    return [
        f"{row.expected.task if row.expected else ''}|{row.actual.task if row.actual else ''}"  # type: ignore[union-attr]
        + "".join(f" {name}" for name in row.differs)
        for row in difference.rows
    ]


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        (1, 1.0),
        (10**30, 10**30),
        ("玛丽", "玛丽"),
        (None, None),
        ({"a": [1, {"b": None}]}, {"a": [1, {"b": None}]}),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ("text", b"text"),
        (ANY, object()),
        (Containing(payload={"a": {"b": 1}}), {"a": {"b": 1, "c": 2}, "d": 3}),
        (Containing(payload=[{"a": 1}]), [{"a": 1, "b": 2}]),
        (Containing(payload={}), {"a": 1}),
        (Containing(payload=7), 7),
    ],
)
def test_these_are_alike(expected: object, actual: object) -> None:
    assert is_like(expected, actual)


@pytest.mark.parametrize(
    ("expected", "actual", "told"),
    [
        (1, True, ["`payload` is true, not 1"]),
        (0, False, ["`payload` is false, not 0"]),
        (1, "1", ['`payload` is "1", not 1']),
        (None, {}, ["`payload` is {}, not null"]),
        ("\u00e9", "e\u0301", ['`payload` is "e\\u0301", not "\\xe9"']),
        ("x" * 99 + "a", "x" * 99 + "b", ['`payload` is "...' + "x" * 20 + 'b", not "...' + "x" * 20 + 'a"']),
        ({"a": 1}, {"a": 2, "b": 3}, ["`payload.a` is 2, not 1", "`payload.b` isn't expected"]),
        ({"a": None}, {}, ["`payload.a` isn't there"]),
        ([1, 2], [1, 3, 4], ["`payload.1` is 3, not 2", "`payload` has a length of 3, not of 2"]),
        ({}, [], ["`payload` is [], not {}"]),
        (Containing(payload={"a": {"b": 1}}), {"a": {"b": 2, "c": 3}}, ["`payload.a.b` is 2, not 1"]),
        (Containing(payload={"a": 1}), {"b": 1}, ["`payload.a` isn't there"]),
        (Containing(payload=[1]), [1, 2], ["`payload` has a length of 2, not of 1"]),
        ("text", b"\xff", ['`payload` is "\\\\xff", not "text"']),
    ],
)
def test_these_are_not_and_it_is_told_where(expected: object, actual: object, told: list[str]) -> None:
    assert not is_like(expected, actual)
    assert list(unlike(expected, actual)) == told


def test_a_long_value_is_cut_and_a_strange_one_stays_in_its_line() -> None:
    assert shown("x" * 100) == '"' + "x" * 56 + "..."
    assert shown("a\nb\u2028c") == '"a\\nb c"'
    assert shown({1, 2}) == "{1, 2}"


def test_what_is_not_named_is_not_compared() -> None:
    assert of_runs([wanted("ship")], run("ship", 5, 3, outcome="dead", payload=[1])) == ()
    assert compare(Expectation(), Rehearsed(runs=(run("ship"),), published=(), dead=()), HERE) == ()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("at_ms", 1),
        ("attempt", 2),
        ("outcome", "retry"),
        ("queue", "other"),
        ("event", None),
        ("payload", {"a": 1}),
    ],
)
def test_each_field_that_is_named_is_compared(field: str, value: object) -> None:
    assert rows([wanted("ship", **{field: value})], run("ship")) == [f"ship|ship {field}"]


def test_runs_come_in_order_of_time() -> None:
    assert of_runs([wanted("a"), wanted("b")], run("a"), run("b", 1)) == ()
    assert rows([wanted("b"), wanted("a")], run("a"), run("b", 1)) in (
        ["|a", "b|b", "a|"],
        ["b|", "a|a", "|b"],
    )


def test_what_comes_at_one_moment_may_stand_in_any_order() -> None:
    assert of_runs([wanted("b"), wanted("a"), wanted("c")], run("a"), run("b"), run("c", 1)) == ()
    first = [wanted("a"), wanted("a", attempt=1), wanted("a", attempt=1, payload=1)]
    assert of_runs(first, run("a", payload=1), run("a", attempt=2), run("a", payload=2)) == ()
    assert of_runs(list(reversed(first)), run("a", payload=1), run("a", attempt=2), run("a", payload=2)) == ()


def test_all_that_came_is_expected_and_all_that_is_expected_came() -> None:
    assert rows([], run("a")) == ["|a"]
    assert rows([wanted("a")]) == ["a|"]
    assert rows([wanted("a"), wanted("b"), wanted("c")], run("a"), run("c", 1)) == ["a|a", "b|", "c|c"]
    assert rows([wanted("a"), wanted("c")], run("a"), run("b", 1), run("c", 2)) == ["a|a", "|b", "c|c"]
    assert rows([wanted("a"), wanted("b"), wanted("c")], run("c"), run("b")) == ["a|", "b|b", "c|c"]


def test_what_goes_with_what_is_what_has_the_most_in_common() -> None:
    expected = [wanted("a", attempt=1), wanted("a", attempt=2), wanted("a", attempt=3)]
    assert rows(expected, run("a", 1, 2), run("a", 2, 3)) == ["a|", "a|a", "a|a"]
    assert rows(expected, run("a", 1, 1), run("a", 2, 7), run("a", 3, 3)) == ["a|a", "a|a attempt", "a|a"]
    assert rows([wanted("a", at_ms=5)], run("b", 5)) == ["a|", "|b"]


def test_of_many_at_one_moment_the_order_counts() -> None:
    came = [run("a", payload=number) for number in range(600)]
    expected = [wanted("a", payload=number) for number in range(600)]
    assert of_runs(expected, *came) == ()
    assert len(of_runs([*expected[1:], expected[0]], *came)) == 1


def test_published_messages_and_dead_letters_are_compared_too() -> None:
    published = PublishedMessage(id="x", kind="reply", event="answers", at_ms=1, payload={"id": "m1"})
    death = Death(id="m1", task=None, event="paid", at_ms=1, reason="schema", attempts=0, payload={})
    came = Rehearsed(runs=(), published=(published,), dead=(death,))

    def found(message: ExpectedMessage, letter: ExpectedDeath) -> list[tuple[str, ...]]:
        expect = Expectation(
            published=(message,), dead=(letter,), places={"dead": Place(file="", line=7, column=1)}
        )
        return [each.rows[0].differs for each in compare(expect, came, HERE)]

    good = ExpectedMessage(kind="reply", event="answers", payload=Containing(payload={}), place=HERE)
    letter = ExpectedDeath(
        task=None, event="paid", reason="schema", attempts=0, at_ms=1, payload={}, place=HERE
    )
    assert found(good, letter) == []
    assert found(ExpectedMessage(event="answers", at_ms=2, place=HERE), letter) == [("at_ms",)]
    assert found(ExpectedMessage(kind="event", event="answers", place=HERE), letter) == [()]
    assert found(good, ExpectedDeath(reason="failed", attempts=1, place=HERE)) == [("reason", "attempts")]


def test_pairs_begin_with_what_is_alike_and_are_the_best_there_are() -> None:
    def score(i: int, j: int) -> int:
        return PERFECT if "abc"[i] == "axbc"[j] else 0

    assert pairs(3, 4, score) == [(0, 0), (None, 1), (1, 2), (2, 3)]
    assert pairs(0, 2, score) == [(None, 0), (None, 1)]
    assert pairs(0, 0, score) == []


def test_too_many_to_compare_go_together_by_their_position() -> None:
    found = pairs(2000, 2001, lambda i, j: 1)
    assert found[0] == (0, 0)
    assert found[-1] == (None, 2000)
