"""What a publisher is given together the embedded broker stores in one transaction."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from ebats.pipelines.model import Broker
from ebats.runner.broker.confirming import Sending
from ebats.runner.broker.publish import WINDOW, Publisher
from ebats.runner.broker.sqlite import connection
from ebats.runner.broker.sqlite.publishing import Publish, Published
from ebats.runner.broker.sqlite.routing import Topology
from ebats.runner.broker.sqlite.sending import BUFFERED_BYTES, BUFFERED_MESSAGES
from ebats.runner.execution.settle import Outgoing
from tests.integration.wire import Wire
from tests.waiting import wait_until

#: More than a window, and than the broker collects by itself: in number, and in bytes.
COUNT = WINDOW + BUFFERED_MESSAGES
BODY = b"x" * (2 * BUFFERED_BYTES // COUNT)


def test_a_batch_is_one_transaction(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{tmp_path}/broker.db"
    transactions: list[set[str]] = []
    confirmed: list[None] = []

    def insert(db: sqlite3.Connection, topology: Topology, batch: Sequence[Publish]) -> Published:
        transactions.append({publish.message.properties["message_id"] for publish in batch})
        return real(db, topology, batch)

    real = connection.insert
    monkeypatch.setattr(connection, "insert", insert)

    def sending(id_: str) -> Sending:
        outgoing = Outgoing("", "q", BODY, {}, {"message_id": id_})
        return Sending(outgoing, lambda: confirmed.append(None), lambda: None)

    with closing(Wire(url)) as wire:
        wire.queue("q")
        publisher = Publisher(Broker(urls=(url,)), lambda _level, _text: None)
        publisher.start()
        for number in range(WINDOW - 1):
            publisher.put(sending(f"before {number}"))
        publisher.put_all([sending(f"together {number}") for number in range(COUNT)])
        publisher.put(sending("after"))
        wait_until(lambda: len(confirmed) == WINDOW + COUNT, 60, lambda: f"{len(confirmed)} confirmed")
        assert publisher.close(10)
    holding = [ids for ids in transactions if any(id_.startswith("together") for id_ in ids)]
    assert len(holding) == 1
    assert {f"together {number}" for number in range(COUNT)} <= holding[0]
