"""Silent children: those that are to be killed, and those whom nobody could hear."""

from ebats.runner.silence import Silence


def looks(*times: float) -> Silence:
    silence = Silence()
    for now in times:
        silence.looked(now, now)
    return silence


def test_who_is_silent_for_more_than_half_a_minute_is_to_be_killed() -> None:
    silence = looks(100.0, 100.25)
    assert not silence.is_too_long(70.5, 100.25)
    assert silence.is_too_long(70.0, 100.25)


def test_nobody_is_silent_while_this_process_itself_was_stopped() -> None:
    # Wherever it was stopped, not only where it waits for them.
    assert not looks(100.0, 160.0).is_too_long(100.0, 160.0)
    assert looks(100.0, 160.0).is_excused
    assert not looks(100.0, 160.0, 160.25).is_excused


def test_before_the_first_look_nobody_was_expected_to_be_heard() -> None:
    assert not looks(100.0).is_excused


def test_it_is_told_that_this_process_was_stopped() -> None:
    silence = looks(100.0)
    assert silence.looked(100.0, 160.0) == (
        "was stopped for 60 s, and goes on; its processes may have worked meanwhile"
    )
    assert silence.looked(160.0, 160.25) is None
    # It did something else for long: waited for the broker, for instance.
    assert silence.looked(220.0, 220.25) is None
