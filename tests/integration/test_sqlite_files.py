"""The files of the embedded broker: private, bounded, and refused when they are damaged."""

import os
import sqlite3
import stat
from pathlib import Path

import kombu
import pytest
from amqp.exceptions import InternalError, InvalidPath

import ebats  # noqa: F401  (makes sqlite:/// known to kombu)
from tests.integration.wire import Wire


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "x.db"


def url(database: Path) -> str:
    return f"sqlite:///{database}"


def fill(database: Path, count: int = 200, size: int = 1000) -> None:
    wire = Wire(url(database))
    wire.queue("q")
    wire.send("q", *("x" * size for _ in range(count)))
    wire.close()


def test_only_the_owner_may_read_the_files(database: Path) -> None:
    old = os.umask(0)
    try:
        wire = Wire(url(database))
        wire.queue("q")
        wire.consume("q")
        paths = [*database.parent.glob("x.db*"), *database.parent.glob("x.db.d/*")]
    finally:
        os.umask(old)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in paths}
    wire.close()
    assert modes.pop("x.db.d") == 0o700
    assert set(modes) >= {"x.db", "x.db-wal", "x.db-shm", "lock", "owners", "1.wake"}
    assert set(modes.values()) == {0o600}


@pytest.mark.parametrize("path", ["", "/missing/folder/x.db"])
def test_a_path_that_can_hold_no_database_is_refused_at_once(path: str) -> None:
    with kombu.Connection(f"sqlite:///{path}") as connection, pytest.raises(InvalidPath):
        connection.connect()


def test_a_damaged_database_is_refused_and_left_as_it_is(database: Path) -> None:
    fill(database)
    content = bytearray(database.read_bytes())
    content[:100] = b"garbage!" * 12 + b"more"
    database.write_bytes(content)
    with pytest.raises(InternalError, match=r"x\.db can't be used: file is not a database"):
        Wire(url(database))
    assert database.read_bytes() == content


def test_a_database_that_is_cut_off_is_refused(database: Path) -> None:
    fill(database)
    os.truncate(database, database.stat().st_size // 2)
    with pytest.raises(InternalError, match=r"x\.db (is cut off|can't be used)"):
        Wire(url(database))


def test_a_database_that_was_emptied_is_refused_and_not_made_anew(database: Path) -> None:
    fill(database)
    os.truncate(database, 0)
    with pytest.raises(InternalError, match=r"x\.db was emptied: its messages are lost"):
        Wire(url(database))
    assert database.stat().st_size == 0


def test_damage_inside_is_an_error_and_not_silence(database: Path) -> None:
    fill(database, count=2000)
    with database.open("r+b") as file:
        file.seek(20_000)
        file.write(b"\xff" * (database.stat().st_size - 40_000))
    with kombu.Connection(url(database)) as connection, pytest.raises(InternalError, match="malformed"):
        connection.SimpleQueue("q").get(timeout=1)


def test_somebody_elses_database_is_refused_and_left_alone(database: Path) -> None:
    other = sqlite3.connect(database)
    other.execute("CREATE TABLE accounts(id)")
    other.commit()
    other.close()
    with pytest.raises(InternalError, match="not one of ebats"):
        Wire(url(database))
    other = sqlite3.connect(database)
    assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("accounts",)]
    other.close()


def test_a_database_of_another_version_is_refused(database: Path) -> None:
    fill(database, count=1)
    other = sqlite3.connect(database)
    other.execute("PRAGMA user_version = 99")
    other.close()
    with pytest.raises(InternalError, match=r"written by another version of ebats \(format 99\)"):
        Wire(url(database))


def test_a_deleted_database_is_made_anew(database: Path) -> None:
    fill(database, count=1)
    database.unlink()
    wire = Wire(url(database))
    wire.queue("q")
    assert wire.ready("q") == 0
    wire.close()


def test_the_log_stays_within_its_bound_while_somebody_is_connected(database: Path) -> None:
    wire = Wire(url(database))
    wire.queue("q")
    wire.consume("q", prefetch=500)
    log, largest = Path(f"{database}-wal"), 0
    for _ in range(30):
        wire.send("q", *("x" * 5000 for _ in range(200)))
        while len(wire.messages) < 200:
            wire.drain(1)
        wire.ack(wire.messages[-1], multiple=True)
        wire.messages.clear()
        largest = max(largest, log.stat().st_size)
    wire.close()
    assert largest < 16 * 1024 * 1024  # 30 MB went through
    assert database.stat().st_size < 30_000_000  # room is used again


def test_all_that_was_stored_is_there_after_a_clean_and_an_unclean_end(database: Path) -> None:
    fill(database, count=3)
    for _ in range(2):
        wire = Wire(url(database))
        assert wire.ready("q") == 3
        wire.connection.connection.collect()
    other = sqlite3.connect(database)
    assert other.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    other.close()
