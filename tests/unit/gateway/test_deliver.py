"""Requests whose messages are on their way, with a broker that the test plays."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest
from amqp.exceptions import NotFound

from ebats.runner.broker.confirming import Sending
from ebats.runner.gateway import deliver
from ebats.runner.gateway.deliver import Deliveries, Lost, Unserved
from tests.unit.core.channel import outgoing


class Broker:
    """Keeps what is sent; the test says what becomes of it."""

    def __init__(self) -> None:
        self.is_served = True
        self.losses = 0
        self.sent: list[Sending] = []
        self.calls: list[int] = []
        #: Called with what is sent.
        self.on_sent: Callable[[Sequence[Sending]], None] = lambda _sendings: None

    def put_all(self, sendings: Sequence[Sending]) -> None:
        """Keep messages."""
        self.calls.append(len(sendings))
        self.sent += sendings
        self.on_sent(sendings)

    def confirm(self, sendings: Sequence[Sending] = ()) -> None:
        """Say, on a thread as the publisher's is, that messages are there."""

        def say() -> None:
            for sending in sendings or self.sent:
                sending.on_confirmed()

        threading.Thread(target=say).start()


Test = Callable[[Deliveries, Broker], Coroutine[Any, Any, None]]


def play(test: Test) -> None:
    """Run a test on an event loop."""

    async def run() -> None:
        broker = Broker()
        deliveries = Deliveries(broker, broker, asyncio.get_running_loop())
        await test(deliveries, broker)
        assert not len(deliveries)

    asyncio.run(run())


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing take as long as in life."""
    monkeypatch.setattr(deliver, "_LOOK_S", 0.01)
    monkeypatch.setattr(deliver, "_AWAY_S", 0.1)
    monkeypatch.setattr(deliver, "_SILENT_S", 0.3)


def messages(*counts: int) -> list[list[Any]]:
    """Return items of so many messages each."""
    return [[outgoing(10 * item + each) for each in range(count)] for item, count in enumerate(counts)]


def test_a_request_is_over_when_all_of_it_is_confirmed() -> None:
    async def test(deliveries: Deliveries, broker: Broker) -> None:
        waiting = asyncio.ensure_future(deliveries.deliver(messages(1, 2)))
        await asyncio.sleep(0.05)
        # Together, so that the broker may make them one transaction.
        assert broker.calls == [3]
        broker.confirm(broker.sent[:2])
        await asyncio.sleep(0.05)
        assert not waiting.done()
        broker.confirm(broker.sent[2:])
        assert await waiting == {}

    play(test)


def test_what_is_not_there_is_told_by_its_item() -> None:
    async def test(deliveries: Deliveries, broker: Broker) -> None:
        def say(sendings: Sequence[Sending]) -> None:
            confirmed, unroutable, full, refused, closed = sendings
            confirmed.on_confirmed()
            unroutable.on_unroutable()
            full.outgoing.refused = True
            full.on_unroutable()
            assert refused.on_refused
            refused.on_refused(NotFound("no exchange", (60, 40)))
            assert closed.on_refused
            closed.on_refused(ConnectionError("the connection is closed"))

        broker.on_sent = say
        lost = await deliveries.deliver(messages(1, 1, 1, 1, 1))
        fates = {number: each.fate for number, each in lost.items()}
        assert fates == {1: "unroutable", 2: "full", 3: "refused", 4: "unknown"}

    play(test)


def test_a_broker_that_serves_nobody_is_sent_nothing() -> None:
    async def test(deliveries: Deliveries, broker: Broker) -> None:
        broker.is_served = False
        with pytest.raises(Unserved):
            await deliveries.deliver(messages(1))
        assert not broker.sent
        assert not deliveries.is_served

    play(test)


def test_who_waits_hears_soon_that_the_broker_is_away() -> None:
    async def test(deliveries: Deliveries, broker: Broker) -> None:
        waiting = asyncio.ensure_future(deliveries.deliver(messages(1, 1)))
        await asyncio.sleep(0.02)
        broker.sent[0].on_confirmed()
        broker.is_served = False
        lost = await asyncio.wait_for(waiting, 20)
        assert lost == {1: Lost("unknown", "the broker hasn't confirmed it")}
        # Nobody waits for it: it isn't sent later.
        assert broker.sent[1].withdrawn
        broker.confirm()

    play(test)


def test_a_connection_that_is_back_at_once_costs_nobody_anything() -> None:
    async def test(deliveries: Deliveries, broker: Broker) -> None:
        waiting = asyncio.ensure_future(deliveries.deliver(messages(1)))
        await asyncio.sleep(0.02)
        broker.is_served, broker.losses = False, 1
        await asyncio.sleep(0.03)
        broker.is_served = True
        await asyncio.sleep(0.15)
        assert not waiting.done()
        broker.confirm()
        assert await waiting == {}

    play(test)


def test_messages_with_which_the_connection_is_lost_twice_are_given_up() -> None:
    async def test(deliveries: Deliveries, broker: Broker) -> None:
        broker.losses = 7
        waiting = asyncio.ensure_future(deliveries.deliver(messages(1)))
        await asyncio.sleep(0.02)
        broker.losses = 9
        assert (await asyncio.wait_for(waiting, 20))[0].fate == "unknown"

    play(test)


def test_a_silent_broker_is_asked_by_one_request_at_a_time() -> None:
    async def test(deliveries: Deliveries, broker: Broker) -> None:
        assert (await asyncio.wait_for(deliveries.deliver(messages(1)), 20))[0].fate == "unknown"
        assert not deliveries.is_served
        probe = asyncio.ensure_future(deliveries.deliver(messages(1)))
        await asyncio.sleep(0)
        with pytest.raises(Unserved):
            await deliveries.deliver(messages(1))
        assert (await asyncio.wait_for(probe, 20))[0].fate == "unknown"
        # It speaks again.
        broker.on_sent = broker.confirm
        assert await deliveries.deliver(messages(1)) == {}
        assert deliveries.is_served

    play(test)


def test_another_connection_is_not_silent_because_the_one_before_was() -> None:
    async def test(deliveries: Deliveries, broker: Broker) -> None:
        await asyncio.wait_for(deliveries.deliver(messages(1)), 20)
        assert not deliveries.is_served
        broker.losses += 1
        assert deliveries.is_served

    play(test)


def test_a_large_request_is_not_given_up_while_the_broker_confirms() -> None:
    async def test(deliveries: Deliveries, broker: Broker) -> None:
        waiting = asyncio.ensure_future(deliveries.deliver(messages(20)))
        await asyncio.sleep(0)
        for sending in broker.sent:
            await asyncio.sleep(0.05)
            sending.on_confirmed()
        assert await waiting == {}

    play(test)
