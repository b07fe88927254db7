"""The embedded broker's file in trouble: a reader that is stuck, files deleted beside it, damage."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.commands import RunningCommand
from tests.faults.rows.finding import Finding
from tests.faults.rows.forms import forms
from tests.faults.rows.lines import check_told, told
from tests.faults.rows.test_held import hold_runner, tell
from tests.faults.send import Sender
from tests.faults.site import Site
from tests.integration.wire import Wire
from tests.waiting import wait_until

pytestmark = [pytest.mark.row(23), pytest.mark.slow]

_READER = """
import sqlite3, sys, time
reader = sqlite3.connect(sys.argv[1], isolation_level=None)
reader.execute("BEGIN")
reader.execute("SELECT count(*) FROM message").fetchall()
print("reads", flush=True)
time.sleep(600)
"""
#: Less than what the log may grow to in good times.
EMPTIED_BYTES = 6 << 20


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """The file of `local_site`."""
    return tmp_path / "broker.db"


@contextmanager
def stuck_reader(database: Path) -> Iterator[int]:
    """Read in another process, and never come to an end; give its id."""
    command = [sys.executable, "-c", _READER, str(database)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as reader:
        assert reader.stdout
        assert reader.stdout.readline() == b"reads\n"
        try:
            yield reader.pid
        finally:
            reader.kill()


def publish(site: Site, name: str, count: int = 40, size: int = 5000) -> None:
    """Publish large messages, half of which fail once."""
    site.send([f"{name}-{number}" for number in range(count)], do="fail_once", more="x" * size)


def length(database: Path) -> int:
    """Return how long the log is."""
    return Path(f"{database}-wal").stat().st_size


@forms(quick=(12, 5_000), full=(1024, 100_000))
def test_a_stuck_reader_slows_nobody_and_is_told_and_the_log_is_emptied_when_it_is_gone(
    local_site: Site, database: Path, finding: Finding, form: tuple[int, int]
) -> None:
    # Given a pipeline whose messages wait on rungs
    site, (mebibytes, size) = local_site, form
    site.write_work({"processes": 1, "concurrency": 8}, retry=["200ms"])
    command = site.start()
    publish(site, "before")

    # When somebody reads on and on, while it works
    with stuck_reader(database) as pid:
        finding.caused()
        sent = 0

        def goes_on(until: Callable[[], bool]) -> None:
            nonlocal sent
            while not until():
                publish(site, f"m{sent}", size=size)
                sent += 1
                time.sleep(0.1)

        begun = time.monotonic()
        goes_on(lambda: length(database) > mebibytes << 20)
        # Waiting for the reader at each transaction, it took five seconds for each, and for everybody.
        site.wait_done(60)
        finding.note(f"{length(database) >> 20} MiB of log in {time.monotonic() - begun:.0f} s")
        goes_on(lambda: "grows" in command.output)
        assert f"process {pid} (python" in command.output, command.output[-4000:]

    # Then, when it is gone, the log is emptied by whoever writes next
    goes_on(lambda: length(database) < EMPTIED_BYTES and "log was emptied" in command.output)
    site.wait_done()
    site.end(command)
    check_told(
        command,
        begins=r"broker\.db-wal grows \(\d+ MiB\) and can't be emptied.* end it, or the disk",
        over=r"the embedded broker's log was emptied",
    )
    finding.add(site.oracle.judge(), duplicates=0)


@pytest.mark.parametrize("which", ["-shm", pytest.param("-wal", marks=pytest.mark.soak)])
def test_files_deleted_beside_the_database_lose_nothing(
    local_site: Site, database: Path, finding: Finding, which: str
) -> None:
    # Given a pipeline at work, in two processes, and a program that publishes to it
    site = local_site
    site.write_work({"processes": 2, "concurrency": 4}, retry=["200ms"])
    command = site.start()
    with closing(Sender(site.url, site.oracle)) as sender:

        def send(name: str, count: int = 20) -> None:
            batch = [site.message(f"{name}-{number}", do="fail_once") for number in range(count)]
            wait_until(lambda: sender.try_to_send(batch), 40, "nothing is taken")

        send("before")
        for number in range(3):
            # When the file is deleted, and one that knows nothing of it comes at once
            Path(f"{database}{which}").unlink()
            finding.caused()
            other = [site.message(f"other-{number}-{each}") for each in range(20)]
            with closing(Sender(site.url, site.oracle)) as newcomer:
                # It has to wait until those have let go who have the deleted one.
                wait_until(lambda batch=other, by=newcomer: by.try_to_send(batch) or send_one(send), 60)
            send(f"m{number}")
            wait_until(lambda: Path(f"{database}{which}").exists(), 40, "nobody has made it again")

    # Then everybody goes on with a new one, and all is done
    site.wait_done()
    command.wait_for_output("connected to the broker again")
    site.end(command)
    lost = r"was lost: .*broker\.db-shm or .*-wal was deleted while it was in use"
    check_told(command, begins=lost, over="connected to the broker again", at_most=2 * 3)
    with closing(sqlite3.connect(database)) as looked_at:
        assert looked_at.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    # What was in hand, by each process, comes again with its connection.
    finding.add(site.oracle.judge(), duplicates=3 * 2 * 2 * 8 + 3 * 20)


def send_one(send: Callable[..., None]) -> None:
    """Have the one that publishes see what has happened: it looks when it has something to do."""
    send(f"nudge-{time.monotonic_ns()}", 1)


def delete(database: Path) -> None:
    """Delete a database that is in use, with the files beside it."""
    for path in (database, Path(f"{database}-shm"), Path(f"{database}-wal")):
        path.unlink()


def test_a_database_deleted_while_it_runs_ends_the_run(
    local_site: Site, database: Path, finding: Finding
) -> None:
    site = local_site
    site.write_work()
    command = site.start()
    delete(database)
    finding.caused()
    assert command.wait(40) == 78, command.output[-4000:]
    assert "broker.db was deleted while it was in use: its messages are lost" in command.output


def test_a_database_deleted_and_made_anew_by_somebody_ends_the_run(
    local_site: Site, database: Path, finding: Finding
) -> None:
    # Given a run that doesn't look for a moment
    site = local_site
    site.write_work()
    command = site.start()
    site.send(["first"])
    site.wait_done()
    family = hold_runner(site, command)

    # When the file is deleted meanwhile, and somebody who comes makes a new one
    delete(database)
    finding.caused()
    site.declare()
    site.send(["second"])
    tell(family, signal.SIGCONT)

    # Then the run doesn't go on with that, as if nothing had been
    assert command.wait(40) == 78, command.output[-4000:]
    assert "broker.db was deleted while it was in use: its messages are lost" in command.output
    site.run()
    finding.add(site.oracle.judge(), duplicates=0)


def flip(database: Path) -> None:
    """Flip the bits of one byte: the first of the tree of queues, which says what kind of page it is."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as looked_at:
        (page,) = looked_at.execute("SELECT rootpage FROM sqlite_master WHERE name = 'entry'").fetchone()
        (size,) = looked_at.execute("PRAGMA page_size").fetchone()
    with database.open("r+b") as file:
        file.seek((page - 1) * size)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 0xFF]))


def cut(database: Path) -> None:
    """Cut off half of the file."""
    os.truncate(database, database.stat().st_size // 2)


def empty(database: Path) -> None:
    """Cut off all of it."""
    os.truncate(database, 0)


DAMAGE = [flip, *(pytest.param(how, marks=pytest.mark.soak) for how in (cut, empty))]
SAYS = r"the embedded broker's file .*broker\.db .*(restore it|was emptied)"


def check_ended(command: RunningCommand, database: Path, size: int) -> None:
    """Check that a run ended because of the damage, said what it is and what to do, and made nothing new."""
    assert command.wait(40) == 78, command.output[-4000:]
    assert told(command.output.splitlines()[-1], SAYS), command.output[-4000:]
    assert database.stat().st_size == size


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_starts_no_run_and_a_restored_one_loses_nothing(
    local_site: Site, database: Path, finding: Finding, damage: Callable[[Path], None]
) -> None:
    # Given messages that nobody has taken yet, in a file that somebody has a copy of
    site = local_site
    site.write_work(retry=["100ms"])
    site.declare()
    publish(site, "m", 200, 1000)
    copy = database.read_bytes()

    # When it is damaged while nothing runs
    damage(database)
    finding.caused()

    # Then a run says so and ends, and leaves the file as it is
    size = database.stat().st_size
    check_ended(site.launch(), database, size)

    # And when it is restored, nothing is missing
    database.write_bytes(copy)
    site.run()
    assert not site.take()
    finding.add(site.oracle.judge(), duplicates=0)


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_while_it_runs_ends_the_run(
    local_site: Site, database: Path, finding: Finding, damage: Callable[[Path], None]
) -> None:
    # Given two processes at work, and a backlog behind what they have in hand
    site = local_site
    site.write_work({"processes": 2, "concurrency": 1, "prefetch": 1}, retry=["100ms"])
    command = site.start()
    site.send(["first", "second"], do="wait_for_go")
    site.wait_started(2)
    publish(site, "m", 200, 1000)
    with closing(sqlite3.connect(database)) as mover:
        wait_until(lambda: mover.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0, 20)

    # When the file is damaged before they go on with it
    damage(database)
    finding.caused()
    (site.folder / "go").touch()

    # Then all of it ends by itself, as soon as it comes upon the damage, and says why; and it starts no more
    assert command.wait(60) == 78, command.output[-4000:]
    assert told(command.output, SAYS), command.output[-4000:]
    assert told(command.output, "was lost: ") <= 2 * 3, command.output[-4000:]
    wait_until(lambda: not command.family(), 10, "processes were left behind")
    again = site.launch()
    assert again.wait(40) == 78, again.output[-4000:]
    with pytest.raises(Exception, match=r"broker\.db"), closing(Wire(site.url)) as wire:
        wire.ready(f"{site.name}.work")
