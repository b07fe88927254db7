import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ebats.runner.broker.sqlite import kernel_locks, writers
from ebats.runner.broker.sqlite.files import Files
from ebats.runner.broker.sqlite.kernel_locks import Lock
from tests.waiting import wait_until

pytestmark = pytest.mark.skipif(not Path("/proc/locks").exists(), reason="this kernel doesn't tell")

_TAKES = """
import fcntl, sys, time
file = open(sys.argv[1], "r+b")
print("comes", flush=True)
fcntl.lockf(file, fcntl.LOCK_EX)
print("has it", flush=True)
time.sleep(600)
"""


@contextmanager
def taker(path: Path, says: bytes) -> Iterator[int]:
    """Lock a file in another process, or wait for it there."""
    with subprocess.Popen([sys.executable, "-c", _TAKES, str(path)], stdout=subprocess.PIPE) as process:
        assert process.stdout
        while process.stdout.readline().strip() != says:
            pass
        try:
            yield process.pid
        finally:
            process.kill()


def test_a_lock_has_its_bytes_and_its_process(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with path.open("w+b") as file:
        assert kernel_locks.on(str(path)) == []
        fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB, 5, 100)

        assert kernel_locks.on(str(path)) == [Lock(os.getpid(), "READ", 100, 104, is_waiting=False)]
    assert kernel_locks.on(str(tmp_path / "another")) == []


def test_whoever_writes_is_known_and_that_others_wait(tmp_path: Path) -> None:
    where = Files(str(tmp_path / "x.db"))
    Path(where.folder).mkdir()
    Path(where.mutex).touch()
    assert writers.of(where) is None
    with taker(Path(where.mutex), b"has it") as pid:
        assert writers.of(where) == writers.Writer(pid, is_awaited=False)
        with taker(Path(where.mutex), b"comes"):
            wait_until(lambda: writers.of(where) == writers.Writer(pid, is_awaited=True), 10)
            writers.check_not_stopped(where)
            os.kill(pid, signal.SIGSTOP)
            wait_until(lambda: kernel_locks.is_stopped(pid), 10)
            with pytest.raises(Exception, match=rf"process {pid} \(python.*\) was stopped in the middle"):
                writers.check_not_stopped(where)
