"""A Celery worker and producer on the embedded broker."""

import importlib.util
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.waiting import wait_until

APP = """
import os

import ebats  # makes sqlite:/// known to kombu
from celery import Celery

app = Celery("shop", broker="sqlite:///shop.db")
app.conf.update(
    worker_enable_remote_control=False,
    task_ignore_result=True,
    task_acks_late=True,
)


@app.task(autoretry_for=(ValueError,), default_retry_delay=1, bind=True)
def ship(self, order):
    if order == "twice" and not self.request.retries:
        raise ValueError(order)
    if order == "deadly" and not os.path.exists("died"):
        open("died", "w").close()
        os.kill(os.getppid(), 9)
    with open("shipped", "a") as file:
        file.write(f"{order}\\n")
"""
WORKER = [sys.executable, "-m", "celery", "-A", "shop", "worker", "--concurrency=2", "--without-gossip"]
WORKER += ["--without-mingle", "--without-heartbeat", "--loglevel=INFO"]


@pytest.fixture(autouse=True)
def _celery() -> None:
    if importlib.util.find_spec("celery") is None:
        if os.environ.get("EBATS_TEST_REQUIRE_SERVICES") == "1":
            pytest.fail("celery is not installed")
        pytest.skip("celery is not installed")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shop.py").write_text(APP)
    return tmp_path


@contextmanager
def worker(folder: Path, pool: str) -> Iterator["subprocess.Popen[bytes]"]:
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            [*WORKER, f"--pool={pool}"], cwd=folder, stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(20)
        finally:
            with suppress(ProcessLookupError):  # the pool's children too, also of a worker that was killed
                os.killpg(process.pid, signal.SIGKILL)


def send(folder: Path, *orders: str) -> None:
    code = "import shop, sys\nfor order in sys.argv[1:]: shop.ship.delay(order)"
    subprocess.run([sys.executable, "-W", "ignore", "-c", code, *orders], cwd=folder, check=True, timeout=60)


def shipped(folder: Path) -> list[str]:
    path = folder / "shipped"
    return path.read_text().split() if path.exists() else []


def log(folder: Path) -> str:
    return (folder / "log").read_text()[-4000:]


@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_a_worker_does_what_a_producer_sends(folder: Path, pool: str) -> None:
    orders = [f"order-{number}" for number in range(50)]
    send(folder, *orders[:25])
    with worker(folder, pool):
        send(folder, *orders[25:], "twice")
        wait_until(lambda: len(shipped(folder)) >= 51, 60, lambda: log(folder))
    assert sorted(shipped(folder)) == sorted([*orders, "twice"])


def test_what_a_killed_worker_had_is_done_by_the_next_one(folder: Path) -> None:
    send(folder, "deadly", "a", "b")
    with worker(folder, "prefork") as first:
        wait_until(lambda: first.poll() is not None, 60, lambda: log(folder))
    with worker(folder, "prefork"):
        wait_until(lambda: {"deadly", "a", "b"} <= set(shipped(folder)), 60, lambda: log(folder))
