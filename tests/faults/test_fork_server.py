"""The fork server: what processes share, and that it may die, hang, or not be possible at all."""

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from ebats.pipelines.load import load
from ebats.runner import starter as starter_module
from ebats.runner.execution.outbox import open_channel
from ebats.runner.starter import Starter
from ebats.runner.trial import try_entry_points
from tests.commands import RunningCommand
from tests.faults.site import Site
from tests.waiting import wait_until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif("sys.platform != 'linux'", reason="elsewhere each process starts by itself"),
]
WITHOUT = "processes share no memory, each imports everything by itself: "
#: As a profiler or a tracer does that is loaded with Python.
BEGINS_A_THREAD = (
    "import threading, time\nthreading.Thread(target=time.sleep, args=(600,), daemon=True).start()\n"
)


def fork_server(site: Site, command: RunningCommand) -> psutil.Process:
    (found,) = site.consumers(command, "fork server")
    return found


def pss(process: psutil.Process) -> int:
    return int(process.memory_full_info().pss)


def test_processes_share_what_they_import_and_are_the_runners_own(local_site: Site, tmp_path: Path) -> None:
    # Given a pipeline, and a Python in which something has begun a thread
    site, folder = local_site, tmp_path / "with-thread"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(BEGINS_A_THREAD)
    site.write_work({"processes": 3})
    memory: dict[bool, int] = {}

    for shares in (True, False):
        # When it runs with that Python, or without
        site.more_environ = {} if shares else {"PYTHONPATH": os.pathsep.join([str(folder), *_python_path()])}
        command = site.start()
        wait_until(lambda: len(site.consumers(command)) == 3, 30, "no consumers")  # noqa: B023 - called at once
        names = [f"{shares}-{number}" for number in range(30)]
        site.send(names)
        site.wait_done()

        # Then it does its work
        consumers = site.consumers(command)
        assert {process.ppid() for process in consumers} == {command.pid}
        assert command.output.count(WITHOUT + "something that is imported with Python") == (not shares)
        assert bool(site.consumers(command, "fork server")) == shares
        memory[shares] = max(map(pss, consumers))
        site.end(command)

    # And its processes take less memory where they are forked
    assert memory[True] < 0.85 * memory[False], memory
    site.oracle.judge().check(duplicates=0)


def _python_path() -> list[str]:
    return [path] if (path := os.environ.get("PYTHONPATH")) else []


def test_a_killed_fork_server_takes_nobody_along_and_is_replaced(local_site: Site) -> None:
    # Given a run whose fork server is killed
    site = local_site
    site.write_work({"processes": 2})
    command = site.start()
    wait_until(lambda: len(site.consumers(command)) == 2, 30, "no consumers")
    before = {process.pid for process in site.consumers(command)}
    first = fork_server(site, command)
    first.kill()

    # When a consumer is, too
    site.send(["m-0"])
    site.wait_done()
    assert {process.pid for process in site.consumers(command)} == before
    _kill_one(site, command)

    # Then that is said, and both are replaced
    command.wait_for_output(f"the fork server (pid {first.pid}) died: killed by SIGKILL; another one begins")
    wait_until(lambda: fork_server(site, command).pid != first.pid, 30, "no other fork server")
    _kill_one(site, command)
    site.send(["m-1"])
    site.wait_done()
    site.end(command)
    assert command.output.count("the fork server") == 1
    assert WITHOUT not in command.output
    site.oracle.judge().check(duplicates=0)


def _kill_one(site: Site, command: RunningCommand) -> None:
    killed = site.consumers(command)[0]
    killed.kill()
    wait_until(
        lambda: len([process for process in site.consumers(command) if process.pid != killed.pid]) == 2,
        30,
        "nobody took its place",
    )


def test_what_a_task_leaves_behind_is_not_the_runners_to_wait_for(local_site: Site) -> None:
    site = local_site
    (site.folder / "leaves.py").write_text(
        "import subprocess\n\n"
        "def work(n):\n    subprocess.run(['sh', '-c', 'sleep 600 & echo $! > left'], check=True)\n"
    )
    site.write(
        tasks={"work": {"python": "leaves:work"}},
        events={"happened": {"tasks": ["work"]}},
        consumers={"all": {}},
    )
    command = site.start()
    site.send(["m-0"])
    left = site.folder / "left"
    wait_until(lambda: left.exists() and left.read_text().endswith("\n"), 30, "no process was left behind")
    orphan = psutil.Process(int(left.read_text()))
    try:
        assert orphan.ppid() != command.pid
    finally:
        orphan.kill()
    site.end(command)


@pytest.fixture
def start_one(local_site: Site) -> Iterator[Callable[[Starter], None]]:
    """Return what lets a starter start a process, and waits for that to do its work."""
    site = local_site
    site.write_work()
    pipeline = load(str(site.file), {})
    send, receive = open_channel()

    def start(starter: Starter) -> None:
        try_entry_points(pipeline, starter.start, send, lambda *_: None, lambda: False)

    with send, receive:
        yield start


@pytest.fixture
def said() -> list[str]:
    """What a starter says."""
    return []


@pytest.fixture
def begin(said: list[str]) -> Iterator[Callable[..., Starter]]:
    """Return what begins a starter; it is closed at the end."""
    with contextlib.ExitStack() as stack:

        def begin(**settings: Any) -> Starter:
            starter = Starter("tried", lambda _level, text: said.append(text), **settings)
            stack.callback(starter.close)
            return starter

        yield begin


def servers() -> list[psutil.Process]:
    """List the fork servers of this process."""
    return [
        process
        for process in psutil.Process().children()
        if process.status() != psutil.STATUS_ZOMBIE and "fork server" in " ".join(process.cmdline())
    ]


def test_a_fork_server_that_hangs_is_done_without_and_replaced(
    begin: Callable[..., Starter], start_one: Callable[[Starter], None], said: list[str]
) -> None:
    starter = begin(answer_s=15.0)
    start_one(starter)
    (hanging,) = servers()
    hanging.send_signal(signal.SIGSTOP)

    start_one(starter)
    assert said == [
        f"the fork server (pid {hanging.pid}) didn't answer for 15 s and was killed; another one begins"
    ]
    start_one(starter)
    (other,) = servers()
    assert other.pid != hanging.pid
    assert len(said) == 1


@pytest.mark.parametrize("lacks", ["the call", "the effect"])
def test_where_the_kernel_hands_no_processes_over_each_starts_by_itself(
    begin: Callable[..., Starter],
    start_one: Callable[[Starter], None],
    said: list[str],
    monkeypatch: pytest.MonkeyPatch,
    lacks: str,
) -> None:
    if lacks == "the call":
        monkeypatch.setattr(starter_module, "_PR_SET_CHILD_SUBREAPER", 9999)
    else:
        monkeypatch.setattr(starter_module, "_adopting", contextlib.nullcontext)
    starter = begin()
    start_one(starter)
    start_one(starter)

    assert said == [WITHOUT + "the kernel doesn't hand processes over"]
    wait_until(lambda: not servers(), 10, "the fork server is still there")


def test_where_there_is_no_linux_each_starts_by_itself(
    begin: Callable[..., Starter],
    start_one: Callable[[Starter], None],
    said: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    start_one(begin())
    assert not said
    assert not servers()


def test_a_forked_process_is_waited_for_like_any_other(
    begin: Callable[..., Starter], start_one: Callable[[Starter], None]
) -> None:
    starter = begin()
    start_one(starter)
    with pytest.raises(ChildProcessError):
        starter_module.Forked(os.getppid())
