"""When a process takes more messages at once."""

from ebats.runner.broker.appetite import Appetite


def after(appetite: Appetite, settled: int, seconds: float, now: float = 100.0) -> bool:
    """Let so many messages be settled within so many seconds; return whether that changes anything."""
    appetite.changes(now)
    appetite.settled(settled)
    return appetite.changes(now + seconds)


def test_it_is_large_while_its_usual_number_lasts_a_moment() -> None:
    appetite = Appetite(64, 4)
    assert appetite.batch == 16
    # A second: 2,560 is 64 in 25 ms.
    assert not after(appetite, 2_550, 1, 100)
    assert after(appetite, 2_570, 1, 101)
    assert appetite.is_large
    assert appetite.batch == 64
    # 640 a second is 64 in 100 ms: enough to stay, where it wouldn't be enough to become so.
    assert not after(appetite, 650, 1, 102)
    assert after(appetite, 630, 1, 103)
    assert not appetite.is_large
    assert appetite.batch == 16


def test_it_is_thought_about_four_times_a_second() -> None:
    appetite = Appetite(8, 4)
    assert not after(appetite, 10_000, 0.2)
    assert appetite.changes(100.25)


def test_an_idle_process_takes_as_usual() -> None:
    appetite = Appetite(8, 4)
    assert after(appetite, 10_000, 1)
    assert appetite.changes(110.0)
    assert not appetite.is_large


def test_a_new_connection_begins_as_usual() -> None:
    appetite = Appetite(8, 4)
    assert after(appetite, 10_000, 1)
    appetite.settled(10_000)
    appetite.reset()
    assert not appetite.is_large
    assert not appetite.changes(101.0)
    assert not appetite.changes(102.0)


def test_who_says_how_many_gets_so_many() -> None:
    appetite = Appetite(8, 1)
    assert not after(appetite, 10_000, 1)
    assert not appetite.is_large


def test_a_batch_is_one_at_least() -> None:
    assert Appetite(1, 1).batch == 1
