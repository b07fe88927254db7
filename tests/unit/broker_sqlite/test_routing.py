import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest

from ebats.runner.broker.sqlite import codec, schema
from ebats.runner.broker.sqlite.routing import Topology

EXCHANGES: dict[str, tuple[str, dict[str, Any]]] = {
    "topic": ("topic", {}),
    "direct": ("direct", {"alternate-exchange": "rest"}),
    "rest": ("fanout", {}),
    "ping": ("direct", {"alternate-exchange": "pong"}),
    "pong": ("direct", {"alternate-exchange": "ping"}),
    "lost": ("direct", {"alternate-exchange": "missing"}),
}
QUEUES = ["a", "b", "left"]
BINDINGS = [
    ("topic", "*.paid", "a"),
    ("topic", "order.#", "a"),
    ("topic", "order.#", "b"),
    ("direct", "k", "a"),
    ("rest", "", "left"),
]


@pytest.fixture
def topology() -> Iterator[Topology]:
    db = sqlite3.connect(":memory:")
    db.executescript(schema.TABLES)
    for name, (kind, arguments) in EXCHANGES.items():
        db.execute("INSERT INTO exchange VALUES (?, ?, 1, 0, 0, ?)", (name, kind, codec.encode(arguments)))
    for number, name in enumerate(QUEUES, 1):
        db.execute("INSERT INTO queue VALUES (?, ?, 1, 0, 0, ?, 0)", (number, name, codec.encode({})))
    for source, key, queue in BINDINGS:
        db.execute("INSERT INTO binding VALUES (?, ?, ?)", (source, key, QUEUES.index(queue) + 1))
    yield Topology.load(db, 1)
    db.close()


@pytest.mark.parametrize(
    ("exchange", "key", "queues"),
    [
        ("", "a", ["a"]),
        ("", "missing", []),
        ("topic", "order.paid", ["a", "b"]),  # two bindings that match are one message
        ("topic", "bill.paid", ["a"]),
        ("topic", "order", ["a", "b"]),
        ("topic", "bill", []),
        ("direct", "k", ["a"]),
        ("direct", "other", ["left"]),  # by the alternate exchange
        ("ping", "k", []),  # alternates in a circle
        ("lost", "k", []),  # an alternate that isn't there
    ],
)
def test_a_message_goes_where_it_is_bound(
    topology: Topology, exchange: str, key: str, queues: list[str]
) -> None:
    for _ in range(2):  # the second time from the cache
        assert [queue.name for queue in topology.route(exchange, key)] == queues


def test_an_exchange_that_is_not_declared_is_an_error(topology: Topology) -> None:
    with pytest.raises(KeyError):
        topology.route("missing", "k")
