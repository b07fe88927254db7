"""A backlog of very many messages, beside very many that wait: what comes next is found by an index."""

import re
import sqlite3
import statistics
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.faults.rows.finding import Finding
from tests.faults.rows.forms import forms
from tests.faults.site import Site
from tests.integration.wire import Wire, confirms_of, rung_arguments, work_arguments
from tests.waiting import PATIENCE

pytestmark = pytest.mark.row(24)

TURNS = 5
CLAIMS = 300


def store_of(wire: Wire) -> Any:
    """Return the handle on the database that a connection has."""
    return wire.connection.connection.store


def with_queues(database: Path) -> Wire:
    """Make a rung, a work queue and its dead letters in a database, as a pipeline has them."""
    wire = Wire(f"sqlite:///{database}")
    wire.exchange("tasks", "direct")
    wire.fanout_to_queue("dead")
    wire.queue("work", work_arguments("dead"))
    wire.channel.queue_bind("work", "tasks", "work")
    wire.exchange("rung", "fanout")
    wire.queue("rung", rung_arguments("tasks", 300))
    wire.channel.queue_bind("rung", "rung", "")
    return wire


def test_each_statement_on_messages_is_served_by_an_index(tmp_path: Path, finding: Finding) -> None:
    # Given all statements that a broker runs while messages are published, wait on a rung and come back,
    # are claimed, acknowledged, rejected, handed back, and those of a dead process are reaped
    said: list[str] = []
    with closing(with_queues(tmp_path / "x.db")) as wire:
        db: sqlite3.Connection = store_of(wire).db
        db.set_trace_callback(said.append)
        wire.send("work", "acknowledged", "rejected", "handed back")
        wire.publish("returns", "rung", "work")
        wire.consume("work", prefetch=2)
        done, rejected, back = (*wire.receive(2), *wire.receive(0))[:2], None, None
        done[0].channel.basic_ack(done[0].delivery_tag)
        done[1].channel.basic_reject(done[1].delivery_tag, requeue=False)
        back, rejected = wire.receive(2)
        back.channel.basic_reject(back.delivery_tag, requeue=True)
        rejected.channel.basic_reject(rejected.delivery_tag, requeue=False)
        wire.ack(*wire.receive(1))
        wire.drain_for(1.2)
        db.set_trace_callback(None)

        # Then none of them looks through a table of messages
        seen: set[str] = set()
        for statement in said:
            # What came with the values is the same statement again.
            if not re.match("SELECT|UPDATE|DELETE|INSERT", statement.lstrip()):
                continue
            plan = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {statement}")]
            seen.update(plan)
            assert not [step for step in plan if re.match(r"SCAN (e|m|entry|message)\b", step)], (
                statement,
                plan,
            )
    assert any("USING INDEX entry_due" in step or "INDEX entry_due" in step for step in seen), seen
    assert any("PRIMARY KEY (queue=? AND owner=?" in step for step in seen), seen
    finding.note(f"{len(seen)} plans, none of which looks through all messages")


def fill(wire: Wire, ready: int, delayed: int) -> None:
    """Multiply a message that is ready and one that waits on the rung: a backlog in seconds."""
    wire.send("work", "x" * 500)
    confirmed = confirms_of(wire.channel)
    wire.publish("x" * 500, "rung", "work")
    wire.drain_until(lambda: len(confirmed) == 1, "the confirm")

    def multiply(db: sqlite3.Connection) -> None:
        due = time.time_ns() // 1_000_000 + 86_400_000
        for queue, count, expires in (("work", ready, None), ("rung", delayed, due)):
            (number,) = db.execute("SELECT id FROM queue WHERE name = ?", (queue,)).fetchone()
            # In the order of their ids, as they come: one after another of each kind.
            first, after = db.execute(
                "SELECT min(e.id), (SELECT max(id) FROM message) FROM entry e WHERE e.queue = ?", (number,)
            ).fetchone()
            numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
            db.execute(
                f"INSERT INTO message SELECT ? + i, exchange, key, meta, body"
                f" FROM ({numbers} SELECT i FROM n), message WHERE id = ?",
                (after, count, first),
            )
            db.execute(
                f"INSERT INTO entry {numbers} SELECT ?, 0, ? + i, 0, ? FROM n",
                (count, number, after, expires),
            )

    store_of(wire).write(multiply)


def claims_s(wire: Wire) -> list[float]:
    """Take messages one by one, each when the last one is acknowledged; return how long each took to come."""
    wire.channel.basic_qos(0, 1, False)
    taken: list[Any] = []
    tag = wire.channel.basic_consume("work", callback=taken.append)
    wire.drain_until(lambda: taken, "a message")
    found = []
    for _ in range(CLAIMS):
        last = taken.pop()
        began = time.perf_counter()
        last.channel.basic_ack(last.delivery_tag)
        wire.drain_until(lambda: taken, "a message")
        found.append(time.perf_counter() - began)
    wire.channel.basic_cancel(tag)
    wire.ack(*taken)
    return found


@forms(quick=(5_000, 20_000), full=(100_000, 1_000_000))
def test_a_message_is_taken_from_a_backlog_as_quickly_as_from_an_empty_queue(
    tmp_path: Path, finding: Finding, form: tuple[int, int]
) -> None:
    # Given a database with nearly nothing in it, and one with a backlog and many that wait
    ready, delayed = form
    few, many = with_queues(tmp_path / "few.db"), with_queues(tmp_path / "many.db")
    with closing(few), closing(many):
        fill(many, ready, delayed)
        times: dict[Wire, list[float]] = {few: [], many: []}
        # When messages are taken one by one, from one and the other in turn
        for _ in range(TURNS):
            few.send("work", *("x" * 500 for _ in range(CLAIMS + 2)))
            for wire in (few, many):
                times[wire] += claims_s(wire)

        # Then it takes as long
        usual, crowded = (statistics.median(found) for found in times.values())
        usual_p99, crowded_p99 = (statistics.quantiles(found, n=100)[98] for found in times.values())
        finding.note(
            f"{ready:,} ready and {delayed:,} that wait: a claim in {1000 * crowded:.2f} ms (p99"
            f" {1000 * crowded_p99:.1f}), from an empty store in {1000 * usual:.2f} ms (p99"
            f" {1000 * usual_p99:.1f})"
        )
        # A look at all of them would take hundreds of times as long.
        assert crowded < 10 * usual, (crowded, usual)
        assert crowded_p99 < max(0.02 * PATIENCE, 10 * usual_p99), (crowded_p99, usual_p99)


@forms(quick=(300, 1_000), full=(100_000, 1_000_000), full_deadline_s=1800)
def test_a_backlog_is_worked_off_beside_many_that_wait(
    row_site: Site, finding: Finding, form: tuple[int, int]
) -> None:
    # Given many messages that are ready, and many that wait for an hour, before anybody runs
    ready, delayed = (
        [f"{kind}-{number}" for number in range(count)] for kind, count in zip("rd", form, strict=True)
    )
    site = row_site
    site.write(
        tasks={"work": {"python": "tasks:work"}},
        events={"happened": {"tasks": ["work"]}, "later": {"tasks": [{"task": "work", "delay": "1h"}]}},
        consumers={"all": {"processes": 2, "prefetch": 200}},
        logs={"history": {"file": {"path": "log.jsonl"}}},
    )
    site.declare()
    site.send(delayed, key="later")
    site.send(ready)

    # When it is started
    began = time.monotonic()
    command = site.launch()
    site.wait_done_but(*delayed, deadline_s=30 + len(ready) / 100)
    took_s = time.monotonic() - began

    # Then all that is ready is done, and what waits still does
    rung = "delay.1h.later.work"
    site.wait_ready(rung, len(delayed))
    site.end(command)
    finding.caused()
    finding.note(f"{len(ready):,} done in {took_s:.0f} s, start included, beside {len(delayed):,} that wait")
    finding.add(site.oracle.judge(waiting=delayed), duplicates=0)
