"""One node of each kind for all the processes of a test run, ended when the last of them is gone.

Every user holds a shared lock on a file; a keeper process runs the node and waits until it can take
that lock exclusively. The kernel drops the locks of whoever is killed, so no count can go wrong.
"""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tests.brokers import RabbitNode, Release
from tests.elastic import Distribution, ElasticNode
from tests.waiting import wait_until

ELASTIC = "elastic"
START_DEADLINE_S = 100
REPOSITORY = Path(__file__).parent.parent


@contextmanager
def shared_node(kind: str, run: str) -> Iterator[tuple[Path, int]]:
    """Use the node of this test run, which the first user starts: its folder and its port."""
    _find(kind)
    folder = Path(tempfile.gettempdir()) / f"ebats-run-{os.geteuid()}-{run}" / kind
    with _membership(folder):
        with _locked(folder / "starting"):
            if not (folder / "address").exists():
                _start_keeper(kind, folder)
        node, port = (folder / "address").read_text().split("\n")
        yield Path(node), int(port)


def _find(kind: str) -> Callable[[], RabbitNode | ElasticNode]:
    """Look up what nodes of a kind are made of; return what makes one."""
    if kind == ELASTIC:
        return partial(ElasticNode, Distribution.find())
    return partial(RabbitNode, Release.find(kind))


@contextmanager
def _membership(folder: Path) -> Iterator[None]:
    """Hold the shared lock on the users file, of this folder and not of one that a keeper just removed."""
    path = folder / "users"
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("w") as users:
            fcntl.flock(users, fcntl.LOCK_SH)
            if path.exists() and path.stat().st_ino == os.fstat(users.fileno()).st_ino:
                yield
                return


def keep(kind: str, folder: Path) -> None:
    """Run a node until nobody holds the lock on its users file."""
    with _find(kind)() as node:
        address = folder / "address"
        address.with_suffix(".new").write_text(f"{node.folder}\n{node.port}")
        address.with_suffix(".new").rename(address)
        with (folder / "users").open("w") as users:
            while not _nobody_left(users.fileno()):
                time.sleep(0.5)
        shutil.rmtree(folder, ignore_errors=True)
    if not any(folder.parent.glob("*/users")):
        shutil.rmtree(folder.parent, ignore_errors=True)


def _start_keeper(kind: str, folder: Path) -> None:
    with (folder / "keeper").open("wb") as output:
        keeper = subprocess.Popen(
            [sys.executable, "-m", "tests.shared_node", kind, str(folder)],
            cwd=REPOSITORY,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # outlives the worker that happened to be first
        )

    def ready() -> bool:
        if keeper.poll() is not None:
            raise RuntimeError(f"no shared node:\n{(folder / 'keeper').read_text(errors='replace')}")
        return (folder / "address").exists()

    wait_until(ready, START_DEADLINE_S, f"{kind} did not start", every_s=0.1)
    keeper.returncode = 0  # its users end it, nobody waits for it


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _nobody_left(users: int) -> bool:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


if __name__ == "__main__":
    keep(sys.argv[1], Path(sys.argv[2]))
