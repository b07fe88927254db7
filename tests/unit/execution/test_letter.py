"""What dead letters say, those of the broker too, and what follows when they get another chance."""

from datetime import datetime
from typing import Any

import pytest

from ebats.runner.execution import settle
from ebats.runner.execution.delivery import Delivery
from ebats.runner.execution.letter import Letter, Reader
from ebats.runner.execution.outcome import Dead, Failed
from ebats.runner.execution.revive import Reviver
from ebats.runner.execution.settle import Outgoing
from tests.unit.core.shop import SHOP, delivery, envelope_of, pipeline

FAILED = Failed("exception", "shop.NoStock", "none\nleft", "File x, line 1")
FILE = pipeline(SHOP.replace("queue: demo, retry: [90s]}", "queues: [demo, fast], retry: [90s]}"))
TASK = FILE.tasks["ship"]


def written(**more: Any) -> Delivery:
    """Return a letter that a runner wrote, as it is delivered."""
    paid = delivery("shop.events", "order_paid", body=b'{"a": 1}', **more)
    message = settle.dead(FILE, envelope_of(paid, FILE), TASK, Dead("failed"), FAILED, 50.0)
    return arrived(message)


def arrived(message: Outgoing) -> Delivery:
    return delivery(
        message.exchange,
        message.key,
        "shop.dead",
        body=message.body,
        headers=message.headers,
        properties=message.properties,
    )


def by_broker(exchange: str, key: str, queue: str = "shop.demo") -> Delivery:
    """Return a letter that the broker wrote at its delivery limit."""
    death = {
        "reason": "delivery_limit",
        "queue": queue,
        "exchange": exchange,
        "routing-keys": [key],
        "time": datetime(2026, 1, 2, 3, 4, 5),
        "count": 1,
    }
    return delivery("shop.dead", key, "shop.dead", headers={"x-death": [death]})


def read(letter: Delivery) -> Letter:
    return Reader(FILE).read(letter)


def revived(letter: Delivery) -> list[Outgoing] | str:
    return Reviver(FILE).follow(read(letter), 99.0)


def test_a_letter_tells_what_its_runner_wrote() -> None:
    letter = read(written())
    assert (letter.id, letter.task, letter.event, letter.reason) == ("m1", "ship", "order_paid", "failed")
    assert (letter.attempt, letter.queue, letter.exchange, letter.key) == (
        *(1, "demo", "shop.events", "order_paid"),
    )
    assert (letter.died, letter.first) == (50.0, 50.0)
    assert (letter.error, letter.text, letter.traceback) == ("shop.NoStock", "none\nleft", "File x, line 1")


def test_a_letter_of_the_broker_tells_where_it_came_from() -> None:
    letter = read(by_broker("shop.tasks", "ship@fast"))
    assert (letter.reason, letter.task, letter.queue) == ("delivery_limit", "ship", "demo")
    assert letter.died == 1767323045
    letter = read(by_broker("shop.events", "order_paid"))
    assert (letter.task, letter.event, letter.queue) == (None, "order_paid", "demo")
    assert read(by_broker("", "shop.report", "shop.report")).task == "report"
    assert read(by_broker("", "shop.demo")).task is None  # it has several


def test_what_nobody_took_is_unrouted() -> None:
    letter = read(delivery("shop.events", "nobody", "shop.dead"))
    assert (letter.reason, letter.event, letter.task, letter.queue) == ("unrouted", "nobody", None, None)
    letter = read(delivery("shop.tasks", "gone", "shop.dead", headers={"ebats-attempt": 3, "ebats-last": 7}))
    assert (letter.reason, letter.task, letter.attempt, letter.died) == ("unrouted", "gone", 3, 7.0)


@pytest.mark.parametrize(
    "headers",
    [
        {"ebats-reason": 7, "ebats-attempt": "x", "ebats-last": "nan", "ebats-text": b"\xff", "x-death": 3},
        {
            "ebats-task": "x" * 300,
            "x-death": [{"reason": None, "queue": 3, "routing-keys": "a"}],
        },
        {b"\xff": 1, "ebats-last": 1e400},
    ],
)
def test_odd_headers_break_nothing(headers: Any) -> None:
    for exchange in ("shop.dead", "shop.tasks", "", "other"):
        letter = read(delivery(exchange, "key", "shop.dead", headers=headers))
        assert letter.died is None
        Reviver(FILE).follow(letter, 1.0)


def test_another_chance_is_the_publishers_message_at_its_first_attempt() -> None:
    given = {"trace": "t1", "x-death": [], "ebats-attempt": 4, "ebats-crashes": 2, "ebats-published": 3.0}
    letter = written(headers=given, properties={"reply_to": "answers", "user_id": "u", "expiration": "1"})
    assert revived(letter) == [
        Outgoing(
            "shop.tasks",
            "ship",
            b'{"a": 1}',
            {
                "trace": "t1",
                "ebats-task": "ship",
                "ebats-event": "order_paid",
                "ebats-exchange": "shop.events",
                "ebats-key": "order_paid",
                "ebats-attempt": 1,
                "ebats-published": 99.0,
            },
            {"reply_to": "answers", "message_id": "m1", "delivery_mode": 2},
        )
    ]


def test_it_goes_back_to_its_queue_where_the_file_allows_that() -> None:
    for queue, key in (("fast", "ship@fast"), ("demo", "ship"), ("gone", "ship"), ("report", "ship")):
        letter = written()
        letter.headers["ebats-queue"] = queue
        found = revived(letter)
        assert isinstance(found, list)
        assert found[0].key == key


def test_a_letter_without_a_task_goes_to_the_tasks_of_its_queue_alone() -> None:
    found = revived(by_broker("shop.events", "order_paid"))
    assert isinstance(found, list)
    assert [(one.exchange, one.key, one.headers["ebats-event"]) for one in found] == [
        ("shop.tasks", "close_order", "order_paid"),
        ("shop.tasks", "ship", "order_paid"),
    ]


def test_what_nobody_took_is_published_as_it_was_where_the_file_has_an_event_now() -> None:
    found = revived(delivery("shop.orders", "eu.x.WAIT", "shop.dead"))
    assert isinstance(found, list)
    assert [(one.exchange, one.key) for one in found] == [("shop.orders", "eu.x.WAIT")]


@pytest.mark.parametrize(
    ("letter", "why"),
    [
        (delivery("shop.events", "nobody", "shop.dead"), "no event of the file has the key 'nobody' on"),
        (delivery("shop.tasks", "gone", "shop.dead"), "the file has no task 'gone'"),
        (
            delivery("", "shop.dead", "shop.dead"),
            "has the key 'shop.dead' on the default",
        ),
        (by_broker("shop.events", "counted"), "the event 'counted' has no task on the queue 'demo' any more"),
    ],
)
def test_what_the_file_has_no_place_for_stays(letter: Delivery, why: str) -> None:
    found = revived(letter)
    assert isinstance(found, str)
    assert why in found
