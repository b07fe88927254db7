"""Route messages and put them into their queues."""

import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from amqp.basic_message import Message as Outgoing

from ebats.runner.broker.sqlite import errors
from ebats.runner.broker.sqlite.lengths import trim
from ebats.runner.broker.sqlite.routing import Queue, Topology

ADD_MESSAGE = "INSERT INTO message(id, exchange, key, meta, body) VALUES (?, ?, ?, ?, ?)"
ADD_ENTRY = "INSERT INTO entry(queue, owner, id, deliveries, expires) VALUES (?, 0, ?, 0, ?)"
LAST_ID = "SELECT max(id) FROM message"


@dataclass(frozen=True, slots=True)
class Publish:
    """One basic.publish, packed."""

    exchange: str
    key: str
    meta: bytes
    body: bytes
    #: The message's own time to live, ms.
    expiration: int | None
    mandatory: bool
    message: Outgoing


@dataclass(slots=True)
class Published:
    """What became of a batch."""

    #: How many were taken; the one after that is to blame for `error`.
    count: int = 0
    error: Exception | None = None
    #: What went wrong after the batch was stored: it is no reason to publish it again.
    afterwards: Exception | None = None
    returned: list[Publish] = field(default_factory=list)
    #: Ids of the queues that got something.
    touched: set[int] = field(default_factory=set)
    #: When the first of them expires, ms since 1970.
    due: int | None = None


def now_ms() -> int:
    """The wall clock, for times that must outlive this machine's uptime."""
    return int(time.time() * 1000)


def expiry(queue: Queue, expiration: int | None, now: int) -> int | None:
    """When a message that enters a queue now expires: the shorter of its own time and the queue's.

    One is added because `now` is rounded down, and nothing may come early.
    """
    if queue.ttl is None:
        return None if expiration is None else now + expiration + 1
    return now + 1 + (queue.ttl if expiration is None else min(queue.ttl, expiration))


def insert(db: sqlite3.Connection, topology: Topology, batch: Sequence[Publish]) -> Published:
    """Put a batch into the queues, inside the caller's transaction.

    As on a channel of RabbitMQ, what comes before a publish to an unknown exchange is taken, the rest isn't.
    """
    result = Published()
    now = now_ms()
    next_id = (db.execute(LAST_ID).fetchone()[0] or 0) + 1
    messages: list[tuple[Any, ...]] = []
    entries: list[tuple[Any, ...]] = []
    for publish in batch:
        try:
            queues = topology.route(publish.exchange, publish.key)
        except KeyError:
            result.error = errors.not_found("exchange", publish.exchange, errors.BASIC_PUBLISH)
            break
        result.count += 1
        if not queues and publish.mandatory:
            result.returned.append(publish)
        for queue in queues:
            expires = expiry(queue, publish.expiration, now)
            messages.append((next_id, publish.exchange, publish.key, publish.meta, publish.body))
            entries.append((queue.id, next_id, expires))
            next_id += 1
    db.executemany(ADD_MESSAGE, messages)
    db.executemany(ADD_ENTRY, entries)
    result.touched = {entry[0] for entry in entries}
    trim(db, topology, result.touched)
    result.due = min((entry[2] for entry in entries if entry[2] is not None), default=None)
    return result
