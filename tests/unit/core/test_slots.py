"""Runs on real threads and a real event loop."""

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from ebats.runner.execution.call import inspect_function
from ebats.runner.execution.slots import Run, Slots
from tests.unit.core.shop import delivery, envelope_of, pipeline
from tests.waiting import wait_until

SHOP = pipeline()


def sync_task() -> None: ...


async def async_task() -> None: ...


def run_of(*, is_async: bool = False, came: float = 1000.0) -> Run:
    function = inspect_function(async_task if is_async else sync_task)
    return Run(envelope_of(delivery("shop.tasks", "ship"), SHOP), SHOP.tasks["ship"], function, came=came)


class Gate:
    """Counts what runs at once, and lets it go on when it is told to."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.lock = threading.Lock()
        self.order: list[Run] = []
        self.now = self.most = 0

    def execute(self, run: Run) -> None:
        """Be the sync run."""
        self._enter(run)
        self.open.wait(20)
        self._leave()

    async def execute_async(self, run: Run) -> None:
        """Be the async run."""
        self._enter(run)
        try:
            while not self.open.is_set():
                await asyncio.sleep(0.002)
        finally:
            self._leave()

    def _enter(self, run: Run) -> None:
        with self.lock:
            self.order.append(run)
            self.now += 1
            self.most = max(self.most, self.now)

    def _leave(self) -> None:
        with self.lock:
            self.now -= 1


@pytest.fixture
def gate() -> Iterator[Gate]:
    made = Gate()
    yield made
    made.open.set()


def slots_of(gate: Gate, concurrency: int) -> Slots:
    return Slots(concurrency, gate.execute, gate.execute_async)


@pytest.mark.parametrize("kinds", [[False], [True], [False, True]])
def test_so_many_run_at_once_and_no_more_whatever_their_kind(gate: Gate, kinds: list[bool]) -> None:
    slots = slots_of(gate, 3)
    runs = [run_of(is_async=kinds[number % len(kinds)]) for number in range(30)]
    for run in runs:
        assert slots.submit(run)
    wait_until(lambda: gate.now == 3)
    gate.open.set()
    wait_until(lambda: slots.ended == 30)
    assert gate.most == 3
    assert set(gate.order) == set(runs)
    wait_until(lambda: not slots.running)


def test_they_start_in_order(gate: Gate) -> None:
    slots = slots_of(gate, 1)
    runs = [run_of() for _ in range(10)]
    for run in runs:
        slots.submit(run)
    gate.open.set()
    wait_until(lambda: slots.ended == 10)
    assert gate.order == runs


def test_a_freed_slot_is_used_by_who_comes_later(gate: Gate) -> None:
    gate.open.set()
    slots = slots_of(gate, 2)
    for count in range(1, 6):
        slots.submit(run_of(is_async=count % 2 == 0))
        wait_until(lambda count=count: slots.ended == count)


def test_what_runs_can_be_seen_with_when_it_started(gate: Gate) -> None:
    slots = slots_of(gate, 1)
    run, waiting = run_of(), run_of()
    slots.submit(run)
    slots.submit(waiting)
    wait_until(lambda: run in slots.running)
    assert run.started > 0
    assert run.started_at > 0
    assert waiting.started == 0
    assert slots.running == {run}


def test_closed_slots_give_back_what_never_started_and_take_nothing_more(gate: Gate) -> None:
    slots = slots_of(gate, 2)
    runs = [run_of(is_async=number % 2 == 0) for number in range(6)]
    for run in runs:
        slots.submit(run)
    wait_until(lambda: gate.now == 2)
    assert slots.close() == runs[2:]
    assert not slots.submit(run_of())
    gate.open.set()
    wait_until(lambda: slots.ended == 2)
    assert set(gate.order) == set(runs[:2])


def test_a_run_on_its_way_to_a_busy_event_loop_never_starts_once_the_slots_are_closed(gate: Gate) -> None:
    begun, release = threading.Event(), threading.Event()

    async def block(run: Run) -> None:
        gate.order.append(run)
        begun.set()
        release.wait(20)

    slots = Slots(2, gate.execute, block)
    first, second = run_of(is_async=True), run_of(is_async=True)
    slots.submit(first)
    assert begun.wait(10)
    slots.submit(second)
    assert slots.close() == [second]
    release.set()
    wait_until(lambda: not slots.running)
    assert slots.ended == 1
    assert gate.order == [first]
    assert second.started == 0


def test_what_waits_too_long_can_be_taken_out(gate: Gate) -> None:
    slots = slots_of(gate, 1)
    runs = [run_of(came=float(number)) for number in range(4)]
    for run in runs:
        slots.submit(run)
    wait_until(lambda: gate.now == 1)
    assert slots.overdue(2.5) == runs[1:3]
    gate.open.set()
    wait_until(lambda: slots.ended == 2)
    assert gate.order == [runs[0], runs[3]]


def test_nobody_has_waited_too_long_where_the_machines_clock_was_set(gate: Gate) -> None:
    slots = slots_of(gate, 1)
    function = inspect_function(sync_task)
    for received in (time.time() - 3600, time.time() - 3600, time.time() + 3600):
        one = delivery("shop.tasks", "ship")
        one.received = received
        slots.submit(Run(envelope_of(one, SHOP), SHOP.tasks["ship"], function))
    wait_until(lambda: gate.now == 1)
    assert slots.overdue(time.monotonic() - 60) == []
    assert len(slots.overdue(time.monotonic() + 1)) == 2
    gate.open.set()


def test_an_async_run_can_be_cancelled_and_a_sync_one_is_left_alone(gate: Gate) -> None:
    slots = slots_of(gate, 2)
    one, other = run_of(is_async=True), run_of()
    slots.submit(one)
    slots.submit(other)
    wait_until(lambda: gate.now == 2)
    wait_until(lambda: one.future is not None)
    slots.cancel(one)
    slots.cancel(other)
    wait_until(lambda: slots.ended == 1)
    assert slots.running == {other}


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()])
def test_what_a_task_leaves_on_the_loop_does_not_end_the_loop(error: BaseException) -> None:
    left: list[Any] = []

    async def leave_behind(_run: Run) -> None:
        async def background() -> None:
            raise error

        left.append(asyncio.ensure_future(background()))
        await asyncio.sleep(0.01)

    slots = Slots(1, lambda _run: None, leave_behind)
    for count in (1, 2):
        slots.submit(run_of(is_async=True))
        wait_until(lambda count=count: slots.ended == count)
    # Asked for, or the loop reports it at its end.
    assert [type(future.exception()) for future in left] == [type(error)] * 2


def test_without_async_tasks_there_is_no_event_loop(gate: Gate) -> None:
    gate.open.set()
    slots = slots_of(gate, 1)
    slots.submit(run_of())
    wait_until(lambda: slots.ended == 1)
    names = {thread.name for thread in threading.enumerate()}
    assert slots._loop is None, names


def test_no_more_runs_start_than_are_allowed() -> None:
    started: list[Run] = []
    slots = Slots(4, started.append, _never)
    slots.allowance = 3
    for _ in range(10):
        assert slots.submit(run_of())
    wait_until(lambda: slots.ended == 3, 20)
    assert len(started) == 3
    assert len(slots.close()) == 7


async def _never(_run: Run) -> None: ...


def test_runs_that_come_in_bursts_from_several_threads_all_run_once() -> None:
    done: list[Run] = []
    lock = threading.Lock()

    def execute(run: Run) -> None:
        # Some wait, as a task does that asks somebody; most are over at once.
        if run.came % 7 == 0:
            time.sleep(0.001)
        with lock:
            done.append(run)

    slots = Slots(8, execute, Gate().execute_async)
    runs = [run_of(came=float(number)) for number in range(3000)]

    def submit(share: int) -> None:
        for number, run in enumerate(runs[share::3]):
            assert slots.submit(run)
            if number % 50 == 0:
                time.sleep(0.001)

    threads = [threading.Thread(target=submit, args=(share,)) for share in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    wait_until(lambda: len(done) == len(runs), 20, lambda: f"{len(done)} of {len(runs)}")
    assert {id(run) for run in done} == {id(run) for run in runs}
    wait_until(lambda: slots.ended == len(runs) and not slots.running, 5)


def test_a_short_run_is_not_held_up_by_a_long_one_that_came_with_it(gate: Gate) -> None:
    short_is_over = threading.Event()
    long, short = run_of(), run_of()

    def execute(run: Run) -> None:
        gate.open.wait(20) if run is long else short_is_over.set()

    slots = Slots(2, execute, gate.execute_async)
    slots.submit(long)
    slots.submit(short)

    assert short_is_over.wait(20)
    gate.open.set()
    wait_until(lambda: slots.ended == 2, 5)


@pytest.mark.parametrize("is_async", [False, True])
def test_what_keeps_a_run_from_being_settled_is_a_failure_of_the_process(*, is_async: bool) -> None:
    def run_out(_run: Run) -> None:
        raise MemoryError

    async def run_out_async(run: Run) -> None:
        run_out(run)

    slots = Slots(1, run_out, run_out_async)
    slots.submit(run_of(is_async=is_async))
    wait_until(lambda: isinstance(slots.failure, MemoryError))
    # It is no end of a run: nobody has settled it.
    assert not slots.ended
