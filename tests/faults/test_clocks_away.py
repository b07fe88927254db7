"""Clocks whose broker goes, or doesn't let them: ticks wait for it, and none is lost."""

import json
import time
from collections.abc import Callable

import pytest

from ebats.runner.broker import prune as pruning
from ebats.runner.commands import prune
from tests.brokers import RabbitNode
from tests.commands import run_ebats
from tests.conftest import Broker
from tests.faults.clocks import check_gapless, launch, leads, ticked, wait_ticks, write
from tests.faults.site import Site
from tests.proxy import Proxy
from tests.waiting import wait_until

Make = Callable[[str], Site]

pytestmark = pytest.mark.slow


def test_ticks_wait_for_a_broker_that_was_killed(
    own_node: Callable[..., RabbitNode], make_site: Make
) -> None:
    node = own_node()
    site = make_site(node.url)
    write(site, every="500ms")
    command = launch(site)
    wait_ticks(site, 4)
    node.kill()
    time.sleep(3)
    node.start()
    before = len({*ticked(site)})
    wait_ticks(site, before + 12, 60)
    site.end(command)
    times = check_gapless(site, 500)
    # What was in hand, published or run, when the broker went.
    assert sum(times.values()) - len(times) <= 3


def test_connections_that_are_closed_again_and_again_lose_no_tick(rabbitmq: Broker, make_site: Make) -> None:
    site = make_site(rabbitmq.url)
    write(site, every="200ms")
    first, second = launch(site), launch(site)
    assert rabbitmq.node
    for _ in range(4):
        before = len({*ticked(site)})
        rabbitmq.node.close_connections(rabbitmq.vhost)
        wait_ticks(site, before + 5)
    site.end(first)
    site.end(second)
    times = check_gapless(site, 200)
    assert sum(times.values()) - len(times) <= 4 * 4


def test_a_leader_that_is_cut_off_does_not_publish_and_another_takes_over(
    rabbitmq_port: tuple[str, int], proxy_to: Callable[[int], Proxy], make_site: Make
) -> None:
    vhost, port = rabbitmq_port
    proxy = proxy_to(port)
    site = make_site(f"amqp://guest:guest@127.0.0.1:{proxy.port}/{vhost}")
    broker = {"url": site.url, "heartbeat": "1s"}
    write(site, broker, every="500ms")
    cut_off = launch(site)
    wait_ticks(site, 3)
    direct = {**broker, "url": f"amqp://guest:guest@127.0.0.1:{port}/{vhost}"}
    write(site, direct, every="500ms")
    other = launch(site)
    assert leads(other) == 0

    # When nothing comes through to either side, and nobody says so
    proxy.block()

    wait_until(lambda: leads(other) == 1, 30, lambda: other.output[-4000:])
    before = len({*ticked(site)})
    wait_ticks(site, before + 5)
    proxy.resume()
    cut_off.wait_for_output("another runner fires the ticks", 40)
    site.end(cut_off)
    site.end(other)
    times = check_gapless(site, 500)
    # What the broker had, and had not confirmed to the one that was cut off.
    assert sum(times.values()) - len(times) <= 3


def test_a_lock_that_somebody_deletes_is_taken_again(rabbitmq: Broker, make_site: Make) -> None:
    site = make_site(rabbitmq.url)
    write(site, every="200ms")
    command = launch(site)
    wait_ticks(site, 2)
    assert rabbitmq.node
    rabbitmq.node.evaluate(
        f'{{ok, Queue}} = rabbit_amqqueue:lookup(rabbit_misc:r(<<"{rabbitmq.vhost}">>, queue,'
        f' <<"site.ticks.clock.lock">>)), rabbit_amqqueue:delete(Queue, false, false, <<"test">>).'
    )
    command.wait_for_output("the queue site.ticks.clock.lock was deleted", 30)
    wait_until(lambda: leads(command) == 2, 30, lambda: command.output[-4000:])
    before = len({*ticked(site)})
    wait_ticks(site, before + 2)
    site.end(command)
    check_gapless(site, 200)


def test_declaring_nothing_needs_the_right_to_its_lock_and_says_so(
    each_rabbitmq: Broker, make_site: Make
) -> None:
    site = make_site(each_rabbitmq.url)
    write(site, every="200ms")
    site.declare()
    rights = {"write": r"^(site\.|amq\.default$)", "read": r"^site\."}
    never = {"url": each_rabbitmq.url_of_user(configure="^$", **rights), "declare": "never"}
    write(site, never, every="200ms")
    refused = site.launch()
    assert refused.wait(40) == 78
    lacks = (
        r"may not configure the queue site.ticks.clock.lock: add ^site\.ticks\.clock\.lock$ to its configure"
    )
    assert lacks in refused.output

    each_rabbitmq.url_of_user(configure=r"^site\.ticks\.", **rights)
    command = launch(site)
    wait_ticks(site, 3)
    # A second one looks, too, though the first has the lock.
    site.end(launch(site))
    site.end(command)
    check_gapless(site, 200)


def test_a_queue_that_was_deleted_is_told_and_ticks_go_on_once_it_is_there(site: Site) -> None:
    write(site, every="200ms")
    command = launch(site)
    wait_ticks(site, 2)
    site.delete("ticks.clock")
    command.wait_for_output("`ebats apply` makes", 40)
    site.declare()
    before = len({*ticked(site)})
    wait_ticks(site, before + 3)
    site.end(command)
    check_gapless(site, 200)


def test_status_shows_the_last_and_the_next_tick_and_who_fires(site: Site) -> None:
    write(site, every="200ms")
    environ = {"EBATS_STATE_DIR": str(site.folder / "state")}
    first, second = launch(site), launch(site)
    wait_ticks(site, 3)

    def clocks() -> list[dict[str, object]]:
        told = json.loads(run_ebats("status", site.file, "--format", "json", env=environ).stdout)
        processes = [process for runner in told["runners"] for process in runner["processes"]]
        return sorted(
            (process for process in processes if process["name"] == "clock#1" and process.get("next")),
            key=lambda process: not process["leads"],
        )

    wait_until(lambda: [each["leads"] for each in clocks()] == [True, False] and clocks()[0]["last"], 20)
    text = run_ebats("status", site.file, env=environ).stdout
    site.end(first)
    site.end(second)
    rows = [line.split() for line in text.splitlines() if line.startswith("clock ")]
    assert sorted(row[1] for row in rows) == ["no", "yes"]
    assert "CLOCK" in text
    assert "FIRES" in text


def test_the_queue_of_a_clock_that_left_the_file_is_pruned_unless_somebody_goes_by_it(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(site, every="200ms")
    command = launch(site)
    wait_ticks(site, 1)
    write(site, name="other", every="1h")
    site.declare()
    monkeypatch.setattr(pruning, "_RECENT_S", 0.0)
    planned = run_ebats("plan", site.file).stdout

    assert prune.main(str(site.file), {}, yes=True) == 0
    stays = capsys.readouterr().out
    site.end(command)
    assert prune.main(str(site.file), {}, yes=True) == 0

    assert f"{site.name}.ticks.clock has left the file" not in planned  # it is applied
    assert f"{site.name}.ticks.clock  stays: a runner with an older file goes by it" in stays
    assert not site.exists("ticks.clock")
    assert site.exists("ticks.other")
