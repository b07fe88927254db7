"""When nothing is left to do."""

from collections.abc import Iterable, Mapping

import pytest

from ebats.pipelines.topology import derive
from ebats.runner import idle
from ebats.runner.idle import Idle
from tests.unit.core.shop import pipeline

EVENT_RUNG = "shop.delay.10s.order_create.close_order"


class Clock:
    """Stands in for the module `time`."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        """Return the test's time."""
        return self.now


class Watched:
    """A run whose queues and counters the test sets."""

    def __init__(self, clock: Clock, **before: int) -> None:
        self.clock = clock
        self.ready: dict[str, int | None] = {name.replace("__", "."): n for name, n in before.items()}
        self.statuses: list[dict[str, int]] = [{}]
        self.idle = Idle(derive(pipeline()), ["shop.demo", "shop.report"], self.counts)

    def counts(self, names: Iterable[str]) -> Mapping[str, int | None]:
        """Be the broker."""
        return {name: self.ready.get(name, 0) for name in names}

    def is_over_after(self, seconds: float) -> bool:
        """Look four times a second for so long."""
        for _ in range(int(seconds * 4)):
            self.clock.now += 0.25
            if self.idle.is_over(self.statuses):
                return True
        return False


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(idle, "time", made)
    return made


def test_one_look_is_not_enough(clock: Clock) -> None:
    assert not Watched(clock).is_over_after(0.25)


def test_stillness_is_the_end_within_a_few_seconds(clock: Clock) -> None:
    assert Watched(clock).is_over_after(4)


@pytest.mark.parametrize(
    "queue", ["shop.demo", "shop.report", "shop.suspects", "shop.delay.1s", "shop.delay.10s", EVENT_RUNG]
)
def test_a_message_in_a_queue_or_on_a_rung_keeps_it_going(clock: Clock, queue: str) -> None:
    watched = Watched(clock)
    watched.ready[queue] = 1
    assert not watched.is_over_after(100)


def test_dead_letters_and_queues_of_others_do_not_keep_it_going(clock: Clock) -> None:
    watched = Watched(clock)
    watched.ready |= {"shop.dead": 5, "shop.fast": 5, "shop.topology": 1}
    assert watched.is_over_after(4)


def test_what_runs_keeps_it_going(clock: Clock) -> None:
    watched = Watched(clock)
    watched.statuses = [{"in_hand": 0}, {"in_hand": 1}]
    assert not watched.is_over_after(100)


def test_what_comes_in_between_begins_the_stillness_anew(clock: Clock) -> None:
    watched = Watched(clock)
    for taken in range(20):
        watched.statuses = [{"taken": taken}]
        assert not watched.is_over_after(0.25)
    assert watched.is_over_after(4)


def test_what_a_rung_is_handing_on_is_waited_for_by_the_runners_own_count(clock: Clock) -> None:
    watched = Watched(clock)
    watched.statuses = [{"taken": 3, "to_rungs": 2, "from_rungs": 1}]
    assert not watched.is_over_after(20)
    watched.statuses = [{"taken": 4, "to_rungs": 2, "from_rungs": 1}, {"from_rungs": 1}]
    assert watched.is_over_after(4)


def test_what_was_on_rungs_before_is_waited_for_too(clock: Clock) -> None:
    watched = Watched(clock, shop__delay__1s=1)
    watched.ready.clear()
    assert not watched.is_over_after(20)


def test_delayed_events_that_nobody_counted_in_hide_no_retry(clock: Clock) -> None:
    watched = Watched(clock)
    watched.statuses = [{"taken": 9, "to_rungs": 1, "from_event_rungs": 8}]
    assert not watched.is_over_after(20)


def test_a_count_that_a_killed_process_took_with_it_is_not_believed_for_ever(clock: Clock) -> None:
    watched = Watched(clock)
    watched.statuses = [{"taken": 3, "to_rungs": 2}]
    assert watched.is_over_after(60)


def test_a_queue_that_is_not_there_is_empty(clock: Clock) -> None:
    watched = Watched(clock)
    watched.ready["shop.report"] = None
    assert watched.is_over_after(4)
