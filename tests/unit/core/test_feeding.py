"""A producer's function at work, with a broker that the test plays."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, cast

import pytest
from amqp.exceptions import NotFound

from ebats import ProducerContext
from ebats.runner.execution.call import BadEntryPoint
from ebats.runner.execution.producer import inspect_producer
from ebats.runner.publishing import feed
from ebats.runner.roles import feeding
from ebats.runner.roles.feeding import Feeding
from ebats.runner.roles.producing import Producing
from tests.unit.publishing.test_outlet import Sender, Way
from tests.waiting import wait_until

EVENT = "order_create"


class Log:
    """Keeps what is logged as an error."""

    def __init__(self) -> None:
        self.errors: list[str] = []

    def error(self, text: str, **more: Any) -> None:
        """Keep it."""
        self.errors.append(text)


class Stage:
    """What a producer's process has, as far as feeding needs it."""

    def __init__(self, sender: Sender | None = None) -> None:
        self.sender = sender or Sender()
        self.outlet = Way(self.sender)
        self.log = Log()
        self.journal = self

    def play(self, function: Callable[..., Any], event: str | None = EVENT) -> Feeding:
        """Start a function."""
        found = Feeding(cast("Producing", self), "feed", event, inspect_producer(function))
        found.start()
        return found

    def numbers(self) -> list[bytes]:
        """Return the bodies that were sent."""
        return self.sender.bodies()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start what fails again soon."""
    monkeypatch.setattr(feeding, "_FIRST_PAUSE_S", 0.01)


def ended(played: Feeding) -> Feeding:
    wait_until(lambda: not played.is_alive)
    assert played.failure is None
    return played


def refusing(*bodies: bytes) -> Sender:
    sender = Sender()
    sender.refuses = {body: NotFound("no exchange 'shop.events'") for body in bodies}
    return sender


def test_what_the_broker_refuses_is_told_at_a_yield() -> None:
    stage = Stage(refusing(b"1"))
    told: list[str] = []

    def listens() -> Iterator[int]:
        for number in range(3):
            try:
                yield number
            except Exception as error:
                told.append(f"{number} {type(error).__name__}")

    assert ended(stage.play(listens)).finished
    assert told == ["1 Refused"]
    assert stage.numbers() == [b"0", b"1", b"2"]


async def _three(told: list[str]) -> AsyncIterator[int]:
    for number in range(3):
        try:
            yield number
        except Exception as error:
            told.append(f"{number} {type(error).__name__}")


def test_what_the_broker_refuses_is_told_at_an_asynchronous_yield() -> None:
    stage = Stage(refusing(b"1"))
    told: list[str] = []
    assert ended(stage.play(lambda: _three(told))).finished
    assert told == ["1 Refused"]


@pytest.mark.usefixtures("quick")
def test_a_list_that_the_broker_refuses_is_published_again() -> None:
    stage = Stage(refusing(b"2"))

    def returns() -> list[int]:
        if stage.numbers().count(b"2") == 2:
            stage.sender.refuses.clear()
        return [1, 2]

    assert ended(stage.play(returns)).finished
    assert stage.numbers() == [b"1", b"2"] * 3
    assert [text.partition(":")[0] for text in stage.log.errors] == ["failed"] * 2


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("wrong", ["text", b"bytes", {"a": 1}, 7])
def test_a_function_that_returns_no_items_has_failed(wrong: object) -> None:
    stage = Stage()
    made = iter([wrong, None])
    played = ended(stage.play(lambda: next(made)))
    assert played.finished
    (error,) = stage.log.errors
    assert f"a producer yields items, or returns None or an iterable of them, and not a {type(wrong)}" in (
        error.replace(f"not a {type(wrong).__name__}", f"not a {type(wrong)}")
    )


def test_waits_between_failures_double_up_to_a_bound_and_begin_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeding, "_FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(feeding, "_LONGEST_PAUSE_S", 0.03)
    monkeypatch.setattr(feeding, "_GOOD_S", 0.2)
    stage, calls = Stage(), [0]

    def fails() -> None:
        calls[0] += 1
        if calls[0] == 5:
            time.sleep(0.3)
        if calls[0] < 6:
            raise RuntimeError("no luck")

    assert ended(stage.play(fails)).failures == 5
    assert [text.rpartition(" in ")[2] for text in stage.log.errors] == [
        "0.01 s",
        "0.02 s",
        "0.03 s",
        "0.03 s",
        "0.01 s",
    ]


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError()])
def test_whatever_it_raises_is_a_failure(error: BaseException) -> None:
    stage, errors = Stage(), [error]

    def raises() -> None:
        if errors:
            raise errors.pop()

    assert ended(stage.play(raises)).failures == 1


def forever() -> Iterator[int]:
    """Yield without end."""
    number = 0
    while True:
        yield number
        number += 1


def test_a_broker_that_confirms_nothing_is_given_no_more_than_a_window() -> None:
    stage = Stage(Sender(confirms=False))
    played = stage.play(forever)
    wait_until(lambda: len(stage.numbers()) == feed.WINDOW)
    time.sleep(0.1)
    assert played.counts() == (feed.WINDOW, feed.WINDOW)
    for sending in list(stage.sender.sent):
        sending.on_confirmed()
    wait_until(lambda: len(stage.numbers()) > feed.WINDOW)
    played.stop()
    assert not ended(played).finished


def test_of_large_messages_fewer_are_on_their_way() -> None:
    stage = Stage(Sender(confirms=False))
    text = "x" * 4 * 2**20
    played = stage.play(lambda: (text for _ in forever()))
    wait_until(lambda: played.counts()[1] >= 7)
    time.sleep(0.1)
    assert played.counts() == (7, 7)
    played.stop()
    ended(played)


def test_before_it_is_started_again_what_it_yielded_is_confirmed() -> None:
    stage = Stage(Sender(confirms=False))

    def fails() -> Iterator[int]:
        yield 1
        raise RuntimeError("no luck")

    played = stage.play(fails)
    wait_until(lambda: stage.sender.sent)
    time.sleep(0.1)
    assert not stage.log.errors
    stage.sender.sent[0].on_confirmed()
    wait_until(lambda: stage.log.errors)
    played.stop()
    ended(played)


def test_one_that_yields_though_it_is_closed_is_written_down() -> None:
    stage = Stage()

    def stubborn() -> Iterator[int]:
        while True:
            try:
                yield 1
            except GeneratorExit:
                yield 2

    played = stage.play(stubborn)
    wait_until(lambda: len(stage.numbers()) > 3)
    played.stop()
    ended(played)
    assert stage.log.errors == ["failed while it left: RuntimeError: generator ignored GeneratorExit"]


def test_what_is_refused_at_the_very_end_is_written_down() -> None:
    stage = Stage(Sender(confirms=False))
    played = stage.play(forever)
    wait_until(lambda: len(stage.numbers()) == feed.WINDOW)
    played.stop()
    ended(played)
    first, *others = stage.sender.sent
    assert first.on_refused
    first.on_refused(NotFound("no exchange"))
    for sending in others:
        sending.on_confirmed()
    played.last_words()
    (text,) = stage.log.errors
    assert first.outgoing.properties["message_id"] in text


def test_a_function_gets_its_context_by_the_annotation() -> None:
    def plain() -> None: ...

    def annotated(it: ProducerContext, other: int = 1, **more: int) -> None: ...

    def by_text(it: "ebats.ProducerContext | None" = None) -> None: ...  # type: ignore[name-defined]  # noqa: F821

    found = [inspect_producer(each).context_name for each in (plain, annotated, by_text)]
    assert found == [None, "it", "it"]


@pytest.mark.parametrize("function", [lambda given: None, lambda given, /: None, dict.fromkeys])
def test_a_function_that_wants_more_is_refused(function: Callable[..., Any]) -> None:
    with pytest.raises(BadEntryPoint):
        inspect_producer(function)
