"""What ebats aims at, and whether a run has met it."""

from tests.benchmarks.aims import AIMS, outcomes
from tests.benchmarks.figures import Figures
from tests.benchmarks.kinds import BY_NAME
from tests.unit.benchmarks import sample
from tests.unit.benchmarks.test_figures import figure


def test_an_aim_is_met_by_as_many_times_as_was_asked() -> None:
    found = {(one.aim.broker, one.aim.whom): one for one in outcomes(sample.noop())}
    dramatiq, perftest = found["rabbitmq310", "Dramatiq"], found["rabbitmq310", "PerfTest's consumer"]
    assert (dramatiq.times, dramatiq.is_met) == (2.5, True)
    assert (perftest.times, perftest.is_met) == (0.4, False)
    assert (found["sqlite", "huey"].times, found["sqlite", "huey"].is_met) == (3.6, False)


def test_one_way_of_ebats_may_be_what_is_compared() -> None:
    (one,) = [one for one in outcomes(sample.noop()) if one.aim.ours and one.times is not None]
    assert (one.ours, one.theirs, one.other) == (16_000, 40_000, "PerfTest, classic queue")
    without = Figures([figure for figure in sample.noop().all if figure.contender != one.aim.ours])
    assert not [one for one in outcomes(without) if one.aim.ours and one.times is not None]


def test_what_was_not_measured_is_not_met() -> None:
    unmeasured = [one for one in outcomes(Figures()) if one.times is not None or one.is_met]
    assert not unmeasured
    assert len(outcomes(Figures())) == len(AIMS)


def test_less_time_is_better_and_the_best_other_counts() -> None:
    times = {"ebats": 2.0, "Dramatiq": 3.0, "Celery, threads": 9.0, "py-amqp": 0.5}
    figures = Figures([figure(name, 1, kind="latency", p99_ms=ms) for name, ms in times.items()])
    (one,) = [one for one in outcomes(figures) if one.times is not None]
    assert (one.times, one.other, one.is_met) == (1.5, "Dramatiq", True)


def test_each_aim_is_about_a_kind_of_work() -> None:
    assert {aim.kind for aim in AIMS} <= set(BY_NAME)
