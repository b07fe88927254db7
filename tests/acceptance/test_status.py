"""`ebats status`, the command itself, on both brokers; and the state files of runners."""

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ebats.pipelines.load import from_bytes
from ebats.pipelines.model import Pipeline
from ebats.runner.state import StateFile, read_all
from tests.brokers import free_port
from tests.commands import run_ebats
from tests.conftest import Broker
from tests.integration.wire import Wire

FILE = """\
version: 1
name: NAME
broker: {url: "URL"}
tasks:
  ship: {python: "shop:ship", retry: [5s, 1m]}
  tell: {python: "shop:tell"}
events:
  paid: {tasks: [ship, {task: tell, delay: 1h}]}
"""
STATE = {
    "pid": 4711,
    "running": 3,
    "processes": [
        {"name": "all#1", "pid": 4712, "running": 2, "in_hand": 12, "taken": 1234},
        {"name": "all#2", "pid": 4713, "running": 1, "in_hand": 1, "taken": 7},
    ],
}


class Shop:
    """A pipeline file, and the commands on it."""

    def __init__(self, folder: Path, broker: Broker) -> None:
        """Write the file."""
        self.file = folder / "shop.yaml"
        self.file.write_text(FILE.replace("NAME", broker.prefix).replace("URL", broker.url))
        self.name = broker.prefix
        self.states = folder / "states"

    @property
    def pipeline(self) -> Pipeline:
        """The file's pipeline."""
        return from_bytes(str(self.file), self.file.read_bytes(), {}).pipeline

    def run(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """Run `ebats` with a folder for states of its own."""
        return run_ebats(*words, env={"EBATS_STATE_DIR": str(self.states)})

    def status(self) -> dict[str, Any]:
        """Return what `ebats status` says to programs."""
        result = self.run("status", self.file, "--format", "json")
        assert result.returncode == 0, result.stderr
        found: dict[str, Any] = json.loads(result.stdout)
        return found


@pytest.fixture
def shop(main_broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A pipeline on each broker."""
    shop = Shop(tmp_path, main_broker)
    monkeypatch.setenv("EBATS_STATE_DIR", str(shop.states))
    return shop


@pytest.fixture
def pipeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    """A pipeline whose broker is never asked."""
    monkeypatch.setenv("EBATS_STATE_DIR", str(tmp_path / "states"))
    return Shop(tmp_path, Broker(kind="", url=f"sqlite:///{tmp_path}/x.db", prefix="shop")).pipeline


@pytest.fixture
def wire(main_broker: Broker) -> Iterator[Wire]:
    """One connection to the broker."""
    with closing(Wire(main_broker.url)) as wire:
        yield wire


@pytest.fixture
def other_runner(pipeline: Pipeline, tmp_path: Path) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Start a process that keeps a state file; `ready` is printed when it has written."""
    code = f"""
import sys, time
from tests.acceptance.test_status import STATE, Shop
from tests.conftest import Broker
from pathlib import Path
from ebats.runner.state import StateFile
broker = Broker(kind="", url="sqlite:///{tmp_path}/x.db", prefix="shop")
pipeline = Shop(Path({str(tmp_path)!r}), broker).pipeline
file = StateFile(pipeline)
file.write(STATE)
print("ready", flush=True)
while True:
    file.write(STATE)
"""
    started = []

    def start() -> subprocess.Popen[str]:
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_queues_rungs_and_dead_letters_are_counted(shop: Shop, wire: Wire) -> None:
    for _ in range(2):
        assert shop.run("publish", shop.file, "paid", "-d", "{}").returncode == 0
    wire.send(f"{shop.name}.dead", "x", "y", "z")
    wire.publish(b"{}", f"{shop.name}.delay.1m", "ship")
    wire.wait_ready(f"{shop.name}.delay.1m", 1)
    wire.wait_ready(f"{shop.name}.delay.1h.paid.tell", 2)
    assert shop.status() == {
        "pipeline": shop.name,
        "broker": shop.pipeline.broker.urls[0].replace(":guest@", "@"),
        "error": None,
        "queues": {"ship": 2, "tell": 0},
        "waiting": {"5s": 0, "10s": 0, "1m": 1, "1h.paid.tell": 2},
        "dead": 3,
        "suspects": 0,
        "running": None,
        "runners": [],
    }


def test_nothing_is_declared_and_nothing_is_there(shop: Shop, wire: Wire) -> None:
    status = shop.status()
    assert (status["queues"], status["dead"]) == ({"ship": None, "tell": None}, None)
    text = shop.run("status", shop.file).stdout
    assert "\ndead                   -\n" in text


def test_people_get_a_table(shop: Shop, wire: Wire) -> None:
    shop.run("publish", shop.file, "paid", "-d", "{}")
    wire.wait_ready(f"{shop.name}.delay.1h.paid.tell", 1)
    state = StateFile(shop.pipeline)
    state.write(STATE)
    result = shop.run("status", shop.file)
    state.remove()
    assert result.returncode == 0, result.stderr
    heading, _, table = result.stdout.partition("\n")
    assert heading.startswith(f"{shop.name}  {shop.pipeline.broker.urls[0].partition(':')[0]}://")
    assert "guest@" in heading or "sqlite" in heading
    assert ":guest" not in heading
    assert (
        table
        == """
QUEUE              READY
ship                   1
tell                   0

RUNG             WAITING
5s                     0
10s                    0
1m                     0
1h  paid, tell         1

PIPELINE           TOTAL
ready                  1
waiting                1
running                3
dead                   0
suspects               0

RUNNER 4711          PID   RUNNING   IN HAND     TAKEN
all#1               4712         2        12     1,234
all#2               4713         1         1         7
"""
    )


def test_what_becomes_of_records_is_shown_and_why_a_sink_gets_none(shop: Shop) -> None:
    counts = {"written": 1234, "lost": 0, "waiting": 0, "error": None}
    sent = {"sent": 1200, "spooled": 34, "spooled_bytes": 50_000, "rejected": 0, "overflowed": 0}
    search = {**counts, **sent, "error": "no connection: \x1b[2Jrefused"}
    state = StateFile(shop.pipeline)
    state.write({**STATE, "sinks": {"console": counts, "search": search}})
    text = shop.run("status", shop.file).stdout
    state.remove()
    assert text.endswith(
        """
SINK             WRITTEN      SENT   WAITING   SPOOLED  REJECTED  OVERFLOWED      LOST
console            1,234         -         0         -         -           -         0
search             1,234     1,200         0        34         0           0         0

sink search of runner 4711 fails: no connection: \\x1b[2Jrefused
"""
    )


def test_what_runs_is_shown_while_the_broker_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = Broker(kind="", url=f"amqp://guest:secret@127.0.0.1:{free_port()}/", prefix="shop")
    shop = Shop(tmp_path, nobody)
    monkeypatch.setenv("EBATS_STATE_DIR", str(shop.states))
    state = StateFile(shop.pipeline)
    state.write(STATE)
    text = shop.run("status", shop.file, "--wait", "500ms")
    json_ = shop.run("status", shop.file, "--wait", "500ms", "--format", "json")
    state.remove()
    assert (text.returncode, json_.returncode) == (1, 1)
    for result in (text, json_):
        assert result.stderr.endswith("ebats: gave up waiting for the broker, after 0.5 s\n")
        assert "secret" not in result.stderr + result.stdout
    assert (
        text.stdout.partition("\n")[2]
        == """
QUEUE              READY
ship             unknown
tell             unknown

RUNG             WAITING
5s               unknown
10s              unknown
1m               unknown
1h  paid, tell   unknown

PIPELINE           TOTAL
ready            unknown
waiting          unknown
running                3
dead             unknown
suspects         unknown

RUNNER 4711          PID   RUNNING   IN HAND     TAKEN
all#1               4712         2        12     1,234
all#2               4713         1         1         7
"""
    )
    found = json.loads(json_.stdout)
    assert found["error"] == "gave up waiting for the broker, after 0.5 s"
    assert (found["queues"], found["dead"]) == ({"ship": None, "tell": None}, None)
    assert (found["running"], found["runners"]) == (3, [STATE])


def test_a_state_is_read_while_its_runner_lives(
    pipeline: Pipeline, other_runner: Callable[[], subprocess.Popen[str]]
) -> None:
    assert read_all(pipeline) == []
    runner = other_runner()
    # It writes all the time: no reader may see half a file, or none.
    seen = [read_all(pipeline) for _ in range(500)]
    assert all(states == [STATE] for states in seen if states)
    assert sum(map(bool, seen)) > 490
    runner.send_signal(signal.SIGKILL)
    runner.wait()
    assert read_all(pipeline) == []
    assert not list(Path(os.environ["EBATS_STATE_DIR"]).glob("*.json"))


def test_states_of_several_runners_are_told_apart(
    pipeline: Pipeline, other_runner: Callable[[], subprocess.Popen[str]]
) -> None:
    other_runner()
    mine = StateFile(pipeline)
    mine.write({"pid": os.getpid()})
    assert sorted(state["pid"] for state in read_all(pipeline)) == sorted([4711, os.getpid()])
    mine.remove()
    assert [state["pid"] for state in read_all(pipeline)] == [4711]


def test_a_state_belongs_to_one_broker_and_to_its_user(pipeline: Pipeline, tmp_path: Path) -> None:
    file = StateFile(pipeline)
    file.write(STATE)
    elsewhere = Shop(tmp_path, Broker(kind="", url="amqp://guest:x@elsewhere/", prefix="shop")).pipeline
    assert read_all(elsewhere) == []
    [path] = Path(os.environ["EBATS_STATE_DIR"]).iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    file.remove()
    assert list(path.parent.iterdir()) == []


def test_what_can_not_be_written_is_left_out(
    pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("EBATS_STATE_DIR", str(tmp_path / "file" / "states"))
    file = StateFile(pipeline)
    file.write(STATE)
    file.remove()
    assert read_all(pipeline) == []
