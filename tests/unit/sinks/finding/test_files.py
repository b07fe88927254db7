"""Records found in log files that rotate, are packed, are torn, and go on."""

import gzip
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ebats.pipelines.sink import FileSink
from ebats.runner.execution.record import encode, utc
from ebats.runner.sinks.exposure import Exposures
from ebats.runner.sinks.file import File
from ebats.runner.sinks.finding.files import Files
from ebats.runner.sinks.finding.search import Search
from ebats.runner.sinks.finding.source import SourceError
from tests.kept import SETTING, Following, KeptInFile, file_sink
from tests.records import NOON, execution
from tests.waiting import wait_until

ALL = Search(pipeline="shop")


@pytest.fixture
def follow(tmp_path: Path) -> Iterator[Following]:
    """Follow the file of the test, which isn't there yet."""
    following = Following(Files(str(tmp_path / "shop.jsonl")), ALL)
    yield following
    following.end()


def ids(source: Files, search: Search = ALL) -> list[str | None]:
    return [found.record.id for found in source.find(search)]


def writer(sink: FileSink) -> File:
    return File(sink, Exposures(sink.exposure), SETTING)


def rotated_file(folder: Path, number: int, records: range, *, packed: bool = False) -> Path:
    """Make the file of that day of January with these records, one a second, last changed when it says."""
    name = f"shop.2026-01-0{number}_12-00-00_000000.jsonl"
    lines = [encode(execution(id=str(one), time=utc(NOON + one))).json + b"\n" for one in records]
    path = folder / (name + ".gz" if packed else name)
    path.write_bytes(gzip.compress(b"".join(lines)) if packed else b"".join(lines))
    os.utime(path, (NOON + records[-1], NOON + records[-1]))
    return path


def test_rotated_and_packed_files_are_read_in_the_order_of_time(tmp_path: Path) -> None:
    rotated_file(tmp_path, 1, range(10), packed=True)
    rotated_file(tmp_path, 2, range(10, 20))
    KeptInFile(file_sink(tmp_path)).put(
        [execution(id=str(one), time=utc(NOON + one)) for one in range(20, 30)]
    )
    source = Files(str(tmp_path / "shop.jsonl"))
    assert ids(source) == [str(number) for number in range(30)]
    assert ids(source, Search(pipeline="shop", limit=15)) == [str(number) for number in range(15, 30)]
    since = Search(pipeline="shop", since=NOON + 8, limit=1000)
    assert ids(source, since) == [str(number) for number in range(8, 30)]
    assert [*source.notes()] == []


def test_files_that_can_not_have_it_are_not_even_read(tmp_path: Path) -> None:
    # Given one that nobody could unpack
    spoiled = rotated_file(tmp_path, 1, range(10))
    spoiled.rename(packed := spoiled.with_name(spoiled.name + ".gz"))
    os.utime(packed, (NOON, NOON))
    KeptInFile(file_sink(tmp_path)).put(
        [execution(id=str(one), time=utc(NOON + 60 + one)) for one in range(9)]
    )
    source = Files(str(tmp_path / "shop.jsonl"))
    assert len(ids(source, Search(pipeline="shop", limit=5))) == 5
    assert len(ids(source, Search(pipeline="shop", since=NOON + 30))) == 9
    assert [*source.notes()] == []
    # It says so where it has to be read.
    assert len(ids(source)) == 9
    (note,) = source.notes()
    assert note.startswith(f"{packed} can't be unpacked to its end")


def test_a_packed_file_that_is_cut_gives_what_it_has(tmp_path: Path) -> None:
    path = rotated_file(tmp_path, 1, range(2000), packed=True)
    path.write_bytes(path.read_bytes()[:-100])
    source = Files(str(tmp_path / "shop.jsonl"))
    assert ids(source)[:100] == [str(number) for number in range(100)]
    assert any("can't be unpacked" in note for note in source.notes())


def test_records_of_several_runners_that_stand_out_of_order_are_put_in_order(tmp_path: Path) -> None:
    order = [5, 0, 1, 6, 7, 2, 3, 4]
    KeptInFile(file_sink(tmp_path)).put([execution(id=str(one), time=utc(NOON + one)) for one in order])
    source = Files(str(tmp_path / "shop.jsonl"))
    assert ids(source) == [str(number) for number in range(8)]
    assert ids(source, Search(pipeline="shop", limit=3)) == ["5", "6", "7"]


def test_lines_that_are_no_whole_records_are_left_out_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "shop.jsonl"
    line = encode(execution()).json
    path.write_bytes(line + b"\n" + line[:50] + b"\n" + b'{"id":"other"}\n' + line + b"\n\n" + line[:-1])
    source = Files(str(path))
    assert ids(source) == ["FB138", "FB138"]
    assert [*source.notes()] == [f"left out 3 lines of {path}: no whole record"]
    assert [*source.notes()] == []


def test_a_file_of_both_formats_is_read(tmp_path: Path) -> None:
    KeptInFile(file_sink(tmp_path)).put([execution(id="a")])
    KeptInFile(file_sink(tmp_path, format="ecs")).put([execution(id="b")])
    found = [*Files(str(tmp_path / "shop.jsonl")).find(ALL)]
    assert [(one.record.id, one.form) for one in found] == [("a", "json"), ("b", "ecs")]


def test_one_that_may_not_be_read_is_an_error_for_people(tmp_path: Path) -> None:
    (tmp_path / "shop.jsonl").mkdir()
    with pytest.raises(SourceError, match=r"can't read .*shop\.jsonl: Is a directory"):
        ids(Files(str(tmp_path / "shop.jsonl")))


# Following.


@pytest.mark.parametrize("compression", [None, "gz"])
def test_following_goes_on_over_any_number_of_rotations(
    tmp_path: Path, follow: Following, compression: str | None
) -> None:
    sink = file_sink(tmp_path, rotation=2000, compression=compression)
    with closing(writer(sink)) as file:
        for start in range(0, 600, 60):
            # About ten files between two looks
            file.write([encode(execution(id=str(one))) for one in range(start, start + 60)])
            follow.wait_for(start + 1)
        follow.wait_for(600)
        if compression:
            wait_until(lambda: not [*tmp_path.glob("shop.2*.jsonl")], 30, "all are packed")
    follow.look_again()
    assert len(follow.found) == 600
    assert {*follow.ids()} == {str(number) for number in range(600)}


def test_a_line_is_followed_when_it_is_whole(tmp_path: Path, follow: Following) -> None:
    line = encode(execution()).json + b"\n"
    with (tmp_path / "shop.jsonl").open("ab", buffering=0) as file:
        file.write(line + line[:100])
        follow.wait_for(1)
        follow.look_again()
        assert len(follow.found) == 1
        file.write(line[100:])
        follow.wait_for(2)


def test_a_file_that_is_emptied_or_moved_away_is_followed(tmp_path: Path, follow: Following) -> None:
    path = tmp_path / "shop.jsonl"
    path.write_bytes(encode(execution(id="first, which is long")).json + b"\n")
    follow.wait_for(1)
    # As logrotate does with `copytruncate`
    os.truncate(path, 0)
    follow.look_again()
    KeptInFile(file_sink(tmp_path)).put([execution(id="2")])
    follow.wait_for(2)
    path.rename(tmp_path / "elsewhere")
    KeptInFile(file_sink(tmp_path)).put([execution(id="3")])
    follow.wait_for(3)
    assert follow.ids() == ["first, which is long", "2", "3"]
