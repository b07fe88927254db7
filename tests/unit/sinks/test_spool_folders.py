"""Whose folders of a spool are, and what stands in them."""

import os
from pathlib import Path

import pytest

from ebats.runner.sinks.elastic.bulk import ids, items_in
from ebats.runner.sinks.elastic.folders import Folders
from ebats.runner.sinks.elastic.spool import Spool
from tests.spools import drain, some


def test_runners_have_a_folder_each_and_take_what_the_dead_left(tmp_path: Path) -> None:
    first, second = Folders(tmp_path, 10**9), Folders(tmp_path, 10**9)
    first.own.append(some(3))
    second.own.append(some(2, 3))
    assert (first.own.folder.name, second.own.folder.name) == ("0", "1")
    assert first.orphan() is None
    second.own.close()
    orphan = first.orphan()
    assert orphan
    assert drain(orphan) == [3, 4]
    orphan.close()
    assert first.orphan() is None
    third = Folders(tmp_path, 10**9)
    assert third.own.folder.name == "1"
    for folders in (first, third):
        folders.own.close()


def test_a_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    if os.geteuid():
        pytest.skip("changing a folder's owner needs root")
    os.chown(tmp_path, 12345, -1)
    with pytest.raises(PermissionError, match="somebody else's"):
        Spool(tmp_path, 10**9).open()


def test_ids_are_for_urls_and_never_the_same() -> None:
    found = [*ids(1000), *ids(1000)]
    assert len({*found}) == 2000
    assert all(len(each) == 20 and each.replace(b"-", b"").replace(b"_", b"").isalnum() for each in found)


def test_items_are_found_among_rubbish() -> None:
    good = some(3)
    data = good[0] + b"\0\0\0\n" + good[1] + good[2][:30] + b"\n" + good[2]
    items, damaged = items_in(data)
    assert items == good
    assert damaged == 2
