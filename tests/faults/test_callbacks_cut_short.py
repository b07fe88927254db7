"""HTTP callbacks that are cut short: by time-outs, kills, a broker that goes, and runs that end."""

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web

from tests.brokers import RabbitNode
from tests.faults.site import Site
from tests.merchant import Call, Merchant, Reply, status, success
from tests.waiting import wait_until


def write(site: Site, **task: Any) -> None:
    """Write a file with one event, `happened`, and its one task, `tell`; `task` has `http` in it."""
    site.write(
        tasks={"tell": task},
        events={"happened": {"tasks": ["tell"]}},
        logs={"console": {"std": {}}, "history": {"file": {"path": "log.jsonl", "level": "debug"}}},
    )


def told(merchant: Merchant) -> Counter[str]:
    """Count the requests for each message."""
    return Counter(json.loads(call.body)["n"] for call in merchant.calls)


def by_path(**replies: Reply) -> Reply:
    async def reply(call: Call) -> web.StreamResponse:
        return await replies[call.path.strip("/")](call)

    return reply


def carried(merchant: Merchant, *paths: str) -> list[dict[str, str]]:
    return [{"method": "POST", "url": merchant.url(f"/{path}")} for path in paths]


OWN = {"from": "payload", "allow_hosts": ["127.0.0.1"]}


@pytest.mark.slow
def test_of_several_requests_only_those_that_failed_are_sent_again(site: Site) -> None:
    # Given three requests, of which the second fails twice
    with Merchant() as merchant:
        failing = [status(500), status(500), success]

        async def second(call: Call) -> web.StreamResponse:
            return await failing.pop(0)(call)

        merchant.reply = by_path(a=success, b=second, c=success)
        write(site, http=OWN, retry=["500ms", "500ms", "500ms"])
        site.declare()
        site.send_messages([site.message("m", requests=carried(merchant, "a", "b", "c"))])

        # When it is worked off
        site.run()

        # Then the others were asked once, and each record names all three
        asked = Counter(call.path for call in merchant.calls)
    assert asked == {"/a": 1, "/b": 3, "/c": 1}
    assert not site.take()
    records = site.records()
    outcomes = [[one["outcome"] for one in record["requests"]] for record in records]
    assert outcomes == [
        ["success", "failed", "success"],
        ["skipped", "failed", "skipped"],
        ["skipped", "success", "skipped"],
    ]
    assert [record["outcome"] for record in records] == ["retry", "retry", "success"]
    assert records[0]["text"] == f"request 2 (POST {merchant.url('/b')}): 500 Internal Server Error"


@pytest.mark.slow
def test_what_succeeded_before_the_time_out_of_the_whole_attempt_is_not_sent_again(site: Site) -> None:
    with Merchant() as merchant:
        held = [merchant.hold, success]

        async def slow(call: Call) -> web.StreamResponse:
            return await held.pop(0)(call)

        merchant.reply = by_path(quick=success, slow=slow)
        write(site, http=OWN, retry=["500ms"], timeout="1s")
        site.declare()
        site.send_messages([site.message("m", requests=carried(merchant, "quick", "slow"))])
        site.run()
        asked = Counter(call.path for call in merchant.calls)
    assert asked == {"/quick": 1, "/slow": 2}
    first, last = site.records()
    assert (first["outcome"], first["error"]) == ("retry", "TimeoutError")
    assert "no answer within the time-out of the whole attempt, 1 s" in first["text"]
    assert last["outcome"] == "success"


@pytest.mark.slow
def test_two_hundred_are_in_flight_at_once_from_one_process(site: Site) -> None:
    names = [f"m-{number}" for number in range(250)]
    with Merchant() as merchant:
        merchant.reply = merchant.hold
        write(site, http={"url": merchant.url()})
        command = site.start()
        site.send(names)
        wait_until(lambda: merchant.in_hand == 200, 30, lambda: str(merchant.in_hand))
        merchant.let_go()
        wait_until(lambda: told(merchant) == Counter(names), 30)
        site.end(command)
        assert merchant.most_in_hand == 200
    assert not site.take()


@pytest.mark.slow
def test_kill_in_the_middle_loses_no_callback(site: Site) -> None:
    names = [f"m-{number}" for number in range(60)]
    with Merchant() as merchant:
        merchant.reply = merchant.hold
        write(site, http={"url": merchant.url()}, retry=["500ms"])
        command = site.start()
        site.send(names)
        wait_until(lambda: merchant.in_hand >= 60, 30)

        (process,) = site.consumers(command)
        process.kill()
        merchant.let_go()

        # Each is told again, for nobody knows what became of it.
        wait_until(lambda: all(count >= 2 for count in told(merchant).values()), 60)
        wait_until(lambda: len(site.records()) >= 60, 30)
        site.end(command)
    assert told(merchant).keys() == {*names}
    assert not site.take()


@pytest.mark.slow
def test_a_run_that_ends_hands_back_what_is_in_flight_uncounted(site: Site) -> None:
    names = [f"m-{number}" for number in range(10)]
    with Merchant() as merchant:
        merchant.reply = merchant.hold
        write(site, http={"url": merchant.url()}, retry=["500ms"], timeout="60s")
        command = site.start()
        site.send(names)
        wait_until(lambda: merchant.in_hand == 10, 30)

        # When it isn't answered within the grace time
        site.end(command)

        assert not site.records()
        merchant.let_go()
        site.run()
    assert told(merchant) == Counter(names * 2)
    assert {(one["attempt"], one["outcome"]) for one in site.records()} == {(1, "success")}
    assert not site.take()


@pytest.mark.slow
def test_callbacks_go_on_when_the_broker_comes_back(
    own_node: Callable[..., RabbitNode], make_site: Callable[[str], Site]
) -> None:
    node = own_node()
    site = make_site(node.url)
    names = [f"m-{number}" for number in range(50)]
    with Merchant() as merchant:
        merchant.reply = merchant.hold
        write(site, http={"url": merchant.url()}, retry=["500ms"])
        command = site.start()
        site.send(names)
        wait_until(lambda: merchant.in_hand == 50, 30)

        node.kill()
        # An acknowledgement that goes out before anybody notices is lost with the connection, and what
        # has no id of its own can't be known again then: it may be told twice.
        command.wait_for_output("the connection to the broker was lost", 30)
        merchant.let_go()
        node.start()

        # What was answered meanwhile is settled over the new connection, and not told again.
        wait_until(lambda: len(site.records()) == 50, 60, lambda: str(len(site.records())))
        site.wait_ready("tell", 0)
        site.end(command)
    assert told(merchant) == Counter(names)
    assert not site.take()


def test_only_processes_with_http_tasks_load_an_http_client(local_site: Site) -> None:
    with Merchant() as merchant:
        local_site.write(
            tasks={
                "tell": {"http": {"url": merchant.url()}, "queue": "out"},
                "work": {"python": "tasks:work", "queue": "in"},
            },
            queues={"in": {}, "out": {}},
            events={"happened": {"tasks": ["tell", "work"]}},
            consumers={"out": {"queues": ["out"]}, "in": {"queues": ["in"]}},
        )
        command = local_site.start()
        local_site.send(["m"])
        wait_until(lambda: len(local_site.records()) == 2, 30)
        loaded = {
            kind: any("aiohttp" in one.path for one in local_site.consumers(command, kind)[0].memory_maps())
            for kind in ("in#", "out#")
        }
        local_site.end(command)
    assert loaded == {"in#": False, "out#": True}
