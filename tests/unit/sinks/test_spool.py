"""The spool of the Elasticsearch sink: nothing lost, nothing twice, never over its bound."""

import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ebats.pipelines.sink import Batch
from ebats.runner.sinks.elastic.bulk import item
from ebats.runner.sinks.elastic.spool import InHand, Spool, SpoolError
from tests.disks import small_disk, stuff
from tests.spools import drain, some
from tests.waiting import wait_until

# Appends items one by one, and prints how many are in.
WRITER = """
import sys
from pathlib import Path
from ebats.runner.sinks.elastic.bulk import item
from ebats.runner.sinks.elastic.spool import Spool
spool = Spool(Path(sys.argv[1]), 10**9)
spool.open()
for number in range(10**9):
    spool.append([item("logs-ebats-x", b"%d" % number, b'{"n":%d,"pad":"%s"}' % (number, b"x" * 5000))])
    print(number, flush=True)
"""


@pytest.fixture
def open_spool(tmp_path: Path) -> Iterator[Callable[..., Spool]]:
    """Open the spool of the test's folder, as the next process would."""
    opened: list[Spool] = []

    def open_(most_bytes: int = 10**9, folder: Path | None = None) -> Spool:
        while opened:
            opened.pop().close()
        opened.append(Spool(folder or tmp_path / "0", most_bytes))
        assert opened[-1].open()
        return opened[-1]

    yield open_
    for spool in opened:
        spool.close()


def take(spool: Spool, records: int) -> InHand:
    hand = spool.take(Batch(records=records))
    assert hand
    return hand


def segments(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.ndjson"))


def test_what_is_put_in_comes_out_in_order_once(open_spool: Callable[..., Spool]) -> None:
    spool = open_spool()
    spool.append(some(10))
    spool.append(some(10, 10))
    assert drain(spool, Batch(records=7)) == list(range(20))
    assert spool.waiting == (0, 0)


def test_the_next_process_goes_on_where_this_one_was(open_spool: Callable[..., Spool]) -> None:
    spool = open_spool()
    spool.append(some(10))
    take(spool, 4)
    spool.settle()
    take(spool, 4)  # on its way when the process ends
    spool = open_spool()
    assert spool.waiting[0] == 6
    spool.append(some(2, 10))
    assert drain(spool) == [4, 5, 6, 7, 8, 9, 10, 11]


def test_a_segment_is_a_bulk_body(open_spool: Callable[..., Spool], tmp_path: Path) -> None:
    open_spool().append([item("logs-ebats-x", b"abc", b'{"n":1}')])
    text = (tmp_path / "0/00000001.ndjson").read_text()
    assert text == '{"create":{"_index":"logs-ebats-x","_id":"abc"}}\n{"n":1}\n'


def test_files_are_private(open_spool: Callable[..., Spool], tmp_path: Path) -> None:
    open_spool().append(some(1))
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "0").iterdir()}
    assert modes == {"00000001.ndjson": 0o600, "cursor": 0o600, "lock": 0o600}
    assert stat.S_IMODE((tmp_path / "0").stat().st_mode) == 0o700


def test_nothing_is_written_through_a_link(open_spool: Callable[..., Spool], tmp_path: Path) -> None:
    spool = open_spool()
    victim = tmp_path / "victim"
    (tmp_path / "0/00000001.ndjson").symlink_to(victim)
    with pytest.raises(SpoolError):
        spool.append(some(1))
    assert not victim.exists()


def test_what_is_settled_is_removed_from_the_disk(open_spool: Callable[..., Spool], tmp_path: Path) -> None:
    spool = open_spool(most_bytes=160_000)  # segments of 10,000
    for start in range(0, 100, 10):
        spool.append(some(10, start, size=500))
    assert len(segments(tmp_path / "0")) > 3
    assert drain(spool) == list(range(100))
    assert len(segments(tmp_path / "0")) == 1
    spool.close()
    assert segments(tmp_path / "0") == []


def test_at_the_bound_the_oldest_go_and_are_counted(open_spool: Callable[..., Spool], tmp_path: Path) -> None:
    spool = open_spool(most_bytes=100_000)
    for start in range(0, 1000, 10):
        spool.append(some(10, start, size=500))
        assert sum(path.stat().st_size for path in (tmp_path / "0").glob("*.ndjson")) <= 100_000
    overflowed = spool.counts.overflowed
    assert 0 < overflowed < 1000
    assert drain(spool) == list(range(overflowed, 1000))


def test_what_is_on_its_way_when_its_segment_goes_is_not_overflowed(open_spool: Callable[..., Spool]) -> None:
    spool = open_spool(most_bytes=100_000)
    spool.append(some(10, size=500))
    on_its_way = take(spool, 4)
    for start in range(10, 1000, 10):
        spool.append(some(10, start, size=500))
    assert spool.waiting[0] + spool.counts.overflowed == 1000
    spool.settle()
    rest = drain(spool)
    assert len(on_its_way.items) + spool.counts.overflowed + len(rest) == 1000


def test_what_came_back_after_its_segment_went_is_overflowed(open_spool: Callable[..., Spool]) -> None:
    spool = open_spool(most_bytes=100_000)
    spool.append(some(10, size=500))
    take(spool, 4)
    for start in range(10, 1000, 10):
        spool.append(some(10, start, size=500))
    spool.give_back()
    assert spool.counts.overflowed + len(drain(spool)) == 1000


def test_a_torn_end_is_cut_off_and_counted(open_spool: Callable[..., Spool], tmp_path: Path) -> None:
    open_spool().append(some(5))
    path = tmp_path / "0/00000001.ndjson"
    whole = path.read_bytes()
    spool = open_spool()
    for cut in range(1, len(some(1, 4)[0])):
        path.write_bytes(whole[:-cut])
        spool = open_spool()
        assert (spool.waiting[0], spool.counts.damaged) == (4, 1)
        assert path.read_bytes() == b"".join(some(4))
    assert drain(spool) == [0, 1, 2, 3]


def test_what_a_disk_spoiled_is_left_out(open_spool: Callable[..., Spool], tmp_path: Path) -> None:
    spool = open_spool()
    spool.append(some(9))
    path = tmp_path / "0/00000001.ndjson"
    data = bytearray(path.read_bytes())
    one = len(some(1)[0])
    data[one * 3 : one * 4 + 10] = bytes(one + 10)
    path.write_bytes(data)
    assert sorted({*range(9)} - {*drain(spool)}) == [3, 4]
    assert spool.counts.damaged >= 2


def test_a_segment_that_somebody_removed_is_counted(open_spool: Callable[..., Spool], tmp_path: Path) -> None:
    spool = open_spool()
    spool.append(some(9))
    (tmp_path / "0/00000001.ndjson").unlink()
    assert drain(spool) == []
    assert (spool.counts.damaged, spool.waiting) == (9, (0, 0))
    spool.append(some(2))
    assert drain(spool) == [0, 1]


def test_a_cursor_that_is_lost_sends_again_rather_than_never(
    open_spool: Callable[..., Spool], tmp_path: Path
) -> None:
    spool = open_spool()
    spool.append(some(9))
    take(spool, 4)
    spool.settle()
    spool.close()
    (tmp_path / "0/cursor").write_text("rubbish")
    assert drain(open_spool()) == list(range(9))


def test_numbers_are_not_used_again(open_spool: Callable[..., Spool], tmp_path: Path) -> None:
    spool = open_spool()
    spool.append(some(3))
    drain(spool)
    spool = open_spool()
    spool.append(some(1))
    assert segments(tmp_path / "0") == ["00000002.ndjson"]
    assert drain(open_spool()) == [0]


def test_a_kill_loses_only_what_was_being_written(tmp_path: Path, open_spool: Callable[..., Spool]) -> None:
    folder = tmp_path / "0"
    command = [sys.executable, "-c", WRITER, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        wait_until(lambda: sum(path.stat().st_size for path in folder.glob("*.ndjson")) > 1_000_000)
        assert not Spool(folder, 10**9).open()  # locked
        process.send_signal(signal.SIGKILL)
        said = [int(line) for line in process.stdout]
    found = drain(open_spool())
    assert found[: len(said)] == said
    assert len(found) <= len(said) + 1


def test_a_full_disk_keeps_what_fits_and_says_what_does_not(
    tmp_path: Path, open_spool: Callable[..., Spool]
) -> None:
    with small_disk(tmp_path / "disk") as disk:
        spool = open_spool(folder=disk / "0")
        spool.append(some(3))
        junk = stuff(disk)
        with junk.open("r+b") as file:
            file.truncate(junk.stat().st_size - 8192)
        items = some(100, 3, size=500)
        with pytest.raises(SpoolError, match="No space left") as caught:
            spool.append(items)
        assert 0 < caught.value.written < 100
        with pytest.raises(SpoolError):
            spool.append(items[caught.value.written :])
        junk.unlink()
        spool.append(items[caught.value.written :])
        assert drain(spool) == list(range(103))
        spool.close()


def test_a_batch_waits_for_records_bytes_or_time(open_spool: Callable[..., Spool]) -> None:
    spool = open_spool()
    hurry = threading.Event()
    spool.append(some(5))
    assert spool.wait(Batch(records=6, size=10**6, wait_s=60), 0.01, hurry) is None
    for rules in (Batch(records=5, wait_s=60), Batch(size=5, wait_s=60), Batch(wait_s=0.05)):
        hand = spool.wait(rules, 20, hurry)
        assert hand
        spool.give_back()
    hurry.set()
    assert spool.wait(Batch(records=6, wait_s=60), 20, hurry)
    spool.settle()
    assert spool.wait(Batch(), 20, hurry) is None


def test_one_item_may_be_larger_than_a_batch(open_spool: Callable[..., Spool]) -> None:
    spool = open_spool()
    spool.append(some(3, size=5000))
    assert [len(hand.items) for hand in (take_small(spool), take_small(spool))] == [1, 1]


def take_small(spool: Spool) -> InHand:
    hand = spool.take(Batch(size=1000))
    assert hand
    spool.settle()
    return hand
