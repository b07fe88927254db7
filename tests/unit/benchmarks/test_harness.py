"""A measurement runs the package that it stands beside, and what it has started ends with it."""

import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.benchmarks.harness import Bench

ROOT = Path(__file__).parents[3]
DEADLINE_S = 60
#: A worker with a child, both for longer than the test waits.
_WORKER = """
import os, time
if not os.fork():
    time.sleep(600)
open("started", "w").close()
time.sleep(600)
"""
_MEASURING = f"""
import sys, time
from pathlib import Path
from tests.benchmarks.harness import Bench, end_cleanly
end_cleanly()
bench = Bench(Path(sys.argv[1]))
with bench.running("-c", {_WORKER!r}):
    while not (bench.folder / "started").exists():
        time.sleep(0.01)
    print("running", flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_measurement_that_is_ended_ends_what_it_runs(tmp_path: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-c", _MEASURING, str(tmp_path / "bench")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "running\n"
        workers = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(number)

        assert process.wait(DEADLINE_S) == 128 + number
    assert len(workers) == 2
    _, alive = psutil.wait_procs(workers, DEADLINE_S)
    assert not alive


def test_what_is_measured_lies_beside_the_benchmark(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "bench")
    assert bench.python("-c", "import ebats; print(ebats.__file__)").strip() == str(
        ROOT / "src" / "ebats" / "__init__.py"
    )
