"""Records are found again, whether a file keeps them or Elasticsearch, by the same words."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ebats.runner.execution.record import Record, utc
from ebats.runner.sinks.finding.search import Search
from tests.kept import Following, Kept, KeptInFile, KeptInStream, file_sink
from tests.records import NOON, execution, log

#: Three attempts of one order at two tasks, one of another, and what a task said.
LIFE: list[Record] = [
    execution(id="m1", task="ship", outcome="retry", level="warning", labels={"order": "FB138"}, error="E"),
    log(id="m1", task="ship", text="no van is free", level="debug", time=utc(NOON + 0.5)),
    execution(id="m1", task="bill", labels={"order": "FB138"}, time=utc(NOON + 1)),
    execution(
        id="m1",
        task="ship",
        attempt=2,
        outcome="dead",
        level="error",
        labels={"order": "FB138"},
        time=utc(NOON + 2),
    ),
    execution(
        id="m2", task="ship", labels={"order": "FB139", "shop": "eu"}, time=utc(NOON + 3), event="order_paid"
    ),
    execution(id="m3", task="bill", outcome="postponed", level="debug", time=utc(NOON + 4), event=None),
    log(text="reconnected", time=utc(NOON + 5)),
]


@pytest.fixture(params=["json", "ecs", "elastic"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Kept:
    """Each place in turn."""
    if request.param == "elastic":
        return KeptInStream(request.getfixturevalue("elastic"))
    return KeptInFile(file_sink(tmp_path, format=request.param))


@pytest.fixture
def ended() -> Iterator[list[Following]]:
    """Give a list of what is to be ended."""
    following: list[Following] = []
    yield following
    for one in following:
        one.end()


def found(kept: Kept, **search: Any) -> list[int]:
    """Return which of the lives are found, by their places in the list."""
    source = kept.source()
    records = [one.record for one in source.find(Search(pipeline="shop", **search))]
    assert [*source.notes()] == []
    return [LIFE.index(record) for record in records]


def test_what_was_put_comes_back_by_what_is_known_of_it(kept: Kept) -> None:
    kept.put(LIFE)
    kept.put([execution(pipeline="other", id="m1", labels={"order": "FB138"})])
    for search, expected in (
        ({}, [0, 1, 2, 3, 4, 5, 6]),
        ({"labels": {"order": frozenset(["FB138"])}}, [0, 2, 3]),
        ({"labels": {"order": frozenset(["FB138", "FB139"])}}, [0, 2, 3, 4]),
        ({"labels": {"order": frozenset(["FB139"]), "shop": frozenset(["us"])}}, []),
        ({"ids": frozenset(["m1"])}, [0, 1, 2, 3]),
        ({"ids": frozenset(["m2", "m3"])}, [4, 5]),
        ({"tasks": frozenset(["ship"])}, [0, 1, 3, 4]),
        ({"tasks": frozenset(["ship"]), "outcomes": frozenset(["retry", "dead"])}, [0, 3]),
        ({"outcomes": frozenset(["postponed"])}, [5]),
        ({"events": frozenset(["order_paid"])}, [4]),
        ({"level": "debug"}, [0, 1, 2, 3, 4, 5, 6]),
        ({"level": "warning"}, [0, 3]),
        ({"level": "error"}, [3]),
        ({"since": NOON + 2}, [3, 4, 5, 6]),
        ({"until": NOON + 2}, [0, 1, 2]),
        ({"since": NOON + 0.5, "until": NOON + 0.5001}, [1]),
        ({"limit": 2}, [5, 6]),
        ({"limit": 3, "until": NOON + 2}, [0, 1, 2]),
        ({"limit": 100}, [0, 1, 2, 3, 4, 5, 6]),
    ):
        assert found(kept, **search) == expected, search


def test_the_newest_of_more_than_a_page_come_in_order_whatever_their_number(kept: Kept) -> None:
    # Given three records in each millisecond, and more than two pages of them
    kept.put([execution(id=str(number), time=utc(NOON + number // 3 / 1000)) for number in range(2500)])
    source = kept.source()
    for limit in (1, 999, 1000, 1001, 1999, 2499, 2500, 9999, None):
        records = [one.record for one in source.find(Search(pipeline="shop", limit=limit))]
        numbers = range(2500 - min(limit or 9999, 2500), 2500)
        assert [record.time for record in records] == [utc(NOON + number // 3 / 1000) for number in numbers]
        assert len({record.id for record in records}) == len(numbers)


def test_what_comes_later_is_followed_and_nothing_is_shown_twice(kept: Kept, ended: list[Following]) -> None:
    kept.put([execution(id=f"old-{number}", time=utc(NOON + number)) for number in range(5)])
    following = Following(kept.source(), Search(pipeline="shop", limit=2, tasks=frozenset(["close_order"])))
    ended.append(following)
    assert following.ids() == ["old-3", "old-4"]

    for number in range(5):
        # One a little late, one of another task
        kept.put([execution(id=f"new-{number}", time=utc(NOON + 3 + number)), execution(task="other")])
        following.wait_for(3 + number)
    following.look_again()
    assert following.ids() == ["old-3", "old-4", *(f"new-{number}" for number in range(5))]


def test_a_place_that_is_not_there_yet_is_said_and_followed(kept: Kept, ended: list[Following]) -> None:
    source = kept.source()
    assert [*source.find(Search(pipeline="shop", limit=10))] == []
    (note,) = source.notes()
    assert note.startswith("there is no ")
    assert note.endswith(" yet")
    following = Following(kept.source(), Search(pipeline="shop"))
    ended.append(following)
    kept.put(LIFE)
    following.wait_for(len(LIFE))
    following.look_again()
    assert [one.record for one in following.found] == LIFE
