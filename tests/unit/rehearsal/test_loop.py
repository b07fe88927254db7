"""The clock that waits for nobody, and the event loop on it."""

import asyncio
import socket
import time
from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from typing import Any

import pytest

from ebats.runner.rehearsal.agenda import Agenda
from ebats.runner.rehearsal.loop import Loop


@pytest.fixture
def agenda() -> Agenda:
    """A clock of the test's own."""
    return Agenda()


@pytest.fixture
def loop(agenda: Agenda) -> Iterator[Loop]:
    """An event loop on it."""
    loop = Loop(agenda)
    yield loop
    loop.finish()


def test_what_is_due_at_one_time_is_called_in_the_order_of_its_coming(agenda: Agenda) -> None:
    called: list[Any] = []

    def note(name: str, then: Callable[[], None] | None = None) -> None:
        called.append((name, agenda.now_ms))
        if then:
            then()

    agenda.at(2.0, partial(note, "late"))
    for name in "abc":
        agenda.at(1.0, partial(note, name, partial(agenda.after, 0.0, partial(note, f"after {name}"))))
    assert agenda.run(100)
    times = dict(called)
    assert [name for name, _ in called] == ["a", "b", "c", "after a", "after b", "after c", "late"]
    assert (times["a"], times["after c"], times["late"]) == (1000, 1000, 2000)


def test_an_agenda_stops_where_it_comes_to_no_end(agenda: Agenda) -> None:
    def again() -> None:
        agenda.after(1.0, again)

    again()
    assert not agenda.run(50)
    assert agenda.now == 50.0


def test_a_century_of_short_sleeps_ends(agenda: Agenda, loop: Loop) -> None:
    async def sleep() -> float:
        await asyncio.sleep(100 * 365 * 86_400)
        for _ in range(10):
            await asyncio.sleep(0.001)
        return loop.time()

    assert run(agenda, loop, sleep) > 100 * 365 * 86_400


def test_sleeps_and_time_outs_take_no_time(agenda: Agenda, loop: Loop) -> None:
    order: list[str] = []

    async def sleep(name: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        order.append(name)

    async def late() -> str:
        try:
            async with asyncio.timeout(30):
                await asyncio.gather(sleep("b", 20), sleep("a", 10), sleep("never", 40))
        except TimeoutError:
            return f"late at {agenda.now:g}"
        return "in time"

    began = time.perf_counter()
    assert run(agenda, loop, late) == "late at 30"
    assert order == ["a", "b"]
    assert time.perf_counter() - began < 5


def test_what_goes_to_a_thread_is_done_when_it_is_asked_for(agenda: Agenda, loop: Loop) -> None:
    def fail() -> None:
        raise ValueError("on its thread")

    async def ask() -> tuple[int, str]:
        # An event loop of its own runs there, as in a task of a consumer process.
        found = await asyncio.to_thread(asyncio.run, asyncio.sleep(0, 7))
        try:
            await asyncio.to_thread(fail)
        except ValueError as error:
            return found, str(error)
        return found, ""

    assert run(agenda, loop, ask) == (7, "on its thread")


def test_what_comes_over_a_socket_is_waited_for(agenda: Agenda, loop: Loop) -> None:
    async def ask() -> bytes:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.setblocking(False)
            theirs.send(b"hello")
            return await asyncio.get_running_loop().sock_recv(ours, 10)

    assert run(agenda, loop, ask) == b"hello"


def test_what_is_left_is_cancelled_in_the_end(agenda: Agenda) -> None:
    ended: list[str] = []

    async def never() -> None:
        try:
            await asyncio.Future()
        finally:
            ended.append("cancelled")

    loop = Loop(agenda)
    loop.start(never())
    assert agenda.run(100)
    loop.finish()
    assert ended == ["cancelled"]


def run(agenda: Agenda, loop: Loop, main: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """Run a coroutine to its end on an agenda's clock, and return what it returned."""
    found: list[Any] = []

    async def note() -> None:
        found.append(await main())

    loop.start(note())
    assert agenda.run(1000)
    (result,) = found
    return result
