"""Suspects, and the lane in which they run alone."""

import threading
from typing import Any

from ebats.pipelines.plan import ProcessSpec
from ebats.runner.roles.consumer import Suspects
from ebats.runner.roles.hooks import Hooks
from ebats.runner.roles.lane import Lane
from tests.unit.core.process import Process, quick
from tests.unit.core.shop import Published, delivery
from tests.waiting import wait_until

# Suspects and the lane.


def suspect(number: int = 1, count: int = 2) -> Any:
    headers = {"x-delivery-count": count}
    return delivery("shop.tasks", "quick", headers=headers, redelivered=True, message_id=f"m{number}")


def test_a_suspect_is_moved_to_the_lane_and_the_parent_hears_of_it_once_it_is_there() -> None:
    process = Process(quick)
    held = Published()
    process.worker.engine.connect(process.intake, held, process.worker.slots)
    process.worker.engine.admit = Suspects(process.worker, process.spec).admit
    one = suspect()
    process.worker.engine.take(one)
    (message,) = held.messages
    assert (message.exchange, message.key) == ("", "shop.suspects")
    assert process.parent.told == []
    held.confirm()
    assert process.parent.told == [{"suspect": "m1"}]
    assert process.intake.deliveries == [one]


def test_who_was_cut_short_once_runs_beside_the_others() -> None:
    process = Process(quick)
    process.worker.engine.admit = Suspects(process.worker, process.spec).admit
    process.worker.engine.take(suspect(count=1))
    process.worker.max_tasks = 1
    assert process.leaves() == "max_tasks"
    assert process.outcomes() == ["m1 success"]


def lane_of(process: Process, *crashed: str) -> Lane:
    spec = ProcessSpec(role="lane", name="lane", pipeline=process.shop, crashed=crashed)
    lane = Lane(process.worker, spec, Hooks(process.shop, process.worker.journal))
    process.worker.engine.admit = lane.admit
    process.worker.engine.return_message = lane.return_message
    process.worker.engine.on_begun = lane.begin
    return lane


def in_lane(crashes: int, task: str = "quick") -> Any:
    headers = {"ebats-task": task, "ebats-queue": "shop.demo", "ebats-crashes": crashes}
    return delivery("", "shop.suspects", "shop.suspects", headers=headers)


def test_the_parent_knows_what_the_lane_starts_before_it_starts() -> None:
    seen: list[dict[str, Any]] = []

    def look() -> None:
        seen.extend(process.parent.told)

    process = Process(look)
    lane_of(process)
    process.worker.engine.take(in_lane(0, "look"))
    process.worker.max_tasks = 1
    assert process.leaves() == "max_tasks"
    assert process.outcomes() == ["m1 success"]
    assert {"starts": "look m1"} in seen


def test_who_waits_behind_another_in_the_lane_is_not_at_work() -> None:
    gate = threading.Event()

    def slow() -> None:
        gate.wait(20)

    process = Process(slow, concurrency=1)
    lane_of(process)
    process.worker.engine.take(in_lane(0, "slow"))
    process.worker.engine.take(in_lane(0, "slow"))
    wait_until(lambda: process.parent.told == [{"starts": "slow m1"}])
    gate.set()
    wait_until(lambda: len(process.parent.told) == 2)


def test_who_ended_the_lane_goes_to_its_end_with_one_crash_more() -> None:
    process = Process(quick)
    lane_of(process)
    process.worker.engine.take(in_lane(1))
    wait_until(lambda: bool(process.parent.told))
    (name,) = [told["starts"] for told in process.parent.told]

    after = Process(quick)
    lane_of(after, name)
    after.worker.engine.take(in_lane(1))
    (message,) = after.publisher.messages
    assert (message.key, message.headers["ebats-crashes"]) == ("shop.suspects", 2)
    assert after.outcomes() == []
    assert not any("starts" in told for told in after.parent.told)


def test_at_its_queues_limit_it_is_dead() -> None:
    process = Process(quick)
    lane_of(process, "quick m1")
    process.worker.engine.take(in_lane(2))
    (message,) = process.publisher.messages
    assert (message.exchange, message.headers["ebats-reason"]) == ("shop.dead", "crashed")
    assert (message.headers["ebats-crashes"], message.headers["ebats-queue"]) == (3, "demo")
    assert process.outcomes() == ["m1 dead"]


def test_the_crash_of_one_task_is_not_that_of_another_of_the_same_message() -> None:
    process = Process(quick, other)
    lane_of(process, "quick m1")
    process.worker.engine.take(in_lane(2, "other"))
    wait_until(lambda: process.parent.told == [{"starts": "other m1"}])
    assert process.publisher.messages == []


def other() -> None: ...


def test_what_the_lane_hands_back_stays_a_suspect() -> None:
    process = Process(quick)
    lane_of(process)
    process.worker.slots.close()
    process.worker.engine.take(in_lane(1))
    (message,) = process.publisher.messages
    assert (message.key, message.headers["ebats-crashes"]) == ("shop.suspects", 1)
