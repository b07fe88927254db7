"""The processes of a run: hooks, limits, entry points that are no good, processes that always die."""

import re
from pathlib import Path

import psutil
import pytest

from tests.faults.site import Site
from tests.waiting import wait_until

HOOKS = {"on_start": "tasks:begins", "on_stop": "tasks:ends", "on_error": "tasks:fails"}


def hooks(site: Site) -> list[list[str]]:
    """Return what the hooks have noted, a list of words for each call."""
    path = site.folder / "hooks"
    return [line.split() for line in path.read_text().splitlines()] if path.exists() else []


def test_hooks_are_called_at_start_at_stop_and_for_each_failed_attempt(site: Site) -> None:
    site.write_work({"processes": 2, **HOOKS}, retry=["100ms"])
    site.declare()
    site.send(["bad"], do="raise")
    site.send(["good"])

    site.run("--fail-on-dead", code=1)

    calls = hooks(site)
    starts, stops = ([call for call in calls if call[0] == word] for word in ("start", "stop"))
    assert len({call[1] for call in starts}) == 2
    assert sorted(call[1] for call in stops) == sorted(call[1] for call in starts)
    assert {call[2] for call in stops} == {"stop"}
    (letter,) = site.take()
    identity = letter.properties["message_id"]
    assert [call[1:] for call in calls if call[0] == "error"] == [
        [identity, "1", "ValueError"],
        [identity, "2", "ValueError"],
    ]


def test_process_leaves_after_its_most_tasks_and_is_replaced(site: Site) -> None:
    site.write_work({"concurrency": 2, "prefetch": 4, "max_tasks": 10, **HOOKS})
    command = site.start()
    site.send([f"m-{number}" for number in range(60)], seconds=0.05)
    site.wait_done()

    site.end(command)
    stops = [call for call in hooks(site) if call[0] == "stop"]
    assert [call[2] for call in stops].count("max_tasks") >= 3
    assert "died" not in command.output
    site.oracle.judge().check(duplicates=0)


def test_process_leaves_above_its_most_memory_and_is_replaced(site: Site) -> None:
    site.write_work({"concurrency": 2, "prefetch": 4, "max_memory": "100MB", **HOOKS})
    command = site.start()
    site.send([f"m-{number}" for number in range(4)], do="eat", seconds=0.1)
    site.send([f"after-{number}" for number in range(10)])
    site.wait_done()
    wait_until(lambda: "max_memory" in {call[-1] for call in hooks(site)}, 10, "nobody left")

    site.end(command)
    assert "died" not in command.output
    site.oracle.judge().check(duplicates=0)


def test_process_that_hangs_leaves_with_the_reason_timeout(site: Site) -> None:
    site.write_work({"concurrency": 1, **HOOKS}, timeout="1s", retry=["100ms"])
    site.declare()
    site.send(["m-0"], do="hang_once")

    site.run("--fail-on-dead")

    assert "timeout" in {call[2] for call in hooks(site) if call[0] == "stop"}


def test_entry_points_that_are_no_good_are_problems_with_their_places(
    local_site: Site,
) -> None:
    site = local_site
    (site.folder / "broken.py").write_text("import nowhere_to_be_found\n")
    site.write(
        tasks={
            "gone": {"python": "broken:task"},
            "misspelt": {"python": "tasks:wrok"},
            "fine": {"python": "tasks:work"},
        },
        consumers={"all": {"on_start": "tasks:ACTS"}},
    )

    command = site.launch()

    assert command.wait(20) == 78, command.output
    lines = site.file.read_text().splitlines()
    for text, what in (
        ("broken:task", "nowhere_to_be_found"),
        ("tasks:wrok", "wrok"),
        ("tasks:ACTS", "no function"),
    ):
        number = next(number for number, line in enumerate(lines, 1) if text in line)
        column = lines[number - 1].index(f'"{text}"') + 1
        (said,) = [line for line in command.output.splitlines() if f":{number}:{column}: error" in line]
        assert what in said
    assert not (site.folder / "log.jsonl").exists() or not site.oracle.started()
    wait_until(lambda: not command.family(), 10, "processes were left behind")


@pytest.mark.parametrize(
    ("module", "said"),
    [
        ("import os\nos._exit(5)\n", "ended the process that tried: exit code 5"),
        ("import os\nos._exit(0)\n", "ended the process that tried: exit code 0"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n", "killed by SIGSEGV"),
        ("raise KeyboardInterrupt\n", "KeyboardInterrupt"),
        ("raise SystemExit(3)\n", "SystemExit"),
    ],
)
def test_module_that_ends_its_process_is_a_problem_with_its_line(
    local_site: Site, module: str, said: str
) -> None:
    site = local_site
    (site.folder / "deadly.py").write_text(module)
    site.write(tasks={"work": {"python": "deadly:task"}})

    command = site.launch()

    assert command.wait(20) == 78
    assert re.search(rf"{re.escape(str(site.file))}:\d+:\d+: error\[EB301\]: .*deadly:task", command.output)
    assert said in command.output
    assert "runs" not in command.output


def test_module_that_takes_long_is_named_and_a_signal_ends_the_wait(local_site: Site) -> None:
    site = local_site
    (site.folder / "slow.py").write_text("import time\ntime.sleep(600)\n")
    site.write(tasks={"work": {"python": "slow:task"}})

    command = site.launch()

    command.wait_for_output("importing slow:task")
    command.terminate()
    assert command.wait(20) == 0
    assert "died" not in command.output
    wait_until(lambda: not command.family(), 10, "processes were left behind")


def test_what_a_task_forks_ends_by_a_signal_as_any_process(local_site: Site) -> None:
    site = local_site
    (site.folder / "forks.py").write_text(
        "import os, signal, time\n\n\n"
        "def fork():\n"
        "    pid = os.fork()\n"
        "    if not pid:\n"
        "        time.sleep(600)\n"
        "    time.sleep(0.2)\n"
        "    os.kill(pid, signal.SIGTERM)\n"
        "    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGTERM\n"
    )
    site.write(tasks={"fork": {"python": "forks:fork", "timeout": "20s"}})
    site.declare()
    site.send(["m-0"], exchange="tasks", key="fork")
    site.run("--fail-on-dead")


@pytest.mark.slow
def test_processes_that_always_die_end_the_run_with_a_clear_message(local_site: Site) -> None:
    # Given a hook that ends each process as it begins, and a minute of patience in ten deaths
    site = local_site
    (site.folder / "deadly.py").write_text("import os\n\n\ndef end():\n    os._exit(7)\n")
    site.write_work({"on_start": "deadly:end"})

    command = site.launch()

    assert command.wait(110) == 1
    assert "all#1 died" in command.output
    assert "times in a row" in command.output
    assert "exit code 7" in command.output
    wait_until(lambda: not command.family(), 10, "processes were left behind")


def test_only_the_named_consumers_run(site: Site) -> None:
    site.write(
        tasks={"work": {"python": "tasks:work"}, "other": {"python": "tasks:other"}},
        events={"happened": {"tasks": ["work", "other"]}},
        consumers={"one": {"queues": ["work"]}, "two": {"queues": ["other"]}},
    )
    site.declare()
    site.send(["m-0"])

    site.run("--only", "two")

    assert [run["task"] for run in site.oracle.done()] == ["other"]
    assert site.ready("work") == 1
    site.run("--only", "one", "--only", "two")
    assert sorted(run["task"] for run in site.oracle.done()) == ["other", "work"]


def test_processes_are_called_by_pipeline_and_consumer(site: Site) -> None:
    site.write_work({"processes": 2})
    command = site.start()
    wait_until(lambda: len(site.consumers(command)) == 2, 10, "two consumers")

    titles = {psutil.Process(process.pid).cmdline()[0] for process in command.family()}

    name = f"ebats: {site.name}"
    assert {f"{name} runner", f"{name} all#1", f"{name} all#2", f"{name} writer"} <= titles
    site.end(command)


def test_runs_write_nothing_beside_the_file_but_what_it_names(local_site: Site) -> None:
    site = local_site
    site.write_work()
    before = names(site.folder)

    site.run()

    new = {name for name in names(site.folder) - before if not name.startswith("broker.db")}
    assert new <= {"log.jsonl", "state", "__pycache__"}


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}
