"""What is declared on the embedded broker is known at once, and isn't read again for each thing more."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from ebats.runner.broker.sqlite.connection import Connection
from ebats.runner.broker.sqlite.routing import Topology
from ebats.runner.broker.sqlite.store import Store

QUORUM = {"x-queue-type": "quorum", "x-message-ttl": 5_000}


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    with closing(Connection(Store(str(tmp_path / "shop.db")), None)) as connection:
        yield connection


def declare(connection: Connection, name: str) -> None:
    """Declare an exchange with a queue, twice, and consume that."""
    channel = connection.channel()
    for _ in range(2):
        channel.exchange_declare(
            name, "topic", durable=True, auto_delete=False, arguments={"alternate-exchange": "rest"}
        )
        channel.queue_declare(name, durable=True, auto_delete=False, arguments=QUORUM)
        channel.queue_bind(name, name, "#.paid")
        channel.queue_bind(name, name, "order.*")
    channel.basic_consume(name)


def unsorted(topology: Topology) -> Topology:
    """Return it without an order of bindings, and without routes that were found."""
    exchanges = {
        name: replace(each, bindings=tuple(sorted(each.bindings)))
        for name, each in topology.exchanges.items()
    }
    return replace(topology, exchanges=exchanges, _routes={})


def test_what_follows_from_a_declaration_is_what_would_be_read(connection: Connection) -> None:
    store = connection.store
    for name in ("one", "two", "three"):
        declare(connection, name)
        known = store.topology()
        assert [queue.name for queue in known.route(name, "order.paid")] == [name]
        assert unsorted(known) == unsorted(Topology.load(store.db, known.version))
    connection.channel().queue_delete("two")
    declare(connection, "four")
    known = store.topology()
    assert set(known.queues) == {"one", "three", "four"}
    assert unsorted(known) == unsorted(Topology.load(store.db, known.version))


def test_what_was_declared_is_not_read_again(connection: Connection) -> None:
    declare(connection, "first")
    statements: list[str] = []
    connection.store.db.set_trace_callback(statements.append)
    for number in range(20):
        declare(connection, f"queue-{number}")
    assert not [each for each in statements if "FROM queue" in each and "WHERE" not in each]


def test_what_others_declare_is_known_too(connection: Connection, tmp_path: Path) -> None:
    declare(connection, "mine")
    with closing(Connection(Store(str(tmp_path / "shop.db")), None)) as other:
        declare(other, "theirs")
        declare(connection, "mine too")
        assert set(connection.store.topology().queues) == {"mine", "theirs", "mine too"}
        declare(other, "theirs too")
        assert set(other.store.topology().queues) == {"mine", "theirs", "mine too", "theirs too"}


def test_a_declaration_that_is_undone_is_not_known(connection: Connection) -> None:
    declare(connection, "there")
    store = connection.store

    def fail(_: object) -> None:
        store.know(store.topology().with_consumer(1, 99))
        raise RuntimeError

    with pytest.raises(RuntimeError):
        store.write(fail)
    assert 99 not in store.topology().consumers[1]
