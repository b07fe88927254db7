"""Row 25: all faults at random, from a seed, for as long as it is told to."""

import os
from collections.abc import Iterator
from itertools import pairwise
from random import SystemRandom

import pytest

from tests.brokers import Release
from tests.conftest import ALL_BROKERS, MAIN_BROKERS, or_skip
from tests.faults.rows.finding import Finding
from tests.faults.soak.gauge import Sample, lives
from tests.faults.soak.run import Settings, soak
from tests.faults.soak.schedule import ANYWHERE, CALM, ENDS, OF_A_SERVER, Step, schedule

IS_CI = "CI" in os.environ
#: What lands is decided by faults that are the same each time; elsewhere new ones are looked for.
CI_SEED = 25
QUICK_MINUTES = 5.0 if IS_CI else 1.0
FULL_MINUTES = 20.0


def steps(seed: int, seconds: float = 300, *, of_a_server: bool = True) -> tuple[Step, ...]:
    return schedule(seed, seconds, of_a_server=of_a_server)


def test_a_seed_says_which_faults_come_and_when() -> None:
    assert steps(1) == steps(1)
    assert len({steps(seed) for seed in range(20)}) == 20


@pytest.mark.parametrize("of_a_server", [False, True])
def test_five_minutes_have_a_fault_and_an_end_of_each_kind_with_any_seed(of_a_server: bool) -> None:
    for seed in range(200):
        what = [step.what for step in steps(seed, of_a_server=of_a_server)]
        assert {*what} >= {*ANYWHERE, *ENDS, *(OF_A_SERVER if of_a_server else ())}, seed
        assert bool({*what} & OF_A_SERVER.keys()) == of_a_server
        assert sum(each in ENDS for each in what) <= 4
        # A life that is long enough to see something grow.
        assert max(map(len, _lives(what))) >= 8, seed
        assert what.count(CALM) >= 6


def _lives(what: list[str]) -> Iterator[list[str]]:
    """Yield what happens in each life."""
    ends = [index for index, each in enumerate(what) if each in ENDS]
    for begin, end in pairwise([-1, *ends, len(what)]):
        yield what[begin + 1 : end]


def test_a_longer_soak_lets_its_runs_live_longer() -> None:
    what = [step.what for step in steps(1, 3600)]
    assert 3 <= sum(each in ENDS for each in what) <= 6
    assert max(map(len, _lives(what))) >= 60


def test_what_grows_in_one_life_is_told_and_what_is_only_different_in_two_is_not() -> None:
    def sample(pid: int, memory: int, descriptors: int = 9, threads: int = 3) -> Sample:
        return Sample(name="all#1", pid=pid, memory=memory, descriptors=descriptors, threads=threads)

    steady, grows = [sample(1, 40_000_000)] * 4, [sample(2, 40_000_000 + 5_000_000 * n) for n in range(5)]
    leaks = [sample(3, 40_000_000, 9 + n, 3 + 2 * n) for n in range(6)]
    found = {life.first.pid: life.faults() for life in lives([[one] for one in (*steady, *grows, *leaks)])}
    assert found[1] == []
    assert found[2] == ["all#1 (process 2, 5 calms): memory from 45,000,000 to 60,000,000 bytes"]
    assert found[3] == [
        "all#1 (process 3, 6 calms): descriptors from 10 to 14",
        "all#1 (process 3, 6 calms): threads from 5 to 13",
    ]


def run(kind: str, minutes: float, finding: Finding) -> None:
    if kind != "sqlite":
        or_skip(lambda: Release.find(kind))
    seed = CI_SEED if IS_CI else SystemRandom().randrange(1_000_000)
    soak(Settings(minutes=minutes, seed=seed, broker=kind), print, finding)


@pytest.mark.slow
@pytest.mark.row(25)
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kind", MAIN_BROKERS)
def test_faults_at_random_lose_nothing_and_all_stays_as_it_is(kind: str, finding: Finding) -> None:
    run(kind, QUICK_MINUTES, finding)


@pytest.mark.soak
@pytest.mark.row(25)
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", ALL_BROKERS)
def test_faults_at_random_for_long_lose_nothing_and_all_stays_as_it_is(kind: str, finding: Finding) -> None:
    run(kind, FULL_MINUTES, finding)
