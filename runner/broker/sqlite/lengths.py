"""Keep queues with a greatest length to it: the oldest ready messages make room (x-overflow: drop-head)."""

import sqlite3
from collections.abc import Iterable

from ebats.runner.broker.sqlite.routing import Queue, Topology

NEWEST = """
SELECT e.id, length(m.body) FROM entry e CROSS JOIN message m ON m.id = e.id
WHERE e.queue = ? AND e.owner = 0 ORDER BY e.id DESC
"""
DROP_MESSAGES = """
DELETE FROM message WHERE id IN (SELECT id FROM entry WHERE queue = ? AND owner = 0 AND id <= ?)
"""
DROP_ENTRIES = "DELETE FROM entry WHERE queue = ? AND owner = 0 AND id <= ?"


def trim(db: sqlite3.Connection, topology: Topology, queues: Iterable[int]) -> None:
    """Drop what is too much in these queues, given by id (https://www.rabbitmq.com/docs/maxlength)."""
    for number in queues:
        queue = topology.by_id[number]
        if queue.max_length is None and queue.max_bytes is None:
            continue
        if (last := _last_to_go(db, queue)) is not None:
            db.execute(DROP_MESSAGES, (number, last))
            db.execute(DROP_ENTRIES, (number, last))


def _last_to_go(db: sqlite3.Connection, queue: Queue) -> int | None:
    """Return the newest message that doesn't fit any more; None: all do."""
    size = 0
    for count, (number, length) in enumerate(db.execute(NEWEST, (queue.id,)), 1):
        size += length
        too_many = queue.max_length is not None and count > queue.max_length
        if too_many or (queue.max_bytes is not None and size > queue.max_bytes):
            return int(number)
    return None
