"""Where items go: the routing rules of the gateway, by the names of a file."""

import json
import time
from typing import Any

import pytest

from ebats.pipelines.producer import Allow
from ebats.runner.execution.settle import Outgoing
from ebats.runner.gateway import bodies
from ebats.runner.gateway.items import BadItem, Item
from ebats.runner.gateway.targets import Targets
from tests.unit.core.shop import pipeline

SHOP = """
version: 1
name: shop
exchanges:
  orders: {type: topic}
  exact: {type: direct}
  all: {type: fanout}
queues:
  demo:
  slow:
  theirs: {external: true}
  intake: {external: true}
tasks:
  ship: {python: "shop.tasks:ship", queue: demo}
  tell: {python: "shop.tasks:tell", queue: demo}
  alone: {python: "shop.tasks:alone", queues: [slow]}
events:
  paid: {tasks: [ship, {task: alone, delay: 10s}]}
  noted: {format: text, tasks: [alone]}
  blob: {format: bytes, tasks: [alone]}
  wanted: {exchange: orders, key: "*.GO", tasks: [ship]}
  eu: {exchange: orders, key: "eu.#", tasks: [{task: alone, delay: 10s}]}
  direct: {exchange: exact, key: a, tasks: [tell]}
  fan: {exchange: all, tasks: [tell]}
  old: {queue: intake, tasks: [ship]}
producers:
  gateway: {http: {}}
"""


def of_schema(event: str, payload: Any) -> str | None:
    """Refuse some payloads of two events."""
    return f"{event} takes no 13" if event in ("wanted", "old") and payload == 13 else None


@pytest.fixture(scope="module")
def targets() -> Targets:
    shop = pipeline(SHOP)
    return Targets(shop, of_schema)


def item(**parts: Any) -> Item:
    """Return an item as it is read from a request."""
    (found,) = bodies.array(json.dumps([{"payload": 1, **parts}]).encode(), 64)
    if isinstance(found, BadItem):
        raise found
    return found


def addresses(found: list[Outgoing]) -> list[tuple[str, str]]:
    return [(each.exchange, each.key) for each in found]


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"exchange": "orders", "route": "a.GO"}, [("shop.orders", "a.GO")]),
        # Nobody here knows what others bind.
        ({"exchange": "orders", "route": "anything"}, [("shop.orders", "anything")]),
        ({"exchange": "orders", "queue": "", "route": "a.GO"}, [("shop.orders", "a.GO")]),
        ({"exchange": "orders", "queue": None, "route": "a.GO"}, [("shop.orders", "a.GO")]),
        ({"exchange": "orders", "route": ""}, [("shop.orders", "")]),
        ({"exchange": "all"}, [("shop.all", "")]),
        ({"queue": "slow"}, [("", "shop.slow")]),
        ({"queue": "theirs"}, [("", "theirs")]),
        ({"queue": "intake"}, [("", "intake")]),
        ({"exchange": "orders", "queue": "demo", "route": "a.GO"}, [("shop.orders", "a.GO")]),
        # By way of a rung, but bound by the file all the same.
        ({"exchange": "orders", "queue": "slow", "route": "eu.x"}, [("shop.orders", "eu.x")]),
        ({"exchange": "exact", "queue": "demo", "route": "a"}, [("shop.exact", "a")]),
        ({"exchange": "all", "queue": "demo", "route": "x"}, [("shop.all", "x")]),
        ({"event": "paid"}, [("shop.events", "paid")]),
        ({"event": "wanted", "route": "b.GO"}, [("shop.orders", "b.GO")]),
        ({"event": "old"}, [("", "intake")]),
        ({"event": "noted", "queue": "slow", "payload": "x"}, [("shop.tasks", "alone")]),
        ({"task": "ship"}, [("shop.tasks", "ship")]),
        ({"task": "alone", "queue": "slow"}, [("shop.tasks", "alone")]),
    ],
)
def test_names_say_where_an_item_goes(
    targets: Targets, parts: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    # The second time it is known.
    for _ in range(2):
        assert addresses(targets.messages(item(**parts))) == expected


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"event": "paid"}, [("shop.delay.5s", "ship"), ("shop.delay.15s", "alone")]),
        ({"exchange": "orders", "route": "a.GO"}, [("shop.delay.5s", "ship")]),
        ({"exchange": "orders", "route": "eu.GO"}, [("shop.delay.5s", "ship"), ("shop.delay.15s", "alone")]),
        ({"event": "wanted"}, [("shop.delay.5s", "ship")]),
        ({"queue": "slow"}, [("shop.delay.5s", "alone")]),
        ({"queue": "intake"}, [("shop.delay.5s", "ship")]),
        ({"task": "tell"}, [("shop.delay.5s", "tell")]),
    ],
)
def test_what_is_to_wait_goes_to_rungs_of_its_tasks(
    targets: Targets, parts: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    found = targets.messages(item(**parts, delay="5s"))
    assert [key for _, key in addresses(found)] == [key for _, key in expected]
    assert all(exchange.startswith("shop.delay.") for exchange, _ in addresses(found))
    assert len({each.properties["message_id"] for each in found}) == 1
    assert addresses(targets.messages(item(**parts, delay=5))) == addresses(found)


def test_a_delay_of_the_file_begins_anew_with_each_item(targets: Targets) -> None:
    for _ in range(2):
        before = time.time()
        (found,) = targets.messages(item(event="eu", queue="slow", route="eu.x"))
        assert before + 10 <= found.headers["ebats-due"] <= time.time() + 10
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ({}, "the item has no `exchange`, `queue`, `event` or `task`"),
        ({"route": "a"}, "the item has no `exchange`"),
        ({"exchange": "ordrs", "route": "a"}, "there is no exchange 'ordrs'"),
        ({"exchange": "events", "route": "paid"}, "there is no exchange 'events'"),
        ({"exchange": "amq.topic", "route": "a"}, "there is no exchange 'amq.topic'"),
        ({"exchange": "orders"}, "the item has no `route`, and `orders` is a topic exchange"),
        ({"exchange": "orders", "route": "x" * 256}, "a name, or a route, has 255 bytes at most"),
        ({"event": "wanted", "route": "x" * 256}, "a name, or a route, has 255 bytes at most"),
        ({"task": "ship", "queue": "x" * 256}, "a name, or a route, has 255 bytes at most"),
        ({"exchange": "orders", "route": "é" * 128}, "a route has 255 bytes at most"),
        ({"exchange": "orders", "route": "a\0"}, "and no NUL"),
        ({"event": "wanted", "route": "\0.GO"}, "and no NUL"),
        ({"exchange": "orders", "queue": "slow", "route": "a.GO"}, "no event binds `orders` with the route"),
        ({"exchange": "orders", "queue": "theirs", "route": "a.GO"}, "to the queue `theirs`: leave one of"),
        ({"exchange": "orders", "queue": "nope", "route": "a.GO"}, "there is no queue 'nope'"),
        ({"queue": "nope"}, "there is no queue 'nope'"),
        ({"queue": "dead"}, "there is no queue 'dead'"),
        ({"queue": "shop.demo"}, "there is no queue 'shop.demo'"),
        ({"queue": "demo"}, "the queue `demo` feeds several tasks: say which"),
        ({"queue": "slow", "route": "a"}, "`route` goes with `exchange`"),
        ({"event": "nope"}, "there is no event 'nope'"),
        ({"event": "wanted"}, "choose a `route`"),
        ({"event": "wanted", "route": "a.STOP"}, "and 'a.STOP' doesn't"),
        ({"event": "paid", "queue": "nope"}, "may not run from the queue 'nope'"),
        ({"event": "paid", "task": "ship"}, "an item has one of"),
        ({"event": "paid", "exchange": "orders"}, "an item has one of"),
        ({"task": "nope"}, "there is no task 'nope'"),
        ({"task": "ship", "route": "a"}, "a task has none"),
        ({"exchange": "orders", "route": "x", "delay": "1s"}, "only what goes to tasks of this file can be"),
        ({"queue": "theirs", "delay": "1s"}, "`theirs` feeds no task of this file"),
        ({"event": "noted"}, "the payload has to be a text, as the event's format, text, says"),
        ({"event": "blob"}, "the payload has to be a text, as the event's format, bytes, says"),
        ({"queue": "theirs", "raw": True}, "the payload has to be a text, as `raw` says"),
        ({"event": "paid", "payload": "{", "raw": True}, "the body is no JSON"),
        ({"exchange": "orders", "route": "a.GO", "payload": 13}, "wanted takes no 13"),
        ({"exchange": "orders", "route": "a.GO", "payload": "13", "raw": True}, "wanted takes no 13"),
        ({"event": "wanted", "route": "a.GO", "payload": 13}, "wanted takes no 13"),
        ({"queue": "intake", "payload": 13}, "old takes no 13"),
    ],
)
def test_what_can_not_be_published_says_why(targets: Targets, parts: dict[str, Any], text: str) -> None:
    with pytest.raises(BadItem) as error:
        targets.messages(item(**parts))
    assert text in str(error.value)
    assert error.value.reason == "invalid"


@pytest.mark.parametrize(
    ("parts", "body", "content_type"),
    [
        ({"event": "paid", "payload": {"a": "订"}}, '{"a": "订"}', "application/json"),
        ({"event": "paid", "payload": '{"a":1}', "raw": True}, '{"a":1}', "application/json"),
        ({"event": "noted", "payload": "a note"}, "a note", "text/plain"),
        ({"event": "blob", "payload": "bytes"}, "bytes", "application/octet-stream"),
        ({"queue": "theirs", "payload": "as it stands", "raw": True}, "as it stands", "text/plain"),
        ({"queue": "theirs", "payload": "a text"}, '"a text"', "application/json"),
        ({"exchange": "orders", "route": "x", "payload": "", "raw": True}, "", "text/plain"),
        ({"task": "ship", "payload": None}, "null", "application/json"),
    ],
)
def test_a_body_is_the_payload_as_it_was_written(
    targets: Targets, parts: dict[str, Any], body: str, content_type: str
) -> None:
    text = json.dumps([parts], ensure_ascii=False)
    (found,) = bodies.array(text.encode(), 64)
    assert isinstance(found, Item)
    (message,) = targets.messages(found)
    assert message.body.decode() == body
    assert message.properties["content_type"] == content_type


def test_ids_are_the_items_own_or_made_of_the_key(targets: Targets) -> None:
    def id_of(one: Item, key: str | None) -> str:
        return str(targets.messages(one, id_=key)[0].properties["message_id"])

    assert id_of(item(event="paid", id="own"), "key-0") == "own"
    assert id_of(item(event="paid"), "key-0") == "key-0"
    assert id_of(item(event="paid"), None) != id_of(item(event="paid"), None)
    assert list(bodies.ids("key", 1)) == ["key"]
    assert list(bodies.ids("key", 2)) == ["key-0", "key-1"]
    assert list(bodies.ids(None, 2)) == [None, None]


@pytest.mark.parametrize(
    ("parts", "is_allowed"),
    [
        ({"exchange": "orders", "route": "a.GO"}, True),
        ({"exchange": "exact", "route": "a"}, False),
        ({"queue": "slow"}, True),
        ({"queue": "theirs"}, False),
        ({"event": "paid"}, True),
        ({"event": "noted", "payload": ""}, False),
        ({"task": "ship"}, True),
        ({"task": "alone"}, False),
        # Who may publish an event need not be allowed its tasks.
        ({"event": "paid", "delay": "5s"}, True),
    ],
)
def test_a_caller_publishes_where_he_may(
    targets: Targets, parts: dict[str, Any], *, is_allowed: bool
) -> None:
    allow = Allow(
        exchanges=frozenset({"orders"}),
        queues=frozenset({"slow"}),
        events=frozenset({"paid"}),
        tasks=frozenset({"ship"}),
    )
    if is_allowed:
        assert targets.messages(item(**parts), allow=allow)
        return
    with pytest.raises(BadItem, match="you may not publish to the") as error:
        targets.messages(item(**parts), allow=allow)
    assert error.value.reason == "forbidden"


def test_a_body_that_is_too_large_is_none(targets: Targets) -> None:
    assert targets.messages(item(event="paid", payload="x" * 8), most=10)
    with pytest.raises(BadItem, match="the body has 11 bytes, and 10 are allowed") as error:
        targets.messages(item(event="paid", payload="x" * 9), most=10)
    assert error.value.reason == "too_large"
