"""Change what is declared: exchanges, queues, bindings and consumers, inside the caller's transaction."""

import sqlite3
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ebats.runner.broker.sqlite import arguments, codec, errors
from ebats.runner.broker.sqlite.arguments import flag
from ebats.runner.broker.sqlite.errors import Method
from ebats.runner.broker.sqlite.publishing import now_ms
from ebats.runner.broker.sqlite.routing import Exchange, Queue, Topology

RESERVED = "amq."
SHORTSTR = 255
ADD_QUEUE = """
INSERT INTO queue(name, durable, auto_delete, exclusive, arguments, used_at) VALUES (?, ?, ?, ?, ?, ?)
"""
READY_COUNT = "SELECT count(*) FROM entry WHERE queue = ? AND owner = 0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A queue or an exchange as a client declares it."""

    name: str
    type: str = ""
    durable: bool = False
    exclusive: bool = False
    auto_delete: bool = False
    arguments: Mapping[str, Any] = field(default_factory=dict)


def changed(db: sqlite3.Connection) -> None:
    """Make every connection read the topology again."""
    db.execute("UPDATE meta SET v = v + 1 WHERE k = 'topology'")


def find_queue(state: Topology, name: str, owner: int, method: Method) -> Queue:
    """Give a queue that this owner may use, or raise NotFound or ResourceLocked."""
    queue = state.queues.get(name)
    if queue is None:
        raise errors.not_found("queue", name, method)
    if queue.exclusive not in (0, owner):
        raise errors.locked(name, method)
    return queue


def find_exchange(state: Topology, name: str, method: Method) -> Exchange:
    """Give a named exchange, or raise AccessRefused (the default one) or NotFound."""
    if name == "":
        raise errors.refused("operation not permitted on the default exchange", method)
    if name not in state.exchanges:
        raise errors.not_found("exchange", name, method)
    return state.exchanges[name]


def exchange(db: sqlite3.Connection, state: Topology, want: Wanted) -> Topology:
    """Declare an exchange: idempotent, PreconditionFailed if it is there and differs; give what follows."""
    method = errors.EXCHANGE_DECLARE
    if want.name == "":
        raise errors.refused("operation not permitted on the default exchange", method)
    arguments.check_exchange(want.name, want.type, want.arguments)
    there = state.exchanges.get(want.name)
    if there is not None:
        _same_exchange(there, want)
        return state
    _check_name("exchange", want.name, method)
    row = (want.name, want.type, want.durable, want.auto_delete, 0, codec.encode(want.arguments))
    db.execute("INSERT INTO exchange VALUES (?, ?, ?, ?, ?, ?)", row)
    changed(db)
    return state.with_exchange(Exchange.read(row, ()))


def _same_exchange(there: Exchange, want: Wanted) -> None:
    properties = (
        ("type", there.type, want.type),
        ("durable", flag(there.durable), flag(want.durable)),
        ("auto_delete", flag(there.auto_delete), flag(want.auto_delete)),
    )
    for key, old, new in properties:
        arguments.compare_property("exchange", want.name, key, old, new, errors.EXCHANGE_DECLARE)
    names = arguments.EXCHANGE_ARGUMENTS
    arguments.compare("exchange", want.name, there.arguments, want.arguments, errors.EXCHANGE_DECLARE, names)


def delete_exchange(db: sqlite3.Connection, state: Topology, name: str, *, if_unused: bool) -> None:
    """Delete an exchange and its bindings; one that isn't there is no error."""
    if name.startswith(RESERVED) or name == "":
        text = f"exchange name '{name}' contains reserved prefix 'amq.*'"
        raise errors.refused(
            text if name else "operation not permitted on the default exchange", errors.EXCHANGE_DELETE
        )
    if name not in state.exchanges:
        return
    if if_unused and state.exchanges[name].bindings:
        raise errors.precondition(
            f"exchange '{name}' in vhost '{errors.VHOST}' in use", errors.EXCHANGE_DELETE
        )
    db.execute("DELETE FROM exchange WHERE name = ?", (name,))
    db.execute("DELETE FROM binding WHERE source = ?", (name,))
    changed(db)


def queue(db: sqlite3.Connection, state: Topology, want: Wanted, owner: int) -> tuple[Topology, str]:
    """Declare a queue; give what follows, and its name, which is made up if none was given."""
    method = errors.QUEUE_DECLARE
    name = want.name or f"amq.gen-{uuid.uuid4().hex}"
    there = state.queues.get(name)
    if there is not None:
        _same_queue(there, want, owner)
        db.execute("UPDATE queue SET used_at = ? WHERE id = ?", (now_ms(), there.id))
        return state, name
    if want.name:
        _check_name("queue", name, method)
    arguments.check_queue(name, want.arguments)
    if want.arguments.get("x-queue-type") == "quorum":
        arguments.check_quorum(
            name, durable=want.durable, exclusive=want.exclusive, auto_delete=want.auto_delete
        )
    holder = owner if want.exclusive else 0
    row = (name, want.durable, want.auto_delete, holder, codec.encode(want.arguments), now_ms())
    number = db.execute(ADD_QUEUE, row).lastrowid
    changed(db)
    return state.with_queue(Queue.read((number, *row))), name


def _same_queue(there: Queue, want: Wanted, owner: int) -> None:
    method = errors.QUEUE_DECLARE
    if there.exclusive != (owner if want.exclusive else 0):
        raise errors.locked(there.name, method)
    for key, old, new in (
        ("durable", there.durable, want.durable),
        ("auto_delete", there.auto_delete, want.auto_delete),
    ):
        arguments.compare_property("queue", there.name, key, flag(old), flag(new), method)
    names = (
        *arguments.QUEUE_ARGUMENTS,
        *(key for key in want.arguments if key not in arguments.QUEUE_ARGUMENTS),
    )
    arguments.compare("queue", there.name, there.arguments, want.arguments, method, names)


def counts(db: sqlite3.Connection, queue_id: int) -> tuple[int, int]:
    """How many messages are ready in a queue, and how many consumers it has."""
    ready = db.execute(READY_COUNT, (queue_id,)).fetchone()[0]
    consumers = db.execute("SELECT count(*) FROM consumer WHERE queue = ?", (queue_id,)).fetchone()[0]
    return ready, consumers


def delete_queue(db: sqlite3.Connection, there: Queue, *, if_unused: bool, if_empty: bool) -> int:
    """Delete a queue with all that is in it; give the number of ready messages."""
    ready, consumers = counts(db, there.id)
    where = f"queue '{there.name}' in vhost '{errors.VHOST}'"
    if there.quorum and (if_unused or if_empty):
        kind = "if-empty" if if_empty else "if-unused"
        raise errors.not_implemented(
            f"cannot delete {where}. queue.delete operations with {kind} flag set are not"
            " supported by quorum queues",
            errors.QUEUE_DELETE,
        )
    if if_unused and consumers:
        raise errors.precondition(f"{where} in use", errors.QUEUE_DELETE)
    if if_empty and ready:
        raise errors.precondition(f"{where} not empty", errors.QUEUE_DELETE)
    remove_queue(db, there.id)
    changed(db)
    return ready


def remove_queue(db: sqlite3.Connection, queue_id: int) -> None:
    """Delete the rows of a queue; auto-delete exchanges that lose their last binding go with it."""
    db.execute("DELETE FROM message WHERE id IN (SELECT id FROM entry WHERE queue = ?)", (queue_id,))
    for table in ("entry", "consumer"):
        db.execute(f"DELETE FROM {table} WHERE queue = ?", (queue_id,))
    sources = {source for (source,) in db.execute("SELECT source FROM binding WHERE queue = ?", (queue_id,))}
    db.execute("DELETE FROM binding WHERE queue = ?", (queue_id,))
    db.execute("DELETE FROM queue WHERE id = ?", (queue_id,))
    for source in sources:
        _drop_unbound(db, source)


def purge(db: sqlite3.Connection, there: Queue) -> int:
    """Delete what is ready in a queue; give how many that were."""
    ready, _ = counts(db, there.id)
    mine = "SELECT id FROM entry WHERE queue = ? AND owner = 0"
    db.execute(f"DELETE FROM message WHERE id IN ({mine})", (there.id,))
    db.execute("DELETE FROM entry WHERE queue = ? AND owner = 0", (there.id,))
    return int(ready)


def bind(db: sqlite3.Connection, state: Topology, there: Queue, source: str, key: str) -> Topology:
    """Bind a queue to an exchange; idempotent; give what follows."""
    find_exchange(state, source, errors.QUEUE_BIND)
    if not db.execute("INSERT OR IGNORE INTO binding VALUES (?, ?, ?)", (source, key, there.id)).rowcount:
        return state
    changed(db)
    return state.with_binding(source, key, there.id)


def unbind(db: sqlite3.Connection, state: Topology, name: str, source: str, key: str) -> None:
    """Remove a binding; what isn't there is no error."""
    there = state.queues.get(name)
    if there is None:
        return
    row = (source, key, there.id)
    if db.execute("DELETE FROM binding WHERE source = ? AND key = ? AND queue = ?", row).rowcount:
        _drop_unbound(db, source)
        changed(db)


def _drop_unbound(db: sqlite3.Connection, source: str) -> None:
    unbound = "NOT EXISTS (SELECT 1 FROM binding WHERE source = ?)"
    db.execute(f"DELETE FROM exchange WHERE name = ? AND auto_delete AND {unbound}", (source, source))


def add_consumer(
    db: sqlite3.Connection,
    state: Topology,
    there: Queue,
    consumer: tuple[int, int, str],
    *,
    exclusive: bool,
) -> Topology:
    """Start a consumer, known by owner, channel and tag; give what follows.

    Unless somebody has the queue for himself. Quorum queues don't enforce that.
    """
    others = db.execute("SELECT max(exclusive) FROM consumer WHERE queue = ?", (there.id,)).fetchone()[0]
    if not there.quorum and (others or (exclusive and others is not None)):
        text = f"queue '{there.name}' in vhost '{errors.VHOST}' in exclusive use"
        raise errors.refused(text, errors.BASIC_CONSUME)
    db.execute("INSERT INTO consumer VALUES (?, ?, ?, ?, ?)", (*consumer, there.id, exclusive))
    changed(db)
    return state.with_consumer(there.id, consumer[0])


def remove_consumer(db: sqlite3.Connection, state: Topology, owner: int, channel: int, tag: str) -> None:
    """End a consumer; an auto-delete queue goes with its last one."""
    key = (owner, channel, tag)
    found = db.execute(
        "SELECT queue FROM consumer WHERE owner = ? AND channel = ? AND tag = ?", key
    ).fetchone()
    if found is None:
        return
    db.execute("DELETE FROM consumer WHERE owner = ? AND channel = ? AND tag = ?", key)
    _after_last(db, state.by_id.get(found[0]))
    changed(db)


def _after_last(db: sqlite3.Connection, there: Queue | None) -> None:
    if there is None or db.execute("SELECT 1 FROM consumer WHERE queue = ?", (there.id,)).fetchone():
        return
    if there.auto_delete:
        remove_queue(db, there.id)
    elif there.expires is not None:
        db.execute("UPDATE queue SET used_at = ? WHERE id = ?", (now_ms(), there.id))


def remove_owner(db: sqlite3.Connection, state: Topology, owner: int) -> None:
    """End the consumers of an owner, and delete the queues that only it could use."""
    for channel, tag in db.execute("SELECT channel, tag FROM consumer WHERE owner = ?", (owner,)).fetchall():
        remove_consumer(db, state, owner, channel, tag)
    for (queue_id,) in db.execute("SELECT id FROM queue WHERE exclusive = ?", (owner,)).fetchall():
        remove_queue(db, queue_id)
        changed(db)


def remove_expired(db: sqlite3.Connection, state: Topology) -> None:
    """Delete the queues with x-expires that nobody consumed, declared or looked into for that long."""
    now = now_ms()
    for there in state.by_id.values():
        if there.expires is None or there.id in state.consumers:
            continue
        used = db.execute("SELECT used_at FROM queue WHERE id = ?", (there.id,)).fetchone()
        if used and used[0] + there.expires < now:
            remove_queue(db, there.id)
            changed(db)


def _check_name(kind: str, name: str, method: Method) -> None:
    if name.startswith(RESERVED):
        raise errors.refused(f"{kind} name '{name}' contains reserved prefix 'amq.*'", method)
    if len(name.encode()) > SHORTSTR:
        raise errors.precondition(f"{kind} name '{name[:40]}...' is longer than {SHORTSTR} bytes", method)
