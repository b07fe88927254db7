from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.alerts.rules import rule
from tests.unit.alerts.test_watch import Scene


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Any]:
    made: list[Scene] = []

    def scene(*rules: Any) -> Scene:
        made.append(Scene(tmp_path, *rules))
        return made[-1]

    yield scene
    for each in made:
        each.close()


@pytest.mark.parametrize("percent", [7, 14, 28, 29, 55, 57, 58])
def test_a_failure_rate_holds_when_it_is_reached_exactly(make: Any, percent: int) -> None:
    # 0.07 * 100 is above 7, and so are others.
    scene = make(rule("failure_rate", percent / 100, at_least=20))
    scene.record(percent, outcome="retry")
    scene.record(101 - percent)
    assert scene.at(0)["failure_rate"] == []
    scene = make(rule("failure_rate", percent / 100, at_least=20))
    scene.record(percent, outcome="retry")
    scene.record(100 - percent)
    assert scene.at(0)["failure_rate"]


def test_samples_are_of_the_window_of_a_task_that_always_has_something_to_do(make: Any) -> None:
    # Given what was wrong with messages of one event, and much that was well since then
    scene = make(rule("dead_letters"), rule("attempts", 2), rule("slow", 5.0, at_least=1))
    scene.record(outcome="dead", attempt=9, run_s=60.0, id="old", event="order_late")
    (old,) = scene.at(0)["dead_letters"]
    for seconds in range(10, 400, 10):
        scene.record(event="order_late")
        scene.record(20)
        scene.at(seconds)

    # When
    for name in ("new 1", "new 2"):
        scene.record(1, outcome="dead", attempt=2, run_s=6.0, id=name)
    scene.record(60, run_s=6.0, id="slow one")
    found = scene.at(400)

    # Then
    assert [sample.id for sample in old.samples] == ["old"]
    assert [sample.id for sample in found["dead_letters"][0].samples] == ["new 1", "new 2"]
    (late,), (slow,) = found["attempts"], found["slow"]
    assert "old" not in [sample.id for sample in (*late.samples, *slow.samples)]
    assert late.what.endswith("up to 2")
