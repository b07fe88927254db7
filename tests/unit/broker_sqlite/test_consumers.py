from typing import Any

from ebats.runner.broker.sqlite.consumers import UNLIMITED_BATCH, Consumer, Consumers


def consumer(tag: str, queue: int = 1, prefetch: int = 10, no_ack: bool = False) -> Consumer:
    channel: Any = None
    return Consumer(channel, tag, queue, True, no_ack, prefetch)


def group(*members: Consumer) -> Consumers:
    found = Consumers()
    for member in members:
        found.add(member)
    return found


def tags(turn: list[Consumer]) -> list[str]:
    return [member.tag for member in turn]


def test_two_consumers_of_a_queue_take_turns() -> None:
    a, b = consumer("a"), consumer("b")
    consumers = group(a, b)
    assert tags(consumers.deal(1, [a, b], 4)) == ["a", "b", "a", "b"]
    ((_, takers, _),) = consumers.demand()
    assert tags(takers) == ["b", "a"]  # the other one starts next time


def test_nobody_gets_more_than_his_prefetch() -> None:
    a, b = consumer("a", prefetch=1), consumer("b", prefetch=5)
    assert sorted(tags(group(a, b).deal(1, [a, b], 6))) == ["a", "b", "b", "b", "b", "b"]


def test_a_full_consumer_asks_for_nothing() -> None:
    a = consumer("a", prefetch=3)
    consumers = group(a)
    assert consumers.demand() == [(1, [a], 3)]
    a.unacked = 3
    assert consumers.demand() == []
    assert not consumers.has_room()


def test_without_a_limit_a_batch_is_asked_for() -> None:
    consumers = group(consumer("a", prefetch=0), consumer("b", prefetch=1, no_ack=True))
    assert consumers.demand()[0][2] == 2 * UNLIMITED_BATCH


def test_a_consumer_with_half_of_its_window_in_hand_can_wait() -> None:
    a = consumer("a", prefetch=10)
    consumers = group(a)
    a.unacked = 6
    assert consumers.has_room()
    assert not consumers.is_starving()
    a.unacked = 5
    assert consumers.is_starving()


def test_only_queues_that_are_consumed_become_hungry() -> None:
    a = consumer("a", queue=7)
    consumers = group(a)
    consumers.hungry.clear()
    consumers.wake({1, 2})
    assert not consumers.hungry
    consumers.wake(None)
    assert consumers.hungry == {7}
    consumers.remove(a)
    assert not consumers
    assert not consumers.hungry
