"""Hosts that are slow or down: the others keep their pace, and messages wait without using up attempts."""

import json
import time
from collections.abc import Sequence
from typing import Any

import pytest

from tests.brokers import free_port
from tests.commands import run_ebats
from tests.faults.site import Site
from tests.merchant import Merchant, status
from tests.waiting import wait_until

LOOPBACK = ["127.0.0.0/8"]
SLOW, FAST = 500, 300


def write(site: Site, consumer: dict[str, Any] | None = None, retry: Sequence[str] = (), **http: Any) -> None:
    """Write a file whose one task calls the `url` of its payload."""
    tell = {"url": "{{ url }}", "allow_hosts": LOOPBACK, "json": {"n": "{{ n }}"}, **http}
    site.write(
        tasks={"tell": {"http": tell, **({"retry": list(retry)} if retry else {})}},
        events={"happened": {"tasks": ["tell"]}},
        consumers={"all": consumer or {}},
        logs={"console": {"std": {}}, "history": {"file": {"path": "log.jsonl", "level": "debug"}}},
    )
    site.declare()


def names(prefix: str, count: int) -> list[str]:
    return [f"{prefix}-{number}" for number in range(count)]


def told(merchant: Merchant) -> set[str]:
    return {json.loads(call.body)["n"] for call in merchant.calls}


def pace(site: Site, merchant: Merchant, prefix: str) -> float:
    """Have the fast host called back; return how many seconds it takes till it has heard all."""
    sent = names(prefix, FAST)
    began = time.monotonic()
    site.send(sent, url=merchant.url())
    wait_until(
        lambda: told(merchant) >= {*sent}, 60, lambda: f"{len(told(merchant))} of {FAST}", every_s=0.005
    )
    return time.monotonic() - began


@pytest.mark.slow
def test_a_fast_host_keeps_its_pace_beside_500_that_are_in_flight_to_a_slow_one(site: Site) -> None:
    # Half of the concurrency is the most of one host.
    write(site, {"concurrency": 2 * SLOW, "prefetch": 3 * SLOW})
    with Merchant() as fast, Merchant() as slow:
        slow.reply = slow.hold
        command = site.start()
        alone_s = min(pace(site, fast, f"alone-{turn}") for turn in range(2))
        site.send(names("slow", SLOW + 200), url=slow.url())
        wait_until(lambda: slow.in_hand == SLOW, 60, lambda: f"{slow.in_hand} in flight")

        beside_s = min(pace(site, fast, f"beside-{turn}") for turn in range(2))

        assert slow.in_hand == slow.most_in_hand == SLOW
        assert beside_s < 5 * alone_s
        slow.let_go()
        wait_until(lambda: told(slow) == {*names("slow", SLOW + 200)}, 60)
        site.end(command)
    assert not site.take()
    # Those that waited for a place used up nothing.
    assert {record["attempt"] for record in site.records()} == {1}
    assert [record for record in site.records() if "max_per_host" in record.get("text", "")]


@pytest.mark.slow
def test_a_host_that_is_down_is_left_alone_and_uses_up_no_attempts(site: Site) -> None:
    merchant = Merchant(port=free_port())
    write(site, {"concurrency": 10}, retry=["500ms"] * 2, breaker={"after": 5, "max_age": "10m"})
    command = site.start()
    sent = names("m", 40)
    site.send(sent, url=merchant.url())
    command.wait_for_output("is down", 30)
    host = f"127.0.0.1:{merchant.port}"
    wait_until(lambda: down(site) == {host}, 20)
    text = run_ebats("status", site.file, env={"EBATS_STATE_DIR": str(site.folder / "state")}).stdout
    assert f"tell  {host}  all#1" in text
    # Longer than all the attempts that a message has.
    time.sleep(4)

    with merchant:
        command.wait_for_output("is up again", 60)
        wait_until(lambda: told(merchant) == {*sent}, 60, lambda: f"{len(told(merchant))} told")
        wait_until(lambda: not down(site), 20)
        site.end(command)

    assert not site.take()
    records = site.records()
    waits = [record for record in records if record["outcome"] == "postponed"]
    # All but the probes say why.
    assert any(record["text"].startswith(f"{host} is down") for record in waits)
    # What had been sent when nobody knew, and one probe at a time: nothing else was tried.
    tried = [record for record in records if record["outcome"] == "retry"]
    assert len(tried) <= 5 + 10
    assert {record["attempt"] for record in waits} <= {1, 2, 3}


@pytest.mark.slow
def test_killed_while_messages_wait_for_a_host_that_is_down(site: Site) -> None:
    merchant = Merchant(port=free_port())
    write(
        site, {"concurrency": 4, "prefetch": 10}, retry=["500ms"] * 9, breaker={"after": 3, "max_age": "10m"}
    )
    sent = names("m", 50)
    site.send(sent, url=merchant.url())
    for _ in range(3):
        command = site.start()
        command.wait_for_output("is down", 30)
        time.sleep(0.7)
        command.kill_all()

    with merchant:
        site.run("--fail-on-dead")
        assert told(merchant) == {*sent}


@pytest.mark.slow
def test_what_waits_too_long_for_its_host_is_dead(site: Site) -> None:
    url = f"http://127.0.0.1:{free_port()}/"
    write(site, {"concurrency": 4}, retry=["500ms"] * 3, breaker={"after": 2, "max_age": "2s"})

    site.send(names("m", 8), url=url)
    site.run()

    letters = site.take()
    assert len(letters) == 8
    reasons = [letter.headers["ebats-reason"] for letter in letters]
    assert set(reasons) <= {"expired", "exhausted"}
    assert reasons.count("expired") >= 4
    texts = [letter.headers["ebats-text"] for letter in letters]
    assert sum("for its host, longer than max_age" in text for text in texts) == reasons.count("expired")


@pytest.mark.slow
def test_a_host_that_answers_wrongly_is_not_down(local_site: Site) -> None:
    write(local_site, retry=["500ms"], breaker={"after": 1, "max_age": "1m"}, success={"body": "success"})
    with Merchant(status(404, "fail")) as merchant:
        local_site.send(names("m", 5), url=merchant.url())
        local_site.run()
    assert [letter.headers["ebats-reason"] for letter in local_site.take()] == ["exhausted"] * 5
    assert not [record for record in local_site.records() if record["outcome"] == "postponed"]


@pytest.mark.parametrize("code", [429, 500, 503])
def test_a_host_that_says_it_can_not_is_down(local_site: Site, code: int) -> None:
    write(local_site, {"concurrency": 1}, retry=["500ms"], breaker={"after": 2, "max_age": "1m"})
    with Merchant() as merchant:
        merchant.replies = [status(code)] * 2
        local_site.send(names("m", 5), url=merchant.url())
        output = local_site.run()
    assert "is down" in output
    assert "is up again" in output
    assert not local_site.take()
    assert told(merchant) == {*names("m", 5)}


def down(site: Site) -> set[str]:
    """Return the hosts that `ebats status` calls down."""
    environ = {"EBATS_STATE_DIR": str(site.folder / "state")}
    found = json.loads(run_ebats("status", site.file, "--format", "json", env=environ).stdout)
    return {
        host
        for runner in found["runners"]
        for process in runner["processes"]
        for hosts in process.get("hosts", {}).values()
        for host, state in hosts.items()
        if state["state"] == "down"
    }
