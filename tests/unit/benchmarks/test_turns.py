"""How many messages each contender gets, and what the figures of one kind say of others."""

import json

from ebats.pipelines.load import from_bytes
from tests.benchmarks import growth
from tests.benchmarks.contenders import everybody
from tests.benchmarks.contenders.ebats import Ebats
from tests.benchmarks.figures import Figures
from tests.benchmarks.kinds import BY_NAME
from tests.benchmarks.measures import MEASURES
from tests.benchmarks.turns import bare, beside, number_of
from tests.unit.benchmarks.test_figures import figure


def test_a_slow_contender_gets_fewer_messages_of_what_it_decides() -> None:
    slow, fast = Ebats(speed=0.5), Ebats(speed=2)
    assert (number_of(BY_NAME["noop"], slow), number_of(BY_NAME["noop"], fast)) == (10_000, 40_000)
    assert number_of(BY_NAME["cpu"], slow) == number_of(BY_NAME["cpu"], fast)


def test_nobody_gets_fewer_than_warm_up_and_measure() -> None:
    assert number_of(BY_NAME["noop"], Ebats(speed=0.0001)) == 1000


def test_the_start_and_the_memory_are_kinds_of_their_own() -> None:
    noop = figure("ebats", 7.0, start_seconds=0.5, pss_mb=24.0, total_mb=90.0)
    found = Figures([noop, figure("huey", 3.0)])

    assert {one.kind: one.values for one in beside(found).all} == {
        "start": {"seconds": 0.5},
        "memory": {"pss_mb": 24.0, "total_mb": 90.0},
    }
    assert {(one.contender, one.settings) for one in beside(found).all} == {("ebats", noop.settings)}
    assert [one.values for one in bare(found).all] == [{"per_s": 7.0, "pss_mb": 24.0}, {"per_s": 3.0}]


def test_a_file_that_grows_is_a_good_file() -> None:
    variables = {"EBATS_BROKER_URL": "sqlite:///b.db", "EBATS_BENCH_LOG": "b.jsonl"}
    pipeline = from_bytes("p.yaml", json.dumps(growth.pipeline(10)).encode(), variables).pipeline

    assert len(pipeline.tasks) == 10
    assert len(pipeline.events) == 10


def test_each_kind_is_measured_by_one() -> None:
    kinds = [kind for one in MEASURES for kind in one.kinds]
    assert sorted(kinds) == sorted(BY_NAME)


def test_nobody_stands_at_a_kind_of_work_with_the_slower_of_its_ways_alone() -> None:
    for processes, threads in (
        (everybody.PREFORK, everybody.THREADS),
        (everybody.HUEY, everybody.HUEY_THREADS),
    ):
        # One process is to wait for fifty: threads alone can.
        assert processes.kinds == threads.kinds - {"sleep"}
