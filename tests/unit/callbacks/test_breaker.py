from hypothesis import given
from hypothesis import strategies as st

from ebats.runner.callbacks.breaker import Breaker

FAILED, ANSWERED, CUT = True, False, None


def down(after: int = 3, now: float = 100.0) -> Breaker:
    breaker = Breaker(after)
    changes = [breaker.note(is_probe=False, failed=True, now=now) for _ in range(after)]
    assert changes == [None] * (after - 1) + ["down"]
    return breaker


def test_a_host_is_down_after_so_many_failures_one_after_another() -> None:
    breaker = Breaker(3)
    for failed in (True, True, False, True, True):
        breaker.note(is_probe=False, failed=failed, now=0.0)
        assert breaker.ask(0.0) == "go"
    assert breaker.note(is_probe=False, failed=True, now=0.0) == "down"
    assert breaker.ask(0.0) == 1_000


def test_what_was_cut_short_says_nothing() -> None:
    breaker = Breaker(1)
    assert breaker.note(is_probe=False, failed=None, now=0.0) is None
    assert breaker.ask(0.0) == "go"


def test_one_probe_at_a_time_goes_after_a_pause() -> None:
    breaker = down(now=100.0)
    assert breaker.ask(100.9) == 1_000
    assert breaker.ask(101.0) == "probe"
    assert [breaker.ask(at) for at in (101.0, 500.0)] == [1_000, 30_000]
    assert breaker.note(is_probe=True, failed=True, now=102.0) is None
    assert breaker.ask(102.9) == 1_000
    assert breaker.ask(103.0) == "probe"


def test_a_probe_that_was_cut_short_leaves_its_turn_to_the_next() -> None:
    breaker = down(now=100.0)
    assert breaker.ask(101.0) == "probe"
    breaker.note(is_probe=True, failed=None, now=101.5)
    assert breaker.ask(101.5) == "probe"


def test_a_probe_that_is_answered_lets_all_go() -> None:
    breaker = down(now=100.0)
    assert breaker.ask(101.0) == "probe"
    assert breaker.note(is_probe=True, failed=False, now=101.5) == "up"
    assert [breaker.ask(101.5) for _ in range(3)] == ["go"] * 3
    assert breaker.is_quiet


def test_a_success_of_a_request_sent_before_lets_all_go_too() -> None:
    breaker = down(now=100.0)
    assert breaker.note(is_probe=False, failed=False, now=100.1) == "up"
    assert breaker.ask(100.1) == "go"


def test_failures_of_requests_sent_before_lengthen_no_pause() -> None:
    breaker = down(now=100.0)
    assert breaker.note(is_probe=False, failed=True, now=100.9) is None
    assert breaker.ask(101.0) == "probe"


def test_the_pause_grows_with_the_time_that_the_host_is_down() -> None:
    breaker = down(now=100.0)
    assert [breaker.pause_ms(100.0 + s) for s in (0, 2.9, 3, 15, 60, 86_400)] == [
        *(1_000, 1_000, 3_000, 10_000, 30_000, 30_000)
    ]


#: Seconds that pass, then: a request wants to go, or one in hand ends so.
STEPS = st.lists(
    st.tuples(st.floats(0, 40), st.sampled_from(["ask", FAILED, ANSWERED, CUT])), min_size=1, max_size=200
)


@given(st.integers(1, 5), STEPS)
def test_never_two_probes_at_once_and_none_goes_but_a_probe_while_it_is_down(
    after: int, steps: list[tuple[float, object]]
) -> None:
    breaker, now, in_hand = Breaker(after), 0.0, list[bool]()
    for passed, step in steps:
        now += passed
        if step == "ask":
            is_down = breaker.down_since is not None
            answer = breaker.ask(now)
            assert (answer == "go") != is_down
            if isinstance(answer, str):
                in_hand.append(answer == "probe")
            assert sum(in_hand) <= 1
        elif in_hand:
            failed = step if isinstance(step, bool) else None
            breaker.note(is_probe=in_hand.pop(0), failed=failed, now=now)
            assert (breaker.down_since is None) == (breaker.failures < after)
    # However it went: within half a minute after the last request has ended, one goes.
    while in_hand:
        breaker.note(is_probe=in_hand.pop(), failed=True, now=now)
    assert breaker.ask(now + 30.0) in ("go", "probe")
