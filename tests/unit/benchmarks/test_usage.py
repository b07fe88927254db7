"""What is counted as a contender's processor time and as its memory."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.benchmarks.counter import Counter
from tests.benchmarks.usage import cpu_s, pss_mb, task_mb

ROOT = Path(__file__).parents[3]
BURNT_S = 0.3
_BURN = f"import time; [None for _ in iter(lambda: time.process_time() < {BURNT_S}, False)]"
#: Its child has a child that burns processor time and ends; then it waits.
_TREE = f"""
import subprocess, sys, time
child = '''
import subprocess, sys, time
subprocess.run([sys.executable, "-c", {_BURN!r}])
print("burnt", flush=True)
time.sleep(60)
'''
subprocess.run([sys.executable, "-c", child])
"""
#: Two children run tasks, one of them with much memory; a third burns processor time for them.
_POOL = f"""
import os, sys, time
from pathlib import Path
from tests.benchmarks.counter import Counter
for megabytes in (1, 40, 0):
    if not os.fork():
        kept = b"x" * (megabytes * 1_000_000)
        if kept:
            Counter(Path(sys.argv[1])).raise_it()
        else:
            exec({_BURN!r})
        print(os.getpid(), megabytes, flush=True)
        time.sleep(60)
time.sleep(60)
"""


@contextmanager
def running(program: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", program, *arguments]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        for one in [*psutil.Process(process.pid).children(recursive=True), process]:
            one.kill()
        process.communicate()


def test_processor_time_of_a_child_s_child_that_has_ended_counts() -> None:
    with running(_TREE) as process:
        assert process.stdout
        assert process.stdout.readline() == "burnt\n"
        assert cpu_s(process.pid) >= BURNT_S


def test_memory_is_the_mean_of_the_processes_that_ran_tasks(tmp_path: Path) -> None:
    counter = Counter(tmp_path / "counter")
    with running(_POOL, str(tmp_path / "counter")) as process:
        assert process.stdout
        pids = {(line := process.stdout.readline().split())[1]: int(line[0]) for _ in range(3)}
        small, large = pss_mb(pids["1"]), pss_mb(pids["40"])

        assert large - small > 30
        assert task_mb(process.pid, counter) == pytest.approx((small + large) / 2, rel=0.1)


def test_where_nobody_raised_the_counter_the_busiest_counts(tmp_path: Path) -> None:
    with running(_POOL, str(tmp_path / "counter")) as process:
        assert process.stdout
        pids = {(line := process.stdout.readline().split())[1]: int(line[0]) for _ in range(3)}
        found = task_mb(process.pid, Counter(tmp_path / "another"))

        assert found == pytest.approx(pss_mb(pids["0"]), rel=0.1)
