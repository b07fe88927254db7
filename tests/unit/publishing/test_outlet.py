"""What one call publishes, and what it raises, with a sender that the test plays."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

import pytest
from amqp.exceptions import NotFound

from ebats import Context, NotConfirmed, Refused, Unroutable
from ebats.pipelines.wiring import wire
from ebats.runner.broker.confirming import Sending
from ebats.runner.publishing import outlet
from ebats.runner.publishing.names import ByFile
from ebats.runner.publishing.outlet import Outlet
from tests.unit.core.shop import pipeline
from tests.waiting import wait_until


class Sender:
    """Keeps what is sent; confirms it at once, if it is to."""

    def __init__(self, *, confirms: bool = True) -> None:
        self.confirms = confirms
        self.sent: list[Sending] = []
        self.withdrawn: list[Sending] = []
        #: Bodies of messages that are to be refused.
        self.refuses: dict[bytes, BaseException] = {}
        self.most = 0

    def put(self, sending: Sending) -> None:
        """Keep a message."""
        self.sent.append(sending)
        self.most = max(self.most, len(self.sent))
        error = self.refuses.get(sending.outgoing.body)
        if error and sending.on_refused:
            sending.on_refused(error)
        elif self.confirms:
            sending.on_confirmed()

    def put_all(self, sendings: Sequence[Sending]) -> None:
        """Keep messages."""
        for sending in sendings:
            self.put(sending)

    def withdraw(self, sending: Sending) -> bool:
        """Note that nobody waits for a message."""
        self.withdrawn.append(sending)
        return False

    def bodies(self) -> list[bytes]:
        """Return what was sent."""
        return [sending.outgoing.body for sending in self.sent]


class Way(Outlet):
    """An outlet to the sender."""

    def __init__(self, sender: Sender, timeout_s: float = 5.0) -> None:
        self._timeout_s = timeout_s
        self._names = ByFile("shop", wire(pipeline()))
        self.sender = sender

    def _sender(self) -> Sender:
        return self.sender

    def _is_ready(self) -> bool:
        return True


@pytest.fixture
def way() -> Way:
    return Way(Sender())


def test_an_event_with_a_delay_is_a_message_for_each_task_with_one_id(way: Way) -> None:
    found = way.publish("order_create", {}, delay="37s")
    assert {sending.outgoing.properties["message_id"] for sending in way.sender.sent} == {found}
    assert [sending.outgoing.key for sending in way.sender.sent] == ["close_order", "report"]
    assert [sending.outgoing.exchange for sending in way.sender.sent] == ["shop.delay.30s"] * 2


def test_a_bad_argument_sends_nothing(way: Way) -> None:
    for call in (
        lambda: way.publish("order_payd", {}),
        lambda: way.publish("order_paid", {1, 2}),
        lambda: way.publish("order_paid", {}, delay="1"),
        lambda: way.publish("order_paid", {}, delay=""),
        lambda: way.publish("order_paid", {}, queue="fast"),
        lambda: way.publish("order_paid", {}, queue=""),
        lambda: way.run_task("ship", {}, queue=""),
        lambda: way.publish(7, {}),  # type: ignore[arg-type]
        lambda: way.publish(["order_paid"], {}),  # type: ignore[arg-type]
        lambda: way.publish("wanted", {}, key=7),  # type: ignore[arg-type]
        lambda: way.publish("order_paid", {}, headers=[("a", "b")]),  # type: ignore[arg-type]
        lambda: way.publish("order_paid", {}, id=""),
        lambda: way.publish("order_paid", {}, headers={"x-a": 1}),
        lambda: way.publish("wanted", {}),
        lambda: way.publish("wanted", {}, key="a.b.GO"),
        lambda: way.run_task("shipp", {}),
        lambda: way.publish("order_paid", {}, idd="7"),  # type: ignore[call-arg]
        lambda: way.publish("note", {}),
    ):
        with pytest.raises((TypeError, ValueError)):
            call()
    assert not way.sender.sent


def test_many_are_taken_one_by_one_and_few_are_on_their_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outlet, "WINDOW", 10)
    sender = Sender(confirms=False)
    taken = 0

    def items() -> Iterator[tuple[str, int]]:
        nonlocal taken
        for number in range(25):
            taken += 1
            yield "order_paid", number

    found: list[str] = []
    thread = threading.Thread(target=lambda: found.extend(Way(sender).publish_many(items())), daemon=True)
    thread.start()
    wait_until(lambda: len(sender.sent) == 10)
    assert taken == 10
    confirmed = 0
    while thread.is_alive():
        for sending in sender.sent[confirmed:]:
            sending.on_confirmed()
            confirmed += 1
        thread.join(0.01)
    assert [sending.outgoing.properties["message_id"] for sending in sender.sent] == found
    assert len(set(found)) == 25


def test_an_item_may_have_options(way: Way) -> None:
    items: list[Any] = [("order_paid", 1), ("order_paid", 2, {"id": "m2", "headers": {"a": "b"}})]
    assert way.publish_many(items)[1] == "m2"
    assert way.sender.sent[1].outgoing.headers["a"] == "b"
    for bad in ("order_paid", ("order_paid",), ("order_paid", 1, {"idd": "m"}), ("order_payd", 1)):
        with pytest.raises((TypeError, ValueError)):
            way.publish_many([bad])  # type: ignore[list-item]
    with pytest.raises(TypeError, match="the options of an item are a mapping"):
        way.publish_many([("order_paid", 1, None)])  # type: ignore[list-item]


def test_what_is_wrong_with_an_item_comes_out_when_those_before_are_confirmed(way: Way) -> None:
    with pytest.raises(ValueError, match="which JSON doesn't have") as raised:
        way.publish_many([("order_paid", 1), ("order_paid", 2), ("order_paid", float("nan"))])
    assert raised.value.__notes__ == ["publish_many: 2 messages before it are confirmed"]
    assert way.sender.bodies() == [b"1", b"2"]


def test_a_refused_one_ends_the_rest_and_tells_which_are_there(way: Way) -> None:
    way.sender.refuses[b"2"] = NotFound("no exchange 'shop.events' in vhost '/'", reply_code=404)
    with pytest.raises(Refused, match=r"no exchange 'shop.events'") as raised:
        way.publish_many(("order_paid", number, {"id": f"m{number}"}) for number in range(1, 100_000))
    assert raised.value.ids == ("m2",)
    assert raised.value.confirmed[0] == "m1"
    assert len(way.sender.sent) < 2000


def test_one_that_no_queue_takes_is_unroutable() -> None:
    sender = Sender(confirms=False)
    thread = threading.Thread(
        target=lambda: wait_until(lambda: sender.sent) and sender.sent[0].on_unroutable()
    )
    thread.start()
    with pytest.raises(Unroutable, match=r"none is bound for the exchange 'shop.tasks' and the key 'ship'"):
        Way(sender).run_task("ship", {})
    thread.join()


def test_of_an_event_for_several_tasks_it_is_told_that_some_may_be_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sender = Sender(confirms=False)
    monkeypatch.setattr(sender, "withdraw", lambda _sending: True)
    thread = threading.Thread(
        target=lambda: wait_until(lambda: sender.sent) and sender.sent[0].on_confirmed()
    )
    thread.start()
    with pytest.raises(NotConfirmed, match=r"hasn't confirmed 1 message .* what isn't confirmed wasn't sent"):
        Way(sender, 0.3).publish("order_create", {}, delay="37s")
    thread.join()
    with pytest.raises(NotConfirmed, match=r"hasn't confirmed 2 messages .* nothing was sent"):
        Way(sender, 0.1).publish("order_create", {}, delay="37s")


def test_without_a_confirm_the_call_ends_in_time_and_gives_its_message_up() -> None:
    sender = Sender(confirms=False)
    with pytest.raises(
        NotConfirmed, match=r"hasn't confirmed 1 message within 0.1 s; it may arrive"
    ) as raised:
        Way(sender, 0.1).publish("order_paid", {}, id="m1")
    assert raised.value.ids == ("m1",)
    assert sender.withdrawn == sender.sent


def test_in_coroutines_it_is_the_same(way: Way) -> None:
    async def items() -> AsyncIterator[tuple[str, int]]:
        for number in range(3):
            await asyncio.sleep(0)
            yield "order_paid", number

    async def main() -> None:
        assert await way.publish_async("order_paid", "a", id="m1") == "m1"
        assert await way.run_task_async("ship", "b", id="m2") == "m2"
        assert len(await way.publish_many_async(items())) == 3
        assert len(await way.publish_many_async([("order_paid", 3), ("order_paid", 4)])) == 2
        with pytest.raises(ValueError, match="no event 'order_payd'"):
            await way.publish_async("order_payd", {})
        way.sender.confirms = False
        with pytest.raises(NotConfirmed):
            await Way(way.sender, 0.05).publish_async("order_paid", {})
        task = asyncio.create_task(way.publish_async("order_paid", "cancelled"))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert way.sender.bodies()[:2] == [b'"a"', b'"b"']
    assert way.sender.withdrawn[-1].outgoing.body == b'"cancelled"'


def test_a_context_of_a_test_says_that_it_has_no_publisher() -> None:
    context = Context(
        id="m1", event=None, task="ship", attempt=1, exchange="", key="", queue="demo", headers={},
        body=b"", logger=None,  # type: ignore[arg-type]
    )  # fmt: skip
    with pytest.raises(RuntimeError, match="give it a `publisher` of your own"):
        context.publish("order_paid", {})
