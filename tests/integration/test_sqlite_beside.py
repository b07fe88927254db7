"""A file beside the embedded broker's database that goes while that is opened: all who have it see it."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ebats.runner.broker.sqlite import schema
from ebats.runner.broker.sqlite.files import Files
from ebats.runner.broker.sqlite.store import Store

GONE = "was deleted while it was in use"
OPEN = schema.open_database
LOOK = "SELECT count(*) FROM queue"


def delete_after_opening(times: int) -> Callable[[Files], sqlite3.Connection]:
    """Return what opens a database, and the first times loses its -shm before it is back."""
    left = [times]

    def open_database(where: Files) -> sqlite3.Connection:
        found = OPEN(where)
        if left[0]:
            left[0] -= 1
            Path(where.shm).unlink()
        return found

    return open_database


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "shop.db")


def test_what_goes_while_another_handle_is_opened_is_missed_by_the_first(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Store(path)
    monkeypatch.setattr(schema, "open_database", delete_after_opening(1))

    with pytest.raises(Exception, match=GONE):
        Store(path)
    with pytest.raises(Exception, match=GONE):
        first.read(LOOK)

    # When it has let go, all is well again
    first.close()
    _check_works(Store(path))


def test_what_goes_while_the_only_handle_is_opened_is_made_again(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "open_database", delete_after_opening(1))
    store = Store(path)
    assert Path(store.files.shm).exists()
    _check_works(store)


def _check_works(store: Any) -> None:
    assert store.read(LOOK) == [(0,)]
    store.close()
