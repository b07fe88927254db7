"""Why a process leaves, and what becomes of what it has in hand."""

import asyncio
import threading
import time

import pytest

from ebats.runner.roles.worker import resident_memory
from tests.unit.core.process import DEADLINE_S, Process, quick
from tests.waiting import wait_until


def test_a_process_leaves_after_its_tasks_and_hands_back_the_rest() -> None:
    gate = threading.Event()

    def slow() -> None:
        gate.wait(DEADLINE_S)

    process = Process(quick, slow, concurrency=1)
    process.worker.max_tasks = 2
    process.give("quick", 1, 2)
    process.give("slow", 3, 4)
    threading.Timer(2.0, gate.set).start()
    assert process.leaves() == "max_tasks"
    assert process.outcomes() == ["m1 success", "m2 success", "m3 success"]
    assert process.handed_back() == ["m4"]
    assert {"leaving": "max_tasks"} in process.parent.told
    assert not process.intake.taking
    assert len(process.intake.deliveries) == 4


def test_a_process_that_may_start_none_hands_back_what_waits_though_a_long_one_is_at_work() -> None:
    gate = threading.Event()

    def slow() -> None:
        # Not before the others are somebody else's.
        gate.wait(DEADLINE_S)

    process = Process(quick, slow, concurrency=2)
    process.worker.max_tasks = process.worker.slots.allowance = 2
    process.give("slow", 1)
    process.give("quick", 2, 3, 4)
    leaving = threading.Thread(target=process.leaves)
    leaving.start()
    wait_until(lambda: process.handed_back() == ["m3", "m4"], DEADLINE_S)
    assert not process.intake.taking
    gate.set()
    leaving.join(DEADLINE_S)
    assert sorted(process.outcomes()) == ["m1 success", "m2 success"]


def test_what_waits_behind_parked_runs_is_soon_somebody_elses() -> None:
    gate = threading.Event()

    def slow() -> None:
        gate.wait(DEADLINE_S)

    process = Process(quick, slow, concurrency=1)
    process.give("slow", 1)
    wait_until(lambda: process.worker.slots.running, DEADLINE_S)
    (run,) = process.worker.slots.running
    run.envelope.delivery.on_settled = lambda: None  # as a lease sets it
    process.give("quick", 2)
    leaving = threading.Thread(target=process.leaves)
    leaving.start()
    wait_until(lambda: process.handed_back() == ["m2"], 60)
    gate.set()
    process.parent.stop = True
    leaving.join(DEADLINE_S)
    assert process.outcomes() == ["m1 success"]


def test_a_process_leaves_above_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    process = Process(quick)
    assert resident_memory() > 1_000_000
    process.worker.max_memory = 1
    assert process.leaves() == "max_memory"


def test_a_process_that_is_told_to_stop_finishes_within_the_grace_time_what_runs() -> None:
    begun = threading.Event()

    def short() -> None:
        begun.set()
        time.sleep(0.3)

    process = Process(short, concurrency=1)
    process.give("short", 1, 2, 3)
    assert begun.wait(DEADLINE_S)
    process.parent.stop = True
    assert process.leaves() == "stop"
    assert process.outcomes() == ["m1 success"]
    assert process.handed_back() == ["m2", "m3"]
    assert all("ebats-error" not in message.headers for message in process.publisher.messages)


def test_what_takes_longer_than_the_grace_time_goes_back_uncounted() -> None:
    gate = threading.Event()

    def slow() -> None:
        gate.wait(DEADLINE_S)

    async def slow_async() -> None:
        await asyncio.sleep(DEADLINE_S)

    process = Process(slow, slow_async, grace="100ms")
    process.give("slow", 1)
    process.give("slow_async", 2)
    process.parent.stop = True
    assert process.leaves() == "stop"
    gate.set()
    assert process.handed_back() == ["m1", "m2"]
    assert process.outcomes() == []
    assert [message.headers["ebats-attempt"] for message in process.publisher.messages] == [1, 1]


def test_a_task_that_hangs_costs_its_process_and_its_neighbours_finish(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gate, begun = threading.Event(), threading.Event()

    def hangs() -> None:
        begun.set()
        gate.wait(DEADLINE_S)

    def neighbour() -> None:
        time.sleep(0.15)

    process = Process(hangs, neighbour, timeout="2s")
    process.give("hangs", 1)
    assert begun.wait(DEADLINE_S)
    process.give("neighbour", 2, 3)
    assert process.leaves() == "timeout"
    gate.set()
    outcomes = process.outcomes()
    assert "m1 retry" in outcomes
    assert len(outcomes) + len(process.handed_back()) == 3
    (message,) = [m for m in process.publisher.messages if m.properties["message_id"] == "m1"]
    assert (message.exchange, message.headers["ebats-error"]) == ("shop.delay.1s", "TimeoutError")


def test_an_async_task_that_can_be_cancelled_costs_nobody_anything() -> None:
    async def sleeps() -> None:
        await asyncio.sleep(DEADLINE_S)

    process = Process(sleeps, quick, timeout="2s")
    process.worker.max_tasks = 2
    process.give("sleeps", 1)
    process.give("quick", 2)
    assert process.leaves() == "max_tasks"
    assert process.outcomes() == ["m1 retry", "m2 success"]


def test_an_orphan_leaves() -> None:
    process = Process(quick)
    process.parent.gone = True
    assert process.leaves() == "orphan"


@pytest.mark.parametrize("part", ["intake", "publisher", "slots"])
def test_a_thread_that_failed_ends_the_process(part: str) -> None:
    process = Process(quick)
    getattr(process.worker, part).failure = ValueError("broken")
    with pytest.raises(ValueError, match="broken"):
        process.leaves()


def test_what_waits_too_long_for_a_slot_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ebats.pipelines.lease._WAITING_S", 0.5)
    gate = threading.Event()

    def slow() -> None:
        gate.wait(DEADLINE_S)

    process = Process(slow, concurrency=1)
    process.worker.max_tasks = 1
    process.give("slow", 1, 2)
    leaving = threading.Thread(target=process.leaves)
    leaving.start()
    wait_until(lambda: process.handed_back() == ["m2"], DEADLINE_S)
    gate.set()
    leaving.join(DEADLINE_S)
    assert process.outcomes() == ["m1 success"]
