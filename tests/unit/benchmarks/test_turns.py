"""How many messages each contender gets, and what the figures of one kind say of another."""

from tests.benchmarks.contenders.ebats import Ebats
from tests.benchmarks.figures import Figure, Figures
from tests.benchmarks.kinds import BY_NAME
from tests.benchmarks.turns import memory_of, number_of


def test_a_slow_contender_gets_fewer_messages_of_what_it_decides() -> None:
    slow, fast = Ebats(speed=0.5), Ebats(speed=2)
    assert (number_of(BY_NAME["noop"], slow), number_of(BY_NAME["noop"], fast)) == (10_000, 40_000)
    assert number_of(BY_NAME["cpu"], slow) == number_of(BY_NAME["cpu"], fast)


def test_nobody_gets_fewer_than_warm_up_and_measure() -> None:
    assert number_of(BY_NAME["noop"], Ebats(speed=0.0001)) == 1000


def test_memory_is_what_was_found_when_the_tasks_were_done() -> None:
    values = {"per_s": 1000.0, "pss_mb": 25.0}
    noop = Figure(kind="noop", broker="sqlite", contender="ebats", values=values, settings=("as it comes",))
    bare = Figure(kind="noop", broker="sqlite", contender="other", values={"per_s": 1000.0})
    assert memory_of(Figures([noop, bare])).all == [
        Figure(
            kind="memory",
            broker="sqlite",
            contender="ebats",
            values={"pss_mb": 25.0},
            settings=("as it comes",),
        )
    ]
