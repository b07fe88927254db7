"""Claims and expiry must stay as fast with a million messages as with one: each uses its index."""

import sqlite3
from collections.abc import Iterator

import pytest

from ebats.runner.broker.sqlite import declare, expiry, leases, publishing, schema


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    db = sqlite3.connect(":memory:")
    db.executescript(schema.TABLES)
    rows = [(queue, 0, number, 0, None if queue else number) for queue in (0, 1) for number in range(2000)]
    db.executemany("INSERT INTO entry VALUES (?, ?, ?, ?, ?)", rows)
    yield db
    db.close()


def plan(db: sqlite3.Connection, query: str) -> str:
    values = tuple(1 for _ in range(query.count("?")))
    return " / ".join(row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {query}", values))


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (leases.READY, "SEARCH e USING PRIMARY KEY (queue=? AND owner=?)"),
        (leases.TAKE, "SEARCH entry USING PRIMARY KEY (queue=? AND owner=? AND id<?)"),
        (leases.HAS_READY, "SEARCH entry USING PRIMARY KEY (queue=? AND owner=?)"),
        (leases.LEASED, "SEARCH entry USING PRIMARY KEY (queue=? AND owner=?)"),
        (leases.DELETE_ENTRY, "SEARCH entry USING PRIMARY KEY (queue=? AND owner=? AND id=?)"),
        (leases.GIVE_BACK, "SEARCH entry USING PRIMARY KEY (queue=? AND owner=? AND id=?)"),
        (declare.READY_COUNT, "SEARCH entry USING PRIMARY KEY (queue=? AND owner=?)"),
        (expiry.DUE, "SEARCH e USING COVERING INDEX entry_due (expires<?)"),
        (expiry.HELD, "SEARCH e USING COVERING INDEX entry_held (expires<?)"),
        (expiry.NEXT_DUE, "SEARCH entry USING COVERING INDEX entry_due"),
        (expiry.NEXT_HELD, "SEARCH entry USING COVERING INDEX entry_held"),
        (publishing.LAST_ID, "SEARCH message"),
    ],
)
def test_a_hot_query_uses_its_index_and_sorts_nothing(db: sqlite3.Connection, query: str, index: str) -> None:
    found = plan(db, query)
    assert index in found
    assert "SCAN" not in found
    assert "TEMP B-TREE" not in found


def test_a_claim_looks_at_no_more_than_it_takes(db: sqlite3.Connection) -> None:
    steps = [0]

    def step() -> int:
        steps[0] += 1
        return 0

    db.executemany(publishing.ADD_MESSAGE, [(number, "", "k", b"", b"") for number in range(2000)])
    db.set_progress_handler(step, 10)
    assert len(leases.claim(db, 1, 7, 5)) == 5
    assert steps[0] < 200
