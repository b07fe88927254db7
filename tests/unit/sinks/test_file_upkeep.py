"""The file sink's old files: rotated by time, packed beside the writing, kept so many or so long."""

import gzip
import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from ebats.pipelines.sink import FileSink
from ebats.runner.execution.record import utc
from ebats.runner.sinks.exposure import Exposures
from ebats.runner.sinks.file import File
from ebats.runner.sinks.lock import locked
from ebats.runner.sinks.packing import pack
from ebats.runner.sinks.rotated import Rotated, rotated
from ebats.runner.sinks.setting import Setting
from ebats.runner.sinks.sink import SinkError
from tests.records import numbered, write_all
from tests.waiting import wait_until

DAY_S = 86_400.0
OLD = "shop.2026-01-0{}_12-00-00_000000.jsonl"


def sink(path: Path, **settings: Any) -> File:
    sink = FileSink(name="history", path=str(path), **settings)
    return File(sink, Exposures(sink.exposure), Setting(pipeline="shop", folder="/"))


def ids(*paths: Path) -> list[str]:
    """Return the ids in these files, packed or not; fails where a line isn't JSON."""
    return [json.loads(line)["id"] for path in paths for line in _text(path).splitlines()]


def _text(path: Path) -> str:
    data = path.read_bytes()
    return (gzip.decompress(data) if path.suffix == ".gz" else data).decode()


def old_file(folder: Path, number: int, age_s: float = 0.0, packed: bool = False, lines: int = 10) -> Path:
    """Make a rotated file with the ids from ten times its number on, last written so long ago."""
    data = b"".join(line.json + b"\n" for line in numbered(lines, start=number * 10))
    path = folder / (OLD.format(number) + (".gz" if packed else ""))
    path.write_bytes(gzip.compress(data) if packed else data)
    written = time.time() - age_s
    os.utime(path, (written, written))
    return path


# Rotation by time.


def test_a_file_is_rotated_when_its_first_record_is_old_also_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "shop.jsonl"
    now = time.time()
    first = sink(path, rotation_s=3600.0)
    first.write(numbered(1, time=utc(now - 3000)))
    first.write(numbered(1, start=1))
    first.close()
    assert len(list(tmp_path.iterdir())) == 1
    # Given the same file half an hour later
    before, after = (utc(now - s).isoformat()[:-6] for s in (3000, 4000))
    path.write_text(path.read_text().replace(before, after))

    second = sink(path, rotation_s=3600.0)
    second.write(numbered(1, start=2, time=utc(now)))
    second.write(numbered(1, start=3, time=utc(now)))
    second.close()

    (old,) = tmp_path.glob("shop.2*.jsonl")
    assert (ids(old), ids(path)) == (["0", "1"], ["2", "3"])


def test_a_file_that_begins_with_something_else_is_no_trouble(tmp_path: Path) -> None:
    path = tmp_path / "shop.jsonl"
    path.write_text("not JSON\n")
    file = sink(path, rotation_s=3600.0)
    file.write(numbered(1))
    file.close()
    assert path.read_text().count("\n") == 2


def test_an_empty_file_is_never_rotated(tmp_path: Path) -> None:
    path = tmp_path / "shop.jsonl"
    path.touch()
    os.utime(path, (0, 0))
    file = sink(path, rotation_s=60.0)
    file.write(numbered(1))
    file.close()
    assert list(tmp_path.iterdir()) == [path]


# Retention.


def test_retention_by_age_goes_by_when_a_file_was_last_written(tmp_path: Path) -> None:
    old_file(tmp_path, 1, age_s=3 * DAY_S)
    old_file(tmp_path, 2, age_s=3 * DAY_S, packed=True)
    young = [old_file(tmp_path, 3, age_s=DAY_S), old_file(tmp_path, 4, age_s=DAY_S, packed=True)]
    other = tmp_path / "shop.eu.jsonl"
    other.touch()
    os.utime(other, (0, 0))

    # Without any rotation: the first record is enough.
    file = sink(tmp_path / "shop.jsonl", retention_s=2 * DAY_S)
    file.write(numbered(1))
    file.close()

    assert {*tmp_path.iterdir()} == {*young, other, tmp_path / "shop.jsonl"}


def test_retention_counts_packed_files_too(tmp_path: Path) -> None:
    files = [old_file(tmp_path, number, age_s=9 - number, packed=number % 2 == 0) for number in range(1, 7)]
    file = sink(tmp_path / "shop.jsonl", rotation=1_000_000, retention=3)
    file.write(numbered(1))
    file.close()
    assert {*tmp_path.iterdir()} == {*files[3:], tmp_path / "shop.jsonl"}


def test_one_that_can_not_be_removed_is_said_and_no_record_is_lost(tmp_path: Path) -> None:
    (tmp_path / OLD.format(1)).mkdir()
    os.utime(tmp_path / OLD.format(1), (0, 0))
    file = sink(tmp_path / "shop.jsonl", retention_s=DAY_S)
    with pytest.raises(SinkError, match=r"can't remove .*shop\.2026-01-01") as caught:
        file.write(numbered(2))
    assert (caught.value.rest, caught.value.lost) == ([], 0)
    file.close()
    assert ids(tmp_path / "shop.jsonl") == ["0", "1"]


# Compression.


def test_rotated_files_are_packed_and_hold_the_same_lines(tmp_path: Path) -> None:
    path = tmp_path / "shop.jsonl"
    file = sink(path, rotation=4000, compression="gz")
    for start in range(0, 200, 20):
        file.write(numbered(20, start=start))
    wait_until(lambda: not list(tmp_path.glob("shop.2*.jsonl")), 20, "all are packed")
    file.close()

    assert sorted(ids(*tmp_path.iterdir()), key=int) == [str(number) for number in range(200)]
    packed = list(tmp_path.glob("*.gz"))
    assert len(packed) >= 10
    assert {stat.S_IMODE(one.stat().st_mode) for one in packed} == {0o600}
    # In the order in which they were written
    assert [int(ids(one.path)[0]) for one in rotated(path)] == sorted(int(ids(one)[0]) for one in packed)


def test_what_an_earlier_run_left_is_packed_at_the_first_record(tmp_path: Path) -> None:
    old = old_file(tmp_path, 1, age_s=DAY_S)
    then = old.stat().st_mtime_ns
    file = sink(tmp_path / "shop.jsonl", rotation=1_000_000, compression="gz")
    file.write(numbered(1))
    packed = tmp_path / (old.name + ".gz")
    wait_until(lambda: not old.exists(), 20, "it is packed")
    file.close()
    assert ids(packed) == [str(number) for number in range(10, 20)]
    # As old as before: retention by age goes on.
    assert packed.stat().st_mtime_ns == then


def test_a_packer_killed_in_the_middle_leaves_the_plain_file_and_no_packed_one(tmp_path: Path) -> None:
    old = tmp_path / OLD.format(1)
    noise = [f'{{"id":"{os.urandom(50_000).hex()}"}}\n' for _ in range(400)]
    old.write_text("".join(noise))
    part = tmp_path / f"{old.name}.gz.part"
    code = (
        "import sys, threading; from pathlib import Path;"
        "from ebats.runner.sinks.packing import pack; from ebats.runner.sinks.rotated import Rotated;"
        "pack(Rotated(path=Path(sys.argv[1]), time_s=0), threading.Event())"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(old)]) as process:
        wait_until(lambda: part.exists() and part.stat().st_size > 0, 30, "it packs", every_s=0.002)
        process.send_signal(signal.SIGKILL)
    assert {*tmp_path.iterdir()} == {old, part}
    assert old.read_text() == "".join(noise)
    assert [file.path for file in rotated(tmp_path / "shop.jsonl")] == [old]

    # The next one does it again.
    file = sink(tmp_path / "shop.jsonl", compression="gz")
    file.write(numbered(1))
    wait_until(lambda: not old.exists() and not part.exists(), 30, "it is packed")
    file.close()
    assert _text(tmp_path / (old.name + ".gz")) == "".join(noise)


def test_one_killed_before_it_removed_the_plain_file_costs_and_repeats_nothing(tmp_path: Path) -> None:
    plain = old_file(tmp_path, 1)
    packed = old_file(tmp_path, 1, packed=True)
    assert [file.path for file in rotated(tmp_path / "shop.jsonl")] == [plain]
    assert pack(Rotated(path=plain, time_s=0), threading.Event())
    assert ids(*tmp_path.iterdir()) == [str(number) for number in range(10, 20)]
    assert packed.exists()


def test_a_packed_file_of_the_same_name_with_other_records_is_left_alone(tmp_path: Path) -> None:
    old_file(tmp_path, 1, packed=True, lines=3)
    plain = old_file(tmp_path, 1)
    assert pack(Rotated(path=plain, time_s=0), threading.Event())
    assert sorted(len(ids(path)) for path in tmp_path.iterdir()) == [3, 10]
    assert len(rotated(tmp_path / "shop.jsonl")) == 2


def test_half_a_file_whose_plain_one_is_gone_is_removed(tmp_path: Path) -> None:
    (tmp_path / (OLD.format(1) + ".gz.part")).write_bytes(b"half")
    file = sink(tmp_path / "shop.jsonl", compression="gz")
    file.write(numbered(1))
    wait_until(lambda: [*tmp_path.iterdir()] == [tmp_path / "shop.jsonl"], 20, "it is removed")
    file.close()


def test_what_can_not_be_packed_stays_and_is_said(tmp_path: Path) -> None:
    old = old_file(tmp_path, 1)
    (tmp_path / f"{old.name}.gz.part").mkdir()
    file = sink(tmp_path / "shop.jsonl", compression="gz")
    said: list[SinkError] = []

    def is_said() -> bool:
        try:
            file.write(numbered(1))
        except SinkError as error:
            said.append(error)
        return bool(said)

    wait_until(is_said, 20, "it is said")
    file.close()
    assert str(said[0]).startswith(f"can't compress {old}: ")
    assert said[0].rest == []
    assert len(ids(old)) == 10


def test_a_runner_that_packs_a_file_has_it_for_itself(tmp_path: Path) -> None:
    old = old_file(tmp_path, 1, lines=5000)
    done: list[bool] = []
    threads = [
        threading.Thread(target=lambda: done.append(pack(Rotated(path=old, time_s=0), threading.Event())))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done.count(True) == 1
    assert [*tmp_path.iterdir()] == [tmp_path / (old.name + ".gz")]
    assert len(ids(*tmp_path.iterdir())) == 5000


def test_a_file_that_is_written_to_meanwhile_is_not_removed(tmp_path: Path) -> None:
    old = old_file(tmp_path, 1)
    part = tmp_path / f"{old.name}.gz.part"
    done: list[bool] = []
    file = Rotated(path=old, time_s=0)
    thread = threading.Thread(target=lambda: done.append(pack(file, threading.Event())))
    with locked(tmp_path, 0) as held:
        # Given another runner that is in the middle of a write
        assert held
        thread.start()
        wait_until(lambda: part.exists() and part.stat().st_size > 0, 10, "it is compressed")
        with old.open("ab") as late:
            late.write(numbered(1, start=99)[0].json + b"\n")
    thread.join()
    assert done == [False]
    assert [*tmp_path.iterdir()] == [old]
    assert ids(old)[-1] == "99"


def test_several_runners_share_a_file_and_its_packing(tmp_path: Path) -> None:
    path = tmp_path / "shop.jsonl"
    starts = range(0, 4000, 1000)

    def write(start: int) -> None:
        file = sink(path, rotation=3_000, compression="gz")
        for number in range(start, start + 300, 10):
            write_all(file, numbered(10, start=number))
        file.close()

    threads = [threading.Thread(target=write, args=(start,)) for start in starts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    written = ids(path, *(file.path for file in rotated(path)))
    assert sorted(written, key=int) == [
        str(number) for start in starts for number in range(start, start + 300)
    ]
