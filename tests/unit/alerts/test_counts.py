import pytest

from ebats.runner.alerts.facts import Counts
from ebats.runner.alerts.histogram import bucket, quantile


@pytest.mark.parametrize("seconds", [0.0, 1e-7, 0.0001, 0.5, 1.0, 3.0, 60.0, 1e5, 1e9])
def test_a_bucket_holds_its_time(seconds: float) -> None:
    upper = quantile({bucket(seconds): 1}, 0.95)
    assert upper is not None
    assert seconds < 1e-6 or upper >= min(seconds, 1e6) * 0.999
    assert seconds > 1e5 or upper <= max(1e-6, seconds) * 1.1


def test_quantiles_of_counts() -> None:
    assert quantile({}, 0.95) is None
    times = {bucket(0.1): 95, bucket(10.0): 5}
    assert quantile(times, 0.95) == pytest.approx(0.1, rel=0.1)
    assert quantile(times, 0.96) == pytest.approx(10.0, rel=0.1)


def test_counts_are_added_and_taken_away() -> None:
    one = Counts(executions=2, dead=1, times={3: 2}, attempts={2: 1}, slower={"5.0": 1})
    two = replace_counts(one)
    two.add(one)
    assert (two.executions, two.times, two.attempts, two.slower) == (4, {3: 4}, {2: 2}, {"5.0": 2})
    two.subtract(one)
    two.subtract(one)
    assert two.is_empty
    assert (two.times, two.attempts, two.slower) == ({}, {}, {})


def replace_counts(counts: Counts) -> Counts:
    new = Counts()
    new.add(counts)
    return new
