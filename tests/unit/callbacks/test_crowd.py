from hypothesis import given
from hypothesis import strategies as st

from ebats.runner.callbacks.crowd import Crowd


def simulate(messages: int, seconds: int, per_s: int = 2_000, takes_per_s: int = 0) -> list[tuple[int, int]]:
    """Have messages come again and again to a host that takes so many a second, from a queue that hands out
    so many; return for each second how many came for nothing, and how long the last one waits."""
    crowd, due, left, found = Crowd(0.0), [0.0] * messages, messages, list[tuple[int, int]]()
    for second in range(seconds):
        ready = sorted(at for at in due if at <= second)[:per_s]
        due = sorted(due)[len(ready) :]
        taken = min(takes_per_s, len(ready))
        left -= taken
        waits = [crowd.wait_ms(second + number / per_s) for number in range(len(ready) - taken)]
        for _ in range(taken):
            crowd.served()
        due += [second + number / per_s + wait / 1000 for number, wait in enumerate(waits)]
        found.append((len(waits), waits[-1] if waits else 0))
        if not left:
            break
    return found


def test_a_few_wait_a_second() -> None:
    assert {wait for _, wait in simulate(200, 60)} == {1_000}


def test_many_come_again_at_a_pace_that_leaves_the_queue_to_others() -> None:
    late = simulate(9_000, 120)[60:]
    assert sum(returns for returns, _ in late) / len(late) <= 350
    assert max(wait for _, wait in late) == 30_000


def test_a_host_that_is_only_busy_is_kept_busy() -> None:
    # It takes 500 a second: ten thousand need twenty seconds, and don't take much longer for waiting.
    assert len(simulate(10_000, 200, takes_per_s=500)) <= 45


def test_when_few_are_left_they_wait_a_second_again() -> None:
    crowd = Crowd(0.0)
    for number in range(10_000):
        crowd.wait_ms(number / 1_000)
    assert crowd.wait_ms(11.0) > 1_000
    waits = [crowd.wait_ms(11.0 + number) for number in range(100)]
    assert waits[-1] == 1_000


@given(st.lists(st.tuples(st.floats(0, 100), st.booleans()), max_size=200))
def test_a_wait_is_always_one_of_the_rungs(steps: list[tuple[float, bool]]) -> None:
    crowd, now = Crowd(0.0), 0.0
    for passed, is_served in steps:
        now += passed
        if is_served:
            crowd.served()
        assert crowd.wait_ms(now) in (1_000, 3_000, 10_000, 30_000)
