"""Messages in an intake: each is handed on to the tasks of its event, and is never a run itself."""

from typing import Any

import pytest

from ebats.pipelines.routes import Routes
from ebats.runner.execution.arrival import Arrivals
from ebats.runner.execution.delivery import Delivery
from ebats.runner.execution.reading import Runs, read
from ebats.runner.execution.settle import Outgoing
from tests.unit.core.shop import Bench, again, death, delivery, pipeline

FILE = """
version: 1
name: shop
queues:
  orders: {external: true, name: orders.v1}
  inbox:
  fast:
  slow:
tasks:
  ship: {python: "shop.tasks:ship", queues: [fast, slow]}
  report: {python: "shop.tasks:report"}
  close: {python: "shop.tasks:close"}
events:
  wanted: {queue: orders, tasks: [{task: ship, queue: slow}, report, {task: close, delay: 10s}]}
  handed_in: {queue: inbox, tasks: [report]}
"""

HEADERS: dict[str, Any] = {
    "colour": "red",
    "CC": ["orders.v1"],
    "x-death": [{"queue": "elsewhere"}],
    "ebats-task": "close",
    "ebats-event": "handed_in",
    "ebats-attempt": 4,
    "ebats-error": "ValueError",
    "ebats-due": 9e12,
    "ebats-published": 900.0,
}


def foreign(**more: Any) -> Delivery:
    """Return a delivery from somebody else's queue."""
    return delivery("trade", "cn.1.WAIT", "orders.v1", **more)


def arrive(one: Delivery) -> tuple[Outgoing, ...]:
    """Return what follows from a delivery in an intake."""
    messages = Arrivals(pipeline(FILE)).of(one)
    assert messages is not None
    return messages


def test_each_task_gets_a_message_by_its_key_and_a_delayed_one_waits_on_its_rung() -> None:
    messages = arrive(foreign())

    assert [(message.exchange, message.key) for message in messages] == [
        ("shop.tasks", "ship@slow"),
        ("shop.tasks", "report"),
        ("", "shop.delay.10s.wanted.close"),
    ]
    for message in messages:
        assert message.headers == {
            "ebats-event": "wanted",
            "ebats-exchange": "trade",
            "ebats-key": "cn.1.WAIT",
            "ebats-attempt": 1,
        }


def test_what_another_life_wrote_in_the_headers_is_forgotten_and_the_rest_stays() -> None:
    properties = {"content_type": "text/plain", "priority": 7, "expiration": "5000", "user_id": "them"}

    for message in arrive(foreign(headers=HEADERS, properties=properties)):
        assert message.headers.pop("colour") == "red"
        assert message.headers.pop("ebats-published") == 900.0
        assert message.headers.keys() == {"ebats-event", "ebats-exchange", "ebats-key", "ebats-attempt"}
        assert message.headers["ebats-attempt"] == 1
        assert message.properties == {
            "content_type": "text/plain",
            "priority": 7,
            "message_id": "m1",
            "delivery_mode": 2,
        }


@pytest.mark.parametrize("message_id", [None, ""])
def test_a_message_without_an_id_gets_one_for_all_tasks(message_id: str | None) -> None:
    ids = {message.properties["message_id"] for message in arrive(foreign(message_id=message_id))}

    (one,) = ids
    assert len(one) == 32


def test_only_intakes_have_arrivals() -> None:
    assert Arrivals(pipeline(FILE)).of(delivery("shop.tasks", "report", "shop.report")) is None


def test_what_arrived_runs_as_the_event_with_its_origin() -> None:
    shop = pipeline(FILE)
    _, report, close = arrive(foreign())
    waited = again(close, "shop.close")
    waited.exchange, waited.key = "shop.tasks", "close"
    waited.headers |= death("shop.delay.10s.wanted.close", key="shop.delay.10s.wanted.close")

    for one, task in ((again(report, "shop.report"), "report"), (waited, "close")):
        meaning = read(one, Routes(shop))

        assert isinstance(meaning, Runs)
        assert [found.name for found in meaning.tasks] == [task]
        envelope = meaning.envelope
        assert (envelope.id, envelope.event, envelope.attempt) == ("m1", "wanted", 1)
        assert (envelope.exchange, envelope.key) == ("trade", "cn.1.WAIT")


def test_it_is_acknowledged_when_all_is_confirmed_and_is_no_suspect_however_often_it_comes() -> None:
    bench = Bench(pipeline(FILE))
    one = foreign(headers={"x-delivery-count": 7}, redelivered=True)

    bench.take(one)

    assert len(bench.published.messages) == 3
    assert not bench.acknowledged.deliveries
    bench.published.confirm()
    assert bench.acknowledged.deliveries == [one]
    assert not bench.held.runs
    assert bench.engine.settler.counts == {"to_event_rungs": 1}
