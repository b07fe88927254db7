"""Which acknowledgements say that deliveries are done with."""

from collections.abc import Iterable
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ebats.runner.broker.tags import Tags
from ebats.runner.execution.delivery import Delivery
from tests.unit.core.shop import delivery


def came(tags: Tags, numbers: Iterable[int], **more: Any) -> dict[int, Delivery]:
    found = {number: delivery(tag=number, message_id=f"m{number}", **more) for number in numbers}
    for one in found.values():
        tags.came(one)
    return found


def redelivered(old: Delivery, tag: int, **headers: Any) -> Delivery:
    return Delivery(
        tag,
        old.generation + 1,
        old.queue,
        old.exchange,
        old.key,
        True,
        old.body,
        old.headers | headers,
        old.properties,
        2000.0,
    )


def test_up_to_the_first_gap_one_acknowledgement_is_enough() -> None:
    tags = Tags()
    out = came(tags, range(1, 6))
    for number in (1, 2, 4):
        tags.settle(out[number], 0.0)
    assert list(tags.acknowledgements(0.0)) == [(2, True)]
    assert (len(tags), tags.held()) == (3, 1)
    tags.settle(out[3], 0.001)
    assert list(tags.acknowledgements(0.001)) == [(4, True)]
    assert list(tags.acknowledgements(9.0, everything=True)) == []


def test_beyond_a_gap_nothing_is_held_over_twenty_milliseconds() -> None:
    tags = Tags()
    out = came(tags, range(1, 4))
    tags.settle(out[2], 0.0)
    assert list(tags.acknowledgements(0.005)) == []
    assert list(tags.acknowledgements(0.02)) == [(2, False)]
    assert len(tags) == 2


def test_at_the_end_all_that_is_settled_is_acknowledged_at_once() -> None:
    tags = Tags()
    out = came(tags, range(1, 4))
    tags.settle(out[3], 0.0)
    assert list(tags.acknowledgements(0.0, everything=True)) == [(3, False)]


def test_a_delivery_that_was_settled_twice_is_acknowledged_once() -> None:
    tags = Tags()
    out = came(tags, [1, 2])
    tags.settle(out[1], 0.0)
    tags.settle(out[1], 0.0)
    assert list(tags.acknowledgements(1.0)) == [(1, True)]
    tags.settle(out[1], 1.0)
    assert list(tags.acknowledgements(2.0, everything=True)) == []


def test_a_tag_of_a_lost_connection_is_not_acknowledged_on_the_next() -> None:
    tags = Tags()
    old = came(tags, [1])[1]
    tags.lose_connection()
    new = delivery(tag=1, message_id="other")
    tags.came(new)
    tags.settle(old, 0.0)
    assert list(tags.acknowledgements(1.0, everything=True)) == []


def test_what_comes_again_is_the_old_delivery_under_its_new_tag() -> None:
    tags = Tags()
    old = came(tags, [7])[7]
    tags.lose_connection()
    again = redelivered(old, 1, **{"x-delivery-count": 1, "x-acquired-count": 2})
    assert tags.recognise(again) is old
    assert (old.tag, old.generation) == (1, 2)
    tags.settle(old, 0.0)
    assert list(tags.acknowledgements(1.0)) == [(1, True)]
    assert tags.recognise(redelivered(old, 2)) is None


def test_what_ended_without_a_connection_is_recognised_as_finished() -> None:
    tags = Tags()
    old = came(tags, [7])[7]
    tags.lose_connection()
    tags.settle(old, 0.0)
    known = tags.recognise(redelivered(old, 1))
    assert known is old
    assert old.finished


def test_an_acknowledgement_that_went_down_with_the_connection_is_remembered() -> None:
    tags = Tags()
    old = came(tags, [1])[1]
    tags.settle(old, 0.0)
    assert list(tags.acknowledgements(0.0)) == [(1, True)]
    tags.lose_connection()
    known = tags.recognise(redelivered(old, 1))
    assert known is old
    assert old.finished


def test_a_later_attempt_of_the_same_message_is_not_taken_for_the_earlier_one() -> None:
    tags = Tags()
    second = delivery(tag=1, headers={"ebats-attempt": 2, "ebats-last": 5.0})
    tags.came(second)
    tags.lose_connection()
    tags.settle(second, 0.0)
    third = delivery(tag=1, headers={"ebats-attempt": 3, "ebats-last": 9.0}, redelivered=True)
    assert tags.recognise(third) is None


def test_a_message_without_an_id_is_known_by_its_body_and_way() -> None:
    tags = Tags()
    old = delivery("", "shop.demo", message_id=None, body=b"a", tag=3)
    tags.came(old)
    tags.lose_connection()
    assert tags.recognise(delivery("", "shop.demo", message_id=None, body=b"b", tag=1)) is None
    assert tags.recognise(delivery("x", "shop.demo", message_id=None, body=b"a", tag=1)) is None
    assert tags.recognise(redelivered(old, 2)) is old


def test_a_like_message_without_an_id_is_not_taken_for_one_that_was_acknowledged() -> None:
    tags = Tags()
    first = delivery("", "shop.demo", message_id=None, body=b"tick", tag=1)
    tags.came(first)
    tags.settle(first, 0.0)
    assert list(tags.acknowledgements(0.0)) == [(1, True)]
    tags.lose_connection()
    assert tags.recognise(redelivered(first, 1)) is None


def test_what_is_remembered_is_bounded_also_where_all_are_alike() -> None:
    tags = Tags()
    for number in range(1, 10_101):
        tags.came(delivery("", "shop.demo", message_id=None, body=b"tick", tag=number))
    tags.lose_connection()
    again = [tags.recognise(delivery("", "shop.demo", message_id=None, body=b"tick")) for _ in range(10_101)]
    assert sum(one is not None for one in again) == 10_000


class Broker(RuleBasedStateMachine):
    """A broker's side of one channel after another, held against what the tags say."""

    def __init__(self) -> None:
        super().__init__()
        self.tags = Tags()
        self.now = 0.0
        self.next_tag = 1
        self.made = 0
        #: Delivered on this connection and not acknowledged, by tag; lists of what the runner holds.
        self.out: dict[int, Delivery] = {}
        #: Delivered before and back in the queue.
        self.queued: list[Delivery] = []
        self.running: list[Delivery] = []
        self.settled: set[int] = set()
        self.acknowledged: set[int] = set()

    def number(self, one: Delivery) -> int:
        """Return which message it is."""
        return int(one.body)

    @rule(with_id=st.booleans())
    def publish_and_deliver(self, with_id: bool) -> None:
        """A new message comes."""
        self.made += 1
        one = delivery(
            tag=self.next_tag, message_id=f"m{self.made}" if with_id else None, body=b"%d" % self.made
        )
        self.tags.came(one)
        self.out[self.next_tag] = one
        self.running.append(one)
        self.next_tag += 1

    @precondition(lambda self: self.running)
    @rule(data=st.data(), keep=st.booleans())
    def settle(self, data: st.DataObject, keep: bool) -> None:
        """A run ends; sometimes word of it comes twice."""
        one = data.draw(st.sampled_from(self.running))
        if not keep:
            self.running = [other for other in self.running if other is not one]
        self.settled.add(self.number(one))
        self.tags.settle(one, self.now)

    @rule(everything=st.booleans(), waited=st.sampled_from([0.0, 0.001, 0.02]))
    def acknowledge(self, everything: bool, waited: float) -> None:
        """The runner acknowledges; the broker takes each tag once, and only one that is out."""
        self.now += waited
        for tag, multiple in self.tags.acknowledgements(self.now, everything=everything):
            taken = [number for number in self.out if number <= tag] if multiple else [tag]
            assert tag in self.out
            for number in taken:
                one = self.out.pop(number)
                assert self.number(one) in self.settled
                assert self.number(one) not in self.acknowledged
                self.acknowledged.add(self.number(one))

    @rule()
    def lose_connection(self) -> None:
        """The link is cut: what is out goes back to the queue."""
        self.tags.lose_connection()
        self.queued += self.out.values()
        self.out.clear()
        self.next_tag = 1

    @precondition(lambda self: self.queued)
    @rule(data=st.data())
    def deliver_again(self, data: st.DataObject) -> None:
        """A message comes back under a new tag; the runner must know it."""
        old = data.draw(st.sampled_from(self.queued))
        self.queued = [other for other in self.queued if other is not old]
        known = self.tags.recognise(redelivered(old, self.next_tag))
        assert known is not None
        assert self.number(known) == self.number(old)
        self.out[self.next_tag] = known
        self.next_tag += 1
        if known.finished:
            self.tags.settle(known, self.now)

    @invariant()
    def counts_what_is_out(self) -> None:
        """The runner and the broker agree on how many there are."""
        assert len(self.tags) == len(self.out)

    def teardown(self) -> None:
        """In the end all that was settled, and is out, gets its acknowledgement."""
        self.acknowledge(everything=True, waited=0.0)
        assert not {self.number(one) for one in self.out.values()} & self.settled


TestBroker = Broker.TestCase
TestBroker.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)


def test_a_worn_delivery_is_known_by_its_copy_and_by_the_copys_redelivery() -> None:
    tags = Tags()
    old = came(tags, [1])[1]
    ghost = tags.detach(old, ("m1", "ship", 1))
    # What stands for it is acknowledged once the copy is there; the delivery itself goes on.
    tags.settle(ghost, 0.0)
    assert list(tags.acknowledgements(0.0)) == [(1, True)]
    assert not old.finished
    headers = {"ebats-task": "ship", "ebats-attempt": 1}
    copy = delivery("", "shop.ship", headers=headers, message_id="m1", tag=2)
    assert tags.returning(copy) is old
    assert old.tag == 2
    tags.lose_connection()
    again = delivery("", "shop.ship", headers=headers, message_id="m1", tag=1, redelivered=True)
    assert tags.recognise(again) is old


def test_a_later_attempt_is_no_copy() -> None:
    tags = Tags()
    tags.detach(came(tags, [1])[1], ("m1", "ship", 1))
    later = {"ebats-task": "ship", "ebats-attempt": 2}
    assert tags.returning(delivery("", "shop.ship", headers=later, message_id="m1", tag=2)) is None
    first = {"ebats-task": "ship", "ebats-attempt": 1}
    assert tags.returning(delivery("shop.tasks", "ship", headers=first, message_id="m1", tag=3)) is None
