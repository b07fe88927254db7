"""When the lane is wanted, and which crashes it is told of."""

from types import SimpleNamespace
from typing import Any

from ebats.runner.child import Child
from ebats.runner.execution.seldom import Seldom
from ebats.runner.lane_slot import LaneSlot
from tests.unit.core.shop import pipeline


def child(*, leaving: str | None = None, at_work: str | None = None) -> Any:
    """Stand in for a lane that has ended."""
    return SimpleNamespace(
        pid=7, leaving=leaving, at_work=at_work, got_somewhere=False, unusable=None, started_at=0.0
    )


def test_a_suspect_calls_the_lane() -> None:
    lane = LaneSlot(pipeline())
    assert not lane.is_due(0.0)
    lane.hear({"suspect": True})
    assert lane.is_due(0.0)
    lane.begin()
    assert not lane.is_due(0.0)


def test_a_crash_is_told_to_each_lane_until_one_has_counted_it() -> None:
    lane = LaneSlot(pipeline())
    dead: Child = child(at_work="ship 1")
    text = lane.ended(dead, -11, 1.0)
    assert text == "the lane (pid 7) died: killed by SIGSEGV, while it ran ship 1"
    for _ in range(2):
        lane.begin()
        assert lane.spec.crashed == ("ship 1",)
    lane.hear({"counted": "ship 1"})
    lane.begin()
    assert lane.spec.crashed == ()


def test_a_crash_with_a_message_at_work_is_no_death_of_the_lane_itself() -> None:
    lane = LaneSlot(pipeline())
    for _ in range(50):
        lane.ended(child(at_work="ship 1"), -9, 1.0)
    assert lane.deaths == 0
    assert lane.is_due(2.0)
    lane.ended(child(), 1, 100.0)
    assert lane.deaths == 1


def test_a_lane_that_left_is_wanted_again_only_where_a_task_hung() -> None:
    for why, wanted in (("no more suspects", False), ("timeout", True)):
        lane = LaneSlot(pipeline())
        assert lane.ended(child(leaving=why), 0, 1.0) is None
        assert lane.wanted is wanted


def test_the_same_is_said_once_and_not_too_many_things_at_all() -> None:
    seldom = Seldom()
    assert seldom.may_say("a")
    assert not seldom.may_say("a")
    assert sum(seldom.may_say(str(number)) for number in range(1000)) < 200
