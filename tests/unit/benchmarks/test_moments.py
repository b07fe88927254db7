"""The moments of messages, and the pace at which they are published."""

from itertools import pairwise
from pathlib import Path

import pytest

from tests.benchmarks.kinds import LATENCY_PER_S
from tests.benchmarks.moments import Moments
from tests.benchmarks.work.pacing import due


@pytest.fixture
def moments(tmp_path: Path) -> Moments:
    return Moments(tmp_path / "moments")


def test_another_process_sees_what_was_noted(moments: Moments, tmp_path: Path) -> None:
    moments.published(7)
    assert Moments(tmp_path / "moments").is_published(7)
    assert not moments.is_published(6)


def test_waits_are_from_publish_to_start_and_sorted(moments: Moments) -> None:
    for number in range(3):
        moments.published(number)
    for number in (2, 1, 0):  # the first waits longest
        moments.started(number)
    waited = moments.waited_ms(0, 3)
    assert waited == sorted(waited)
    assert moments.waited_ms(0, 1) == waited[-1:]
    assert waited[0] >= 0


def test_the_first_attempt_counts(moments: Moments) -> None:
    moments.published(0)
    moments.started(0)
    before = moments.waited_ms(0, 1)
    moments.started(0)
    assert moments.waited_ms(0, 1) == before


def test_who_has_not_started_is_waited_for(moments: Moments) -> None:
    moments.started(0)
    moments.wait(1)
    with pytest.raises(TimeoutError, match=r"1 of 2 have started after 0.01 s"):
        moments.wait(2, deadline_s=0.01)


def test_a_pace_is_even(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = _Clock()
    monkeypatch.setattr("tests.benchmarks.work.pacing.time", clock)
    moments = []
    for number, wait_s in due(range(4)):
        clock.now += wait_s
        moments.append(clock.now)
        clock.now += 0.001 * number  # publishing takes longer and longer, and less than there is time
    steps = [after - before for before, after in pairwise(moments)]
    assert steps == pytest.approx([1 / LATENCY_PER_S] * 3)


def test_who_is_late_does_not_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = _Clock()
    monkeypatch.setattr("tests.benchmarks.work.pacing.time", clock)
    waits = []
    for number, wait_s in due(range(3)):
        waits.append(wait_s)
        clock.now += wait_s + (1.0 if number == 0 else 0.0)
    assert waits == pytest.approx([0.0, 0.0, 1 / LATENCY_PER_S])


class _Clock:
    now = 100.0

    def monotonic(self) -> float:
        return self.now
