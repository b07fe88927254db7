"""Token buckets: so many requests a second, a second's worth at once, and when to come again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebats.runner.gateway.auth import Caller
from ebats.runner.gateway.limits import Bucket, Rates
from ebats.runner.gateway.refusal import Refusal


def test_a_second_is_saved_up_and_no_more() -> None:
    bucket = Bucket(3, 100.0)
    assert [bucket.take(200.0) for _ in range(4)] == [0, 0, 0, pytest.approx(1 / 3)]
    assert bucket.take(200.3) > 0
    assert bucket.take(200.7) == 0


@given(st.integers(1, 50), st.lists(st.floats(0, 2), max_size=200))
def test_never_more_than_the_rate(rate: int, pauses: list[float]) -> None:
    bucket, now, taken = Bucket(rate, 0.0), 0.0, 0
    for pause in pauses:
        now += pause
        taken += bucket.take(now) == 0
    assert taken <= rate + now * rate + 1e-6


@given(st.floats(0.1, 1000))
def test_whoever_waits_as_told_gets_one(rate: float) -> None:
    bucket, now = Bucket(rate, 0.0), 0.0
    while not (wait_s := bucket.take(now)):
        pass
    assert bucket.take(now + wait_s + 1e-6) == 0


def test_each_caller_has_a_rate_of_his_own() -> None:
    rates = Rates()
    shop, ops = Caller(name="shop", rate=1), Caller(name="ops", rate=2)
    for caller in (shop, ops, ops, *[Caller(name="anybody")] * 100):
        rates.check(caller, 1.0)
    for caller in (shop, ops):
        with pytest.raises(Refusal) as refused:
            rates.check(caller, 1.0)
        assert (refused.value.status, refused.value.headers) == (429, {"Retry-After": "1"})
