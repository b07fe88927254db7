"""Which processes a pipeline runs in."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebats.pipelines.model import Consumer, Queue
from ebats.pipelines.plan import ProcessSpec, consumers, prefetches
from ebats.pipelines.problems import Place
from tests.unit.core.shop import SHOP, pipeline

PLACE = Place(file="x.yaml", line=1, column=1)
TWO = f"{SHOP}consumers: {{orders: {{queues: [demo], processes: 2}}, rest: {{}}}}\n"


def consumer(queues: int, prefetch: int) -> Consumer:
    return Consumer(
        name="c",
        queues=tuple(Queue(name=f"q{n}", broker_name=f"shop.q{n}", place=PLACE) for n in range(queues)),
        processes=1,
        concurrency=1,
        prefetch=prefetch,
        place=PLACE,
    )


def test_without_a_section_there_is_one_process_for_everything() -> None:
    (spec,) = consumers(pipeline())
    assert spec.consumer is not None
    assert {queue.name for queue in spec.consumer.queues} == {"demo", "fast", "report"}


def test_each_count_is_a_process_with_a_name_of_its_own() -> None:
    specs = consumers(pipeline(TWO))
    assert [spec.name for spec in specs] == ["orders#1", "orders#2", "rest#1"]
    assert specs[0].title == "ebats: shop orders#1"


def test_only_some_consumers_can_be_run() -> None:
    assert [spec.name for spec in consumers(pipeline(TWO), ["rest"])] == ["rest#1"]


def test_a_consumer_without_queues_takes_what_no_other_names() -> None:
    rest = consumers(pipeline(TWO))[-1].consumer
    assert rest is not None
    assert {queue.name for queue in rest.queues} == {"fast", "report"}


def test_a_spec_goes_through_a_pickle_as_it_is() -> None:
    for spec in consumers(pipeline(TWO)):
        assert pickle.loads(pickle.dumps(spec)) == spec


def test_payloads_are_kept_only_where_a_sink_is_a_function() -> None:
    def with_payload(logs: str) -> bool:
        return ProcessSpec(role="writer", name="w", pipeline=pipeline(SHOP + logs)).with_payload

    assert not with_payload("")
    assert not with_payload("logs: {a: {std: {}}}\n")
    assert with_payload('logs: {a: {python: "shop.logs:keep"}}\n')


@given(st.integers(1, 9), st.integers(1, 60))
def test_a_prefetch_is_split_over_the_queues_and_none_goes_without(queues: int, prefetch: int) -> None:
    split = prefetches(consumer(queues, prefetch))
    assert list(split) == [f"shop.q{n}" for n in range(queues)]
    assert min(split.values()) >= 1
    assert max(split.values()) - min(split.values()) <= 1
    assert sum(split.values()) == max(prefetch, queues)


@pytest.mark.parametrize("prefetch", [1, 10])
def test_a_consumer_with_nothing_to_take_splits_nothing(prefetch: int) -> None:
    assert prefetches(consumer(0, prefetch)) == {}
