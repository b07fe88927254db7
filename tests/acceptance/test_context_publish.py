"""Publishing from tasks, sync and async, on both brokers."""

import time

from tests.faults.site import Site
from tests.waiting import wait_until

TASKS = """
import asyncio
from ebats import Context, NotConfirmed

def begin(context: Context, n: str, how: dict) -> str:
    return context.publish("followed", {"n": n}, id=f"{context.id}-next", **how)

async def begin_async(context: Context, n: str, how: dict, count: int = 1) -> None:
    payloads = [{"n": f"{n}{number}"} for number in range(count)]
    await asyncio.gather(*(context.publish_async("followed", payload, **how) for payload in payloads))
    await context.run_task_async("work", {"n": f"{n}-task"})

async def begin_blocking(context: Context, n: str) -> None:
    context.publish("followed", {"n": n})
    context.run_task("work", {"n": f"{n}-task"})

def begin_wrong(context: Context, n: str) -> None:
    context.publish("folowed", {"n": n})
"""


def write(site: Site) -> None:
    """A file whose first tasks publish for the second, `work`."""
    (site.folder / "starts.py").write_text(TASKS)
    starts = ("begin", "begin_async", "begin_blocking", "begin_wrong")
    site.write(
        queues={"fast": {}, "slow": {}},
        tasks={
            "work": {"python": "tasks:work", "queues": ["fast", "slow"]},
            **{name: {"python": f"starts:{name}", "queue": "starts"} for name in starts},
        },
        events={
            **{f"{name}_now": {"tasks": [name]} for name in starts},
            "followed": {"tasks": ["work"]},
            "followed_late": {"tasks": [{"task": "work", "delay": "1s"}]},
        },
    )
    text = site.file.read_text().replace('"slow": {}', '"slow": {}, "starts": {}')
    site.file.write_text(text)
    site.declare()


def test_a_task_publishes_and_gets_the_id(site: Site) -> None:
    write(site)
    site.send(["one"], key="begin_now", how={})
    site.send(["two"], key="begin_now", how={"queue": "slow", "headers": {"trace": "t1"}})
    site.run()
    started = {run["n"]: run for run in site.oracle.started()}
    assert set(started) == {"one", "two"}
    assert started["one"]["event"] == started["two"]["event"] == "followed"
    assert started["two"]["headers"]["trace"] == "t1"
    ids = {record["id"] for record in site.records() if record["task"] == "begin"}
    assert {run["id"] for run in started.values()} == {f"{id_}-next" for id_ in ids}


def test_an_async_task_publishes_many_at_once_and_blocking_does_no_harm(site: Site) -> None:
    write(site)
    site.send(["a"], key="begin_async_now", how={}, count=50)
    site.send(["b"], key="begin_blocking_now")
    site.run()
    names = [run["n"] for run in site.oracle.started()]
    assert sorted(names) == sorted([*(f"a{number}" for number in range(50)), "a-task", "b", "b-task"])


def test_a_delay_that_a_task_chose_is_waited_for_until_idle(site: Site) -> None:
    write(site)
    began = time.time()
    site.send(["late"], key="begin_now", how={"delay": "2500ms"})
    site.send(["soon"], key="begin_async_now", how={"delay": 1})
    site.run()
    at = {run["n"]: run["at"] for run in site.oracle.started()}
    assert set(at) == {"late", "soon0", "soon-task"}
    assert at["late"] - began >= 2.5
    assert at["soon0"] - began >= 1.0


def test_an_unknown_event_is_an_exception_of_the_task(site: Site) -> None:
    write(site)
    site.send(["x"], key="begin_wrong_now")
    site.run()
    (record,) = site.records()
    assert record["outcome"] == "dead"
    assert "there is no event 'folowed'; did you mean `followed`?" in record["text"]


def test_what_a_task_published_is_there_when_its_process_is_killed(site: Site) -> None:
    write(site)
    (site.folder / "starts.py").write_text(
        TASKS + "\ndef die(context: Context, n: str) -> None:\n"
        "    import os, signal\n"
        "    context.publish('followed', {'n': n}, id='once')\n"
        "    if not os.path.exists('died'):\n"
        "        open('died', 'w').close(); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    text = site.file.read_text().replace("starts:begin_wrong", "starts:die")
    site.file.write_text(text)
    site.send(["x"], key="begin_wrong_now")
    command = site.start()
    # It ran twice, and published twice, with one id; what it published first may have been cut short with it.
    wait_until(lambda: len(site.oracle.started()) >= 2, 40)
    site.end(command)
    assert {run["id"] for run in site.oracle.started()} == {"once"}
