"""The place of a process: when the next one may start, and when it is enough."""

import pytest

from ebats.pipelines.plan import ProcessSpec
from ebats.runner.slot import MOST_DEATHS, RunUnusable, Slot
from tests.unit.core.shop import pipeline

SPEC = ProcessSpec(role="consumer", name="rest#1", pipeline=pipeline())


class Dead:
    """A child that has died."""

    def __init__(self, started_at: float = 100.0, got_somewhere: bool = False) -> None:
        self.started_at = started_at
        self.got_somewhere = got_somewhere
        self.unusable: str | None = None


def pauses(children: list[Dead], now: float = 101.0) -> list[float]:
    slot = Slot(SPEC)
    found = []
    for child in children:
        slot.died(child, now)  # type: ignore[arg-type]  # all that is asked of it
        found.append(round(slot.next_start - now, 3))
    return found


def test_the_pause_before_the_next_one_doubles_up_to_half_a_minute() -> None:
    assert pauses([Dead()] * 11) == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30.0, 30.0]


def test_deaths_without_progress_are_counted_up_to_the_limit() -> None:
    slot = Slot(SPEC)
    for _ in range(MOST_DEATHS):
        assert slot.deaths < MOST_DEATHS
        slot.died(Dead(), 101.0)  # type: ignore[arg-type]  # all that is asked of it
    assert slot.deaths == MOST_DEATHS


def test_who_got_somewhere_or_lived_for_long_has_made_progress() -> None:
    assert pauses([Dead(), Dead(), Dead(got_somewhere=True), Dead()]) == [0.1, 0.2, 0.1, 0.2]
    assert pauses([Dead(), Dead(), Dead(started_at=80.0), Dead()]) == [0.1, 0.2, 0.1, 0.2]


def test_who_left_as_it_should_is_replaced_at_once() -> None:
    slot = Slot(SPEC)
    for _ in range(5):
        slot.died(Dead(), 101.0)  # type: ignore[arg-type]  # all that is asked of it
    slot.left(200.0)
    assert (slot.deaths, slot.next_start) == (0, 200.0)


def test_nobody_follows_one_that_says_that_no_other_would_do_better() -> None:
    slot, dead = Slot(SPEC), Dead()
    slot.died(dead, 101.0)  # type: ignore[arg-type]  # all that is asked of it
    slot.check_deaths()
    dead.unusable = "the file is damaged"
    slot.died(dead, 101.0)  # type: ignore[arg-type]  # all that is asked of it
    with pytest.raises(RunUnusable, match="the file is damaged") as raised:
        slot.check_deaths()
    assert raised.value.exit_code == 78
