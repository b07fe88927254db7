import os
import stat
from pathlib import Path

import pytest
from amqp.exceptions import InvalidPath

from ebats.runner.broker.sqlite import files
from ebats.runner.broker.sqlite.files import MIB, Files


@pytest.mark.parametrize("path", ["", "/", ":memory:"])
def test_a_url_without_a_file_is_refused(path: str) -> None:
    with pytest.raises(InvalidPath, match="a file is needed"):
        files.locate(path)


def test_a_file_in_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidPath, match=r"x\.db: its folder does not exist"):
        files.locate(f"{tmp_path}/missing/x.db")


def test_a_folder_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(InvalidPath, match="is a folder"):
        files.locate(str(tmp_path))


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "9p", "fuse.sshfs"])
def test_a_network_file_system_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr(files, "file_system", lambda _: kind)
    with pytest.raises(InvalidPath, match=f"network file system \\({kind}\\)"):
        files.prepare(Files(f"{tmp_path}/x.db"))


@pytest.mark.parametrize("kind", ["ext4", "overlay", "tmpfs", "fuseblk", ""])
def test_a_local_file_system_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr(files, "file_system", lambda _: kind)
    where = Files(f"{tmp_path}/x.db")
    files.prepare(where)
    assert stat.S_IMODE(Path(where.folder).stat().st_mode) == 0o700


@pytest.mark.skipif(not Path("/proc/self/mountinfo").exists(), reason="only Linux tells")
def test_the_file_system_of_a_path_is_that_of_its_deepest_mount() -> None:
    assert files.file_system("/proc/self") == "proc"
    assert files.file_system("/procession") != "proc"


def test_the_reserve_fits_a_small_disk_and_is_bounded_on_a_large_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = os.statvfs_result((4096, 4096, 16384, 16384, 16384, 1, 1, 1, 0, 255))  # 64 MiB
    large = os.statvfs_result((4096, 4096, 2**30, 2**30, 2**30, 1, 1, 1, 0, 255))
    monkeypatch.setattr(os, "statvfs", lambda _: small)
    room = files.room_for(Files(f"{tmp_path}/x.db"))
    assert room.log * 2 <= room.ballast < room.workers < room.publishers < 64 * MIB / 4
    monkeypatch.setattr(os, "statvfs", lambda _: large)
    assert files.room_for(Files(f"{tmp_path}/x.db")).publishers == 64 * MIB


def test_the_ballast_is_made_once_and_given_up_once(tmp_path: Path) -> None:
    where = Files(f"{tmp_path}/x.db")
    files.prepare(where)
    room = files.Room(publishers=0, workers=0, ballast=MIB)
    files.keep_ballast(where, room)
    assert Path(where.ballast).stat().st_blocks * 512 >= MIB  # really there, not a hole
    assert files.drop_ballast(where)
    assert not files.drop_ballast(where)
