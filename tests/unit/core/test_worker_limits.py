"""Why a process leaves, and what becomes of what it has in hand."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from ebats.pipelines.model import Pipeline
from ebats.pipelines.plan import ProcessSpec, consumers
from ebats.runner.execution.call import inspect_function
from ebats.runner.execution.journal import Journal
from ebats.runner.roles import worker as worker_module
from ebats.runner.roles.consumer import Suspects
from ebats.runner.roles.lane import Lane
from ebats.runner.roles.worker import Worker, resident_memory
from tests.unit.core.shop import Acknowledged, Lines, Published, delivery, pipeline

DEADLINE_S = 20.0


class FakeIntake(Acknowledged):
    """An intake without a broker: the test gives it deliveries."""

    def __init__(self) -> None:
        super().__init__()
        self.failure: BaseException | None = None
        self.cancelled = threading.Event()
        self.taking = True

    @property
    def alive_at(self) -> float:
        """It lives."""
        return time.monotonic()

    def start(self) -> None:
        """Nothing to do."""

    def unsettled(self) -> int:
        """Nothing is counted."""
        return 0

    def stop_taking(self) -> None:
        """Take nothing more."""
        self.taking = False
        self.cancelled.set()

    def close(self, timeout_s: float) -> bool:
        """Be closed in time."""
        return True


class FakePublisher(Published):
    """A publisher whose broker confirms at once."""

    failure: BaseException | None = None

    def start(self) -> None:
        """Nothing to do."""

    def send(
        self, outgoing: Any, on_confirmed: Callable[[], None], on_unroutable: Callable[[], None]
    ) -> None:
        """Keep it and confirm it."""
        super().send(outgoing, on_confirmed, on_unroutable)
        self.confirm()

    def close(self, timeout_s: float) -> bool:
        """Be closed in time."""
        return True


class FakeParent:
    """A parent that says what the test wants, and remembers what it was told."""

    def __init__(self) -> None:
        self.stop = self.gone = False
        self.told: list[dict[str, Any]] = []

    def tell(self, **words: Any) -> None:
        """Remember it."""
        self.told.append(words)

    def listen(self, timeout_s: float) -> Iterable[str]:
        """Say nothing, quickly."""
        time.sleep(min(timeout_s, 0.01))
        return ()


class Process:
    """A worker between stand-ins."""

    def __init__(
        self, *tasks: Callable[..., Any], concurrency: int = 2, timeout: str = "30s", grace: str = "30s"
    ) -> None:
        entries = ", ".join(
            f'{task.__name__}: {{python: "a:b", queue: demo, timeout: {timeout}, retry: [1s]}}'
            for task in tasks
        )
        queues = "queues: {demo: {crashes: 3}}"
        text = f"{{version: 1, name: shop, grace: {grace}, {queues}, tasks: {{{entries}}}}}"
        self.shop: Pipeline = pipeline(text)
        (self.spec,) = consumers(self.shop)
        self.lines, self.parent = Lines(), FakeParent()
        journal = Journal(self.shop, "rest#1", self.lines, with_payload=False)
        self.worker = Worker(self.spec, {"shop.demo": 8}, concurrency, journal, self.parent)  # type: ignore[arg-type]
        self.intake, self.publisher = FakeIntake(), FakePublisher()
        self.worker.intake = self.intake  # type: ignore[assignment]
        self.worker.publisher = self.publisher  # type: ignore[assignment]
        self.worker.engine.connect(self.intake, self.publisher, self.worker.slots)
        for task in tasks:
            self.worker.functions._found[task.__name__] = inspect_function(task)

    def give(self, task: str, *numbers: int) -> None:
        """Deliver messages for a task."""
        for number in numbers:
            self.worker.engine.take(delivery("shop.tasks", task, message_id=f"m{number}", tag=number))

    def leaves(self) -> str:
        """Return why it left; it has to, in time."""
        deadline = time.monotonic() + DEADLINE_S
        return self.worker.run(lambda: "deadline" if time.monotonic() > deadline else None)

    def outcomes(self) -> list[str]:
        """Return how its runs ended."""
        return sorted(f"{record.id} {record.outcome}" for record in self.lines.executions())

    def handed_back(self) -> list[str]:
        """Return the ids of what went back to the queue."""
        messages = self.publisher.messages
        return sorted(m.properties["message_id"] for m in messages if m.key == "shop.demo")


def quick() -> None: ...


def test_a_process_leaves_after_its_tasks_and_hands_back_the_rest() -> None:
    gate = threading.Event()

    def slow() -> None:
        gate.wait(DEADLINE_S)

    process = Process(quick, slow, concurrency=1)
    process.worker.max_tasks = 2
    process.give("quick", 1, 2)
    process.give("slow", 3, 4)
    threading.Timer(0.6, gate.set).start()
    assert process.leaves() == "max_tasks"
    assert process.outcomes() == ["m1 success", "m2 success", "m3 success"]
    assert process.handed_back() == ["m4"]
    assert {"leaving": "max_tasks"} in process.parent.told
    assert not process.intake.taking
    assert len(process.intake.deliveries) == 4


def test_a_process_leaves_above_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    process = Process(quick)
    assert resident_memory() > 1_000_000
    process.worker.max_memory = 1
    assert process.leaves() == "max_memory"


def test_a_process_that_is_told_to_stop_finishes_within_the_grace_time_what_runs() -> None:
    def short() -> None:
        time.sleep(0.3)

    process = Process(short, concurrency=1)
    process.give("short", 1, 2, 3)
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
    gate = threading.Event()

    def hangs() -> None:
        gate.wait(DEADLINE_S)

    def neighbour() -> None:
        time.sleep(0.15)

    process = Process(hangs, neighbour, timeout="200ms")
    process.give("hangs", 1)

    def later() -> None:
        process.give("neighbour", 2, 3)

    threading.Timer(0.15, later).start()
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

    process = Process(sleeps, quick, timeout="100ms")
    process.worker.max_tasks = 2
    process.give("sleeps", 1)
    process.give("quick", 2)
    assert process.leaves() == "max_tasks"
    assert process.outcomes() == ["m1 retry", "m2 success"]


def test_an_orphan_leaves() -> None:
    process = Process(quick)
    process.parent.gone = True
    assert process.leaves() == "orphan"


def test_a_thread_that_failed_ends_the_process() -> None:
    process = Process(quick)
    process.intake.failure = ValueError("broken")
    with pytest.raises(ValueError, match="broken"):
        process.leaves()


def test_what_waits_too_long_for_a_slot_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()

    def slow() -> None:
        gate.wait(DEADLINE_S)

    monkeypatch.setattr(worker_module, "_WAITING_S", 0.0)
    process = Process(slow, concurrency=1)
    process.worker.max_tasks = 1
    process.give("slow", 1, 2)
    threading.Timer(0.3, gate.set).start()
    assert process.leaves() == "max_tasks"
    assert process.handed_back() == ["m2"]


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
    lane = Lane(process.worker, spec)
    process.worker.engine.admit = lane.admit
    process.worker.engine.return_message = lane.return_message
    return lane


def in_lane(crashes: int, task: str = "quick") -> Any:
    headers = {"ebats-task": task, "ebats-queue": "shop.demo", "ebats-crashes": crashes}
    return delivery("", "shop.suspects", "shop.suspects", headers=headers)


def test_the_parent_knows_what_the_lane_starts_before_it_starts() -> None:
    process = Process(quick)
    lane_of(process)
    process.worker.engine.take(in_lane(0))
    assert "m1" in process.parent.told[0]["starts"]
    process.worker.max_tasks = 1
    assert process.leaves() == "max_tasks"
    assert process.outcomes() == ["m1 success"]


def test_who_ended_the_lane_goes_to_its_end_with_one_crash_more() -> None:
    process = Process(quick)
    lane_of(process)
    process.worker.engine.take(in_lane(1))
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
    assert process.publisher.messages == []
    assert process.parent.told == [{"starts": "other m1"}]


def other() -> None: ...


def test_what_the_lane_hands_back_stays_a_suspect() -> None:
    process = Process(quick)
    lane_of(process)
    process.worker.slots.close()
    process.worker.engine.take(in_lane(1))
    (message,) = process.publisher.messages
    assert (message.key, message.headers["ebats-crashes"]) == ("shop.suspects", 1)
