"""The file sink: private, rotated, valid JSON lines also after a full disk, a kill, a removed folder."""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from loguru import logger

from ebats.pipelines.sink import FileSink
from ebats.runner.execution.record import Line
from ebats.runner.sinks.exposure import Exposures
from ebats.runner.sinks.file import File
from ebats.runner.sinks.setting import Setting
from ebats.runner.sinks.sink import SinkError
from tests.records import numbered, write_all

IS_ROOT_ON_LINUX = sys.platform == "linux" and os.geteuid() == 0


def sink(path: Path, rotation: int | None = None, retention: int | None = None) -> File:
    sink = FileSink(name="history", path=str(path), rotation=rotation, retention=retention)
    return File(sink, Exposures(sink.exposure), Setting(pipeline="shop", folder="/"))


def ids(*paths: Path) -> list[str]:
    """Return the ids in these files; fails where a line isn't JSON."""
    return [json.loads(line)["id"] for path in paths for line in path.read_text().splitlines()]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of 64 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_lines_are_appended_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "shop.jsonl"
    path.write_text('{"id":"before"}\n')
    file = sink(path)
    lines = numbered(3, text="订单 {0} <red> \n\x1b")
    file.write(lines[:1])
    file.write(lines[1:])
    assert path.read_bytes() == b'{"id":"before"}\n' + b"".join(line.json + b"\n" for line in lines)
    file.close()


def test_a_file_is_its_owners_only_and_so_is_a_folder_made_for_it(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "deep" / "shop.jsonl"
    file = sink(path)
    file.write(numbered(1))
    file.close()
    assert [stat.S_IMODE(p.stat().st_mode) for p in (path, path.parent, path.parent.parent)] == [
        0o600,
        0o700,
        0o700,
    ]


def test_nothing_is_opened_before_the_first_record(tmp_path: Path) -> None:
    sink(tmp_path / "logs" / "shop.jsonl").close()
    assert not (tmp_path / "logs").exists()


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("")
    (tmp_path / "shop.jsonl").symlink_to(tmp_path / "secret")
    with pytest.raises(SinkError) as caught:
        sink(tmp_path / "shop.jsonl").write(numbered(2))
    assert len(caught.value.rest) == 2
    assert (tmp_path / "secret").read_text() == ""


def test_braces_in_a_path_mean_themselves(tmp_path: Path) -> None:
    path = tmp_path / "{time}" / "shop{0}.jsonl"
    file = sink(path)
    file.write(numbered(1))
    file.close()
    assert ids(path) == ["0"]


def test_files_rotate_by_size_and_the_oldest_are_removed(tmp_path: Path) -> None:
    path = tmp_path / "shop.jsonl"
    lines = numbered(400)
    file = sink(path, rotation=4000, retention=3)
    for start in range(0, 400, 50):
        file.write(lines[start : start + 50])
    file.close()
    rotated = sorted(tmp_path.glob("shop.*.jsonl"))
    assert len(rotated) == 3
    assert all(0 < p.stat().st_size <= 4000 for p in [*rotated, path])
    kept = ids(*rotated, path)
    assert kept == [str(number) for number in range(400 - len(kept), 400)]


def test_without_retention_all_rotated_files_stay(tmp_path: Path) -> None:
    path = tmp_path / "shop.jsonl"
    file = sink(path, rotation=4000)
    file.write(numbered(400))
    file.close()
    assert sorted(ids(*tmp_path.iterdir()), key=int) == [str(number) for number in range(400)]


def test_retention_leaves_files_of_the_like_name_alone(tmp_path: Path) -> None:
    others = [tmp_path / name for name in ("shop.eu.jsonl", "shop.2025.jsonl", "shop.jsonl.bak")]
    for other in others:
        other.write_text("")
        os.utime(other, (0, 0))
    file = sink(tmp_path / "shop.jsonl", rotation=2000, retention=1)
    file.write(numbered(200))
    file.close()
    assert all(other.exists() for other in others)
    assert len([p for p in tmp_path.iterdir() if re.search(r"_\d{6}", p.name)]) == 1


def test_a_record_larger_than_a_whole_file_leaves_no_empty_one(tmp_path: Path) -> None:
    file = sink(tmp_path / "shop.jsonl", rotation=1000)
    file.write(numbered(3, text="x" * 5000))
    file.close()
    assert sorted(len(ids(path)) for path in tmp_path.iterdir()) == [1, 1, 1]


def test_a_removed_folder_is_made_again(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "shop.jsonl"
    file = sink(path)
    file.write(numbered(1))
    shutil.rmtree(path.parent)
    file.write(numbered(1, start=1))
    file.close()
    assert ids(path) == ["1"]
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_file_that_was_moved_away_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "shop.jsonl"
    file = sink(path)
    file.write(numbered(1))
    path.rename(tmp_path / "moved")
    file.write(numbered(1, start=1))
    file.close()
    assert (ids(tmp_path / "moved"), ids(path)) == (["0"], ["1"])


def test_a_line_torn_by_a_kill_does_not_spoil_the_next(tmp_path: Path) -> None:
    path = tmp_path / "shop.jsonl"
    path.write_text('{"id":"who')
    file = sink(path)
    file.write(numbered(2))
    file.close()
    torn, *whole = path.read_text().splitlines()
    assert torn == '{"id":"who'
    assert [json.loads(line)["id"] for line in whole] == ["0", "1"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /dev/full")
def test_a_device_that_is_always_full_keeps_all_lines() -> None:
    file = sink(Path("/dev/full"))
    lines = numbered(100)
    for _ in range(2):
        with pytest.raises(SinkError, match="No space left on device") as caught:
            file.write(lines)
        assert caught.value.rest == lines


@pytest.mark.skipif(not IS_ROOT_ON_LINUX, reason="only root can mount a small disk")
@pytest.mark.parametrize("at_once", [7, 5000])
def test_after_a_full_disk_each_line_is_there_once_and_whole(small_disk: Path, at_once: int) -> None:
    path = small_disk / "shop.jsonl"
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 30_000)
    file = sink(path)
    todo = numbered(200)
    failures: list[str] = []
    while todo:
        batch = todo[:at_once]
        try:
            file.write(batch)
            rest: list[Line] = []
        except SinkError as failure:
            rest = failure.rest
            failures.append(str(failure))
            ballast.unlink(missing_ok=True)
        # Also while it is full, what is there is valid.
        assert ids(path) == [str(number) for number in range(len(ids(path)))]
        todo = rest + todo[at_once:]
    file.close()
    assert failures == ["[Errno 28] No space left on device"] * len(failures) != []
    assert ids(path) == [str(number) for number in range(200)]


def test_a_folder_that_may_not_be_written_is_an_error_that_keeps_the_lines(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file is in the way")
    file = sink(tmp_path / "logs" / "shop.jsonl")
    lines = numbered(2)
    with pytest.raises(SinkError) as caught:
        file.write(lines)
    assert caught.value.rest == lines
    (tmp_path / "logs").unlink()
    file.write(lines)
    file.close()
    assert ids(tmp_path / "logs" / "shop.jsonl") == ["0", "1"]


def test_several_runners_share_a_file_and_its_rotation(tmp_path: Path) -> None:
    path = tmp_path / "shop.jsonl"
    starts = range(0, 6000, 1000)

    def write(start: int) -> None:
        file = sink(path, rotation=3_000)
        for number in range(start, start + 500, 10):
            write_all(file, numbered(10, start=number))
        file.close()

    threads = [threading.Thread(target=write, args=(start,)) for start in starts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    written = sorted(ids(*tmp_path.iterdir()), key=int)
    assert written == [str(number) for start in starts for number in range(start, start + 500)]


def test_a_pipeline_that_uses_loguru_itself_has_its_own(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "shop.jsonl"
    file = sink(path)
    heard: list[str] = []
    handler = logger.add(heard.append, level=0)
    try:
        file.write(numbered(1))
        logger.info("the pipeline's own line")
        logger.remove(handler)
        file.write(numbered(1, start=1))
    finally:
        file.close()
    assert ids(path) == ["0", "1"]
    assert len(heard) == 1
