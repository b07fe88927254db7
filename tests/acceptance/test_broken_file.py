"""An embedded broker's file that no waiting mends: `run`, `publish` and `status` say so, and end."""

import errno
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from ebats.pipelines.model import Broker
from ebats.runner.broker.connect import BrokerUnusable, connect
from ebats.runner.broker.sqlite import errors, files
from tests.commands import run_ebats
from tests.faults.site import Site
from tests.integration.wire import Wire


def _garbage(database: Path) -> None:
    database.write_bytes(b"no database" * 1000)


def _folder(database: Path) -> None:
    database.mkdir()


def _cut(database: Path) -> None:
    with closing(Wire(f"sqlite:///{database}")) as wire:
        wire.queue("q")
        wire.send("q", *("x" * 1000 for _ in range(200)))
    os.truncate(database, database.stat().st_size // 2)


def _others(database: Path) -> None:
    with closing(sqlite3.connect(database)) as other:
        other.execute("CREATE TABLE accounts(id)")
        other.commit()


def _no_room(database: Path) -> None:
    Path(f"{database}.d").write_text("")


FAULTS = [
    pytest.param(_garbage, "can't be used: file is not a database", "start anew", id="garbage"),
    pytest.param(_folder, "is a folder", "name a file in the URL", id="folder"),
    pytest.param(_cut, "", "start anew", id="cut"),
    pytest.param(_others, "not one of ebats", "name another file", id="others"),
    pytest.param(_no_room, "which is no folder", "move it away", id="no room"),
    pytest.param(lambda database: database.parent.rmdir(), "its folder does not exist", "make it", id="none"),
]


@pytest.mark.parametrize(("spoil", "text", "hint"), FAULTS)
def test_each_command_says_what_is_wrong_and_ends(
    make_site: Callable[[str], Site], tmp_path: Path, spoil: Callable[[Path], None], text: str, hint: str
) -> None:
    database = tmp_path / "data" / "broker.db"
    database.parent.mkdir()
    spoil(database)
    site = make_site(f"sqlite:///{database}")
    site.write_work()
    for words in (
        ("run", site.file),
        ("publish", site.file, "happened", "-d", "{}"),
        ("status", site.file),
    ):
        env = {"EBATS_STATE_DIR": str(tmp_path / "state")}
        result = run_ebats(*words, env=env, cwd=site.folder, timeout_s=40)
        assert result.returncode == 78, result.stderr
        last = result.stderr.splitlines()[-1]
        assert last.startswith(f"ebats: the embedded broker's file {database}")
        assert text in last
        assert hint in last


def test_a_network_file_system_is_not_waited_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "file_system", lambda _path: "nfs4")
    broker = Broker(urls=(f"sqlite:///{tmp_path}/x.db",))
    with pytest.raises(BrokerUnusable, match=r"x\.db is on a network file system \(nfs4\).* local disk"):
        connect(broker, lambda _level, _text: None)


def test_damage_that_shows_later_ends_a_publish(local_site: Site, tmp_path: Path) -> None:
    local_site.write_work()
    local_site.declare()
    with closing(sqlite3.connect(tmp_path / "broker.db")) as database:
        database.execute("DROP TABLE entry")
    result = run_ebats("publish", local_site.file, "happened", "-d", "{}", cwd=local_site.folder)
    assert result.returncode == 78, result.stderr
    assert "broker.db can't be used: no such table: entry" in result.stderr


def test_a_full_disk_and_a_locked_file_are_waited_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = OSError(errno.ENOSPC, "No space left on device")
    locked = errors.unavailable("x.db can't be written now: database is locked (SQLITE_BUSY)")
    failures = iter([full] * 4 + [locked] * 4)  # kombu tries twice by itself
    prepare = files.prepare

    def fail_at_first(where: files.Files) -> None:
        if failure := next(failures, None):
            raise failure
        prepare(where)

    monkeypatch.setattr(files, "prepare", fail_at_first)
    said: list[str] = []
    broker = Broker(urls=(f"sqlite:///{tmp_path}/x.db",))
    connection = connect(broker, lambda _level, text: said.append(text))
    assert connection is not None
    connection.close()
    assert "No space left" in said[0]
    assert "database is locked" in said[1]


@pytest.mark.parametrize(
    ("name", "lasts"),
    [
        ("SQLITE_NOTADB", True),
        ("SQLITE_CORRUPT", True),
        ("SQLITE_FULL", False),
        ("SQLITE_BUSY", False),
        ("SQLITE_LOCKED", False),
        ("SQLITE_IOERR_WRITE", False),
        ("SQLITE_NOMEM", False),
    ],
)
def test_what_lasts_is_told_from_what_passes(name: str, lasts: bool) -> None:
    error = sqlite3.OperationalError("no")
    error.sqlite_errorname = name
    assert bool(errors.lasting(errors.explain("/x.db", error))) is lasts
