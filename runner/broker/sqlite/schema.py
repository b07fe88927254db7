"""The tables, and how a database is made, recognised and refused."""

import sqlite3
from pathlib import Path

from ebats.runner.broker.sqlite import errors, files
from ebats.runner.broker.sqlite.files import Files

APPLICATION_ID = 0x65626174  # "ebat"
VERSION = 1

# `entry` is the queue itself, one narrow b-tree: (queue, owner, id). Owner 0 is ready, a positive one has the
# message leased, a negative one holds it for a dead letter exchange that can't place it (see expiry.py). So
# claiming and acknowledging never touch the content, and the depth of a backlog doesn't matter.
TABLES = """
CREATE TABLE meta(k TEXT PRIMARY KEY, v INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE exchange(name TEXT PRIMARY KEY, type TEXT NOT NULL, durable INTEGER NOT NULL,
  auto_delete INTEGER NOT NULL, internal INTEGER NOT NULL, arguments BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE queue(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, durable INTEGER NOT NULL,
  auto_delete INTEGER NOT NULL, exclusive INTEGER NOT NULL, arguments BLOB NOT NULL,
  used_at INTEGER NOT NULL);
CREATE TABLE binding(source TEXT NOT NULL, key TEXT NOT NULL, queue INTEGER NOT NULL,
  PRIMARY KEY(source, key, queue)) WITHOUT ROWID;
CREATE TABLE owner(id INTEGER PRIMARY KEY AUTOINCREMENT, pid INTEGER NOT NULL);
CREATE TABLE consumer(owner INTEGER NOT NULL, channel INTEGER NOT NULL, tag TEXT NOT NULL,
  queue INTEGER NOT NULL, exclusive INTEGER NOT NULL, PRIMARY KEY(owner, channel, tag)) WITHOUT ROWID;
CREATE TABLE message(id INTEGER PRIMARY KEY, exchange TEXT NOT NULL, key TEXT NOT NULL, meta BLOB NOT NULL,
  body BLOB NOT NULL);
CREATE TABLE entry(queue INTEGER NOT NULL, owner INTEGER NOT NULL, id INTEGER NOT NULL,
  deliveries INTEGER NOT NULL, expires INTEGER, PRIMARY KEY(queue, owner, id)) WITHOUT ROWID;
CREATE INDEX entry_due ON entry(expires) WHERE owner = 0 AND expires IS NOT NULL;
CREATE INDEX entry_held ON entry(expires) WHERE owner < 0;
"""
PREDECLARED = [("amq.direct", "direct"), ("amq.fanout", "fanout"), ("amq.topic", "topic")]


def open_database(where: Files) -> sqlite3.Connection:
    """Open the database, making it if there is none. Call with the writer mutex held.

    Raises InternalError for a file that is damaged, cut off, or not one of ours; ResourceError or
    ConnectionForced for what may pass.
    """
    _make_file(where)
    db = sqlite3.connect(
        where.database, timeout=5, isolation_level=None, check_same_thread=False, cached_statements=256
    )
    try:
        _settle(db, where)
    except sqlite3.DatabaseError as error:
        db.close()
        raise errors.explain(where.database, error) from error
    except BaseException:
        db.close()
        raise
    return db


def _make_file(where: Files) -> None:
    """Make an empty private file for a new database; notice one that was emptied."""
    try:
        size = Path(where.database).stat().st_size
    except FileNotFoundError:
        Path(where.marker).unlink(missing_ok=True)
        Path(where.wal).unlink(missing_ok=True)  # of a database that was deleted
        files.create_private(where.database)
        return
    if size == 0 and Path(where.marker).exists():
        raise errors.unusable(
            f"{where.database} was emptied: its messages are lost; {errors.to_do(where.database)}"
        )


def _settle(db: sqlite3.Connection, where: Files) -> None:
    blank = (
        not Path(where.marker).exists() and not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    )
    if blank:
        db.execute("PRAGMA auto_vacuum = INCREMENTAL")
    db.execute("PRAGMA busy_timeout = 5000")
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA wal_autocheckpoint = 0")
    db.execute("PRAGMA journal_size_limit = 67108864")
    db.execute("PRAGMA temp_store = MEMORY")
    db.execute("PRAGMA fullfsync = ON")  # macOS: fsync alone leaves it in the drive
    db.execute("PRAGMA cache_size = -4096")
    if blank:
        _create(db)
    if not Path(where.marker).exists() and _is_ours(db):
        files.create_private(where.marker)
    _check(db, where)


def _is_ours(db: sqlite3.Connection) -> bool:
    return bool(db.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID)


def _create(db: sqlite3.Connection) -> None:
    db.execute("PRAGMA synchronous = FULL")
    db.execute("BEGIN IMMEDIATE")
    for statement in TABLES.split(";"):
        if statement.strip():
            db.execute(statement)
    db.execute("INSERT INTO meta VALUES ('topology', 1)")
    db.executemany("INSERT INTO exchange VALUES (?, ?, 1, 0, 0, x'80')", PREDECLARED)
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    db.execute(f"PRAGMA user_version = {VERSION}")
    db.execute("COMMIT")


def _check(db: sqlite3.Connection, where: Files) -> None:
    """Refuse a database of somebody else, of another version, or shorter than it says."""
    if not _is_ours(db):
        raise errors.unusable(
            f"{where.database} is a database, but not one of ebats; name another file in the URL"
        )
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version != VERSION:
        raise errors.unusable(
            f"{where.database} was written by another version of ebats (format {version});"
            " run that version, or name another file in the URL"
        )
    _check_length(db, where)


def _check_length(db: sqlite3.Connection, where: Files) -> None:
    # Pages that are only in the log may lie beyond the end of the file, so move them there first: without
    # waiting for those who read, who may be stuck.
    try:
        _, logged, moved = db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    except sqlite3.OperationalError as error:
        if errors.is_full(error):
            return
        raise
    pages, size = (db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
    if logged == moved and Path(where.database).stat().st_size < pages * size:
        raise errors.unusable(
            f"{where.database} is cut off: some of its {pages * size} bytes are missing;"
            f" {errors.to_do(where.database)}"
        )
