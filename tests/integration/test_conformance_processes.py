"""Conformance: several processes on one broker, some of them killed."""

import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from tests.conftest import Broker
from tests.integration.actor import Actor, actor
from tests.integration.wire import Wire, bodies, delivery_count, work_arguments
from tests.waiting import wait_until


def test_what_another_process_publishes_arrives(connect: Callable[[], Wire], broker: Broker) -> None:
    wire = connect()
    wire.queue("work")
    wire.consume("work", prefetch=100)
    with actor(broker.url, "send", "work", "50"):
        assert len(wire.receive(50, deadline_s=20)) == 50


def test_a_killed_consumer_gives_its_messages_back_within_seconds(
    connect: Callable[[], Wire], broker: Broker
) -> None:
    wire = connect()
    wire.queue("work", work_arguments("dead"))
    wire.send("work", *map(str, range(10)))
    with actor(broker.url, "hold", "work", "4") as holder:
        held = holder.wait_for_lines(4)
        wire.consume("work")
        rest = bodies(wire.receive(6))
        assert not set(rest) & set(held)
        wire.drain_for(0.5)
        assert wire.bodies == []
        holder.kill()
        back = wire.receive(4, deadline_s=5)
    assert sorted(bodies(back)) == sorted(held)
    assert all(message.delivery_info["redelivered"] and delivery_count(message) == 1 for message in back)


def test_a_killed_consumer_repeats_no_more_than_its_prefetch(
    connect: Callable[[], Wire], broker: Broker
) -> None:
    wire = connect()
    wire.queue("work", work_arguments("dead"))
    wire.send("work", *map(str, range(300)))
    with actor(broker.url, "work", "work", "10") as worker:
        worker.wait_for_lines(50)
        worker.kill()
        done = worker.lines
    wire.consume("work", prefetch=1000)
    wire.drain_until(lambda: len(set(done) | set(wire.bodies)) == 300, "all the others")
    wire.drain_for(0.3)
    again = set(done) & set(wire.bodies)
    assert len(again) <= 10, "more than were in flight"


def test_processes_share_a_queue_without_loss_or_repetition(
    connect: Callable[[], Wire], broker: Broker
) -> None:
    wire = connect()
    wire.queue("work")
    with ExitStack() as stack:
        workers = [stack.enter_context(actor(broker.url, "work", "work", "5")) for _ in range(3)]
        for _ in range(2):
            stack.enter_context(actor(broker.url, "send", "work", "200"))
        done = lines_of(workers, 400)
        time.sleep(0.3)  # for what must not come
        assert lines_of(workers, 400) == done
    assert max(done.values()) == 1
    assert wire.ready("work") == 0


@pytest.mark.slow
def test_killing_consumers_again_and_again_loses_nothing(connect: Callable[[], Wire], broker: Broker) -> None:
    wire, kills, prefetch, count = connect(), 5, 10, 600
    wire.queue("work", work_arguments("dead"))
    wire.send("work", *map(str, range(count)))
    done: Counter[str] = Counter()
    for _ in range(kills):
        with actor(broker.url, "work", "work", str(prefetch)) as worker:
            worker.wait_for_lines(20)
            worker.kill()
            done.update(worker.lines)
    with actor(broker.url, "work", "work", str(prefetch)) as worker:
        wait_until(lambda: len(done | Counter(worker.lines)) == count, 30, "some are lost")
        done.update(worker.lines)
    assert sum(done.values()) - count <= kills * prefetch


@pytest.mark.slow
def test_a_message_held_for_long_stays_with_its_living_owner(
    connect: Callable[[], Wire], broker: Broker
) -> None:
    wire = connect()
    wire.queue("work")
    wire.send("work", "x")
    with actor(broker.url, "hold", "work", "1") as holder:
        holder.wait_for_lines(1)
        wire.consume("work")
        wire.drain_for(12)
        assert wire.bodies == []


def lines_of(workers: list[Actor], count: int) -> Counter[str]:
    """Wait for a number of distinct lines over all the workers."""
    wait_until(lambda: len({line for one in workers for line in one.lines}) >= count, 30)
    return Counter(line for one in workers for line in one.lines)
