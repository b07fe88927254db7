"""Row 18, tasks of hours, in seconds: the broker's consumer timeout is lowered, and the file says so.

With a limit of 6 s a message is parked after 2 s, its lease is renewed every half second, and comes
back 1.5 s after the process has died. The embedded broker has no such limit, whatever the file says.
"""

import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from tests.brokers import RabbitNode, Release
from tests.commands import RunningCommand
from tests.faults.long_site import LIMIT_S, LongSite
from tests.faults.rows.finding import Finding
from tests.faults.rows.forms import on_rabbitmq
from tests.faults.rows.lines import check_told, told
from tests.faults.site import Site
from tests.faults.test_publisher import alarm
from tests.waiting import wait_until

pytestmark = pytest.mark.row(18)

TWICE_S = 2 * LIMIT_S + 1

Lowered = Callable[[str], RabbitNode]


@pytest.fixture(scope="module")
def lowered() -> Iterator[Lowered]:
    """Start nodes that take messages back after `LIMIT_S`, one of a kind."""
    nodes: dict[str, RabbitNode] = {}
    with ExitStack() as stack:

        def node(kind: str) -> RabbitNode:
            if kind not in nodes:
                nodes[kind] = stack.enter_context(RabbitNode(Release.find(kind)))
                lower(nodes[kind])
            return nodes[kind]

        yield node


def lower(node: RabbitNode) -> None:
    """Lower a running node's consumer timeout, for the channels to come."""
    node.evaluate(f"application:set_env(rabbit, consumer_timeout, {LIMIT_S * 1000}).")
    node.evaluate("application:set_env(rabbit, channel_tick_interval, 500).")


MakeLongSite = Callable[[str], LongSite]


@pytest.fixture
def make_long_site(
    tmp_path: Path, lowered: Lowered, start_ebats: Callable[..., RunningCommand]
) -> Iterator[MakeLongSite]:
    """Make a site on a broker of a kind."""
    vhosts = []

    def make(kind: str) -> LongSite:
        folder = tmp_path / "site"
        folder.mkdir()
        if kind == "sqlite":
            path = tmp_path / "broker.db"
            site = LongSite(folder, f"sqlite:///{path}", "long", start_ebats)
            site.list_queues = lambda: _sqlite_queues(path)
            return site
        node, vhost = lowered(kind), f"v{time.monotonic_ns()}"
        node.add_vhost(vhost)
        vhosts.append((node, vhost))
        site = LongSite(folder, node.url_of(vhost), "long", start_ebats)
        site.list_queues = lambda: node.list_queues(vhost)
        return site

    yield make
    for node, vhost in vhosts:
        node.delete_vhost(vhost)


@pytest.fixture
def site(kind: str, make_long_site: MakeLongSite) -> LongSite:
    """A pipeline of long tasks, on the broker of the parameter `kind`."""
    return make_long_site(kind)


def _sqlite_queues(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as db:
        return [name for (name,) in db.execute("SELECT name FROM queue")]


def starts_of(site: Site, n: str, task: str = "work") -> list[dict[str, Any]]:
    return [run for run in site.oracle.started() if (run["n"], run["task"]) == (n, task)]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", "rabbitmq310", "rabbitmq40"])
def test_tasks_of_twice_the_limit_run_once(site: LongSite, finding: Finding) -> None:
    # Given a sync and an async task that take twice the limit, with others behind them and beside them
    site.write_long(
        consumers={"all": {"concurrency": 2, "prefetch": 20}}, tasks={"work": {}, "work_async": {}}
    )
    command = site.start()
    site.send(["sync"], "tasks", "work", seconds=TWICE_S)
    site.send(["async"], "tasks", "work_async", seconds=TWICE_S)
    site.wait_started(2)
    # Both slots are taken: these wait behind the long ones.
    site.send([f"m-{number}" for number in range(10)], "tasks", "work")

    site.wait_done(deadline_s=60)

    site.wait_no_leases()
    site.end(command)
    assert not site.ready("long")
    assert len(site.oracle.started()) == 12
    assert all("x-delivery-count" not in run["headers"] for run in site.oracle.started())
    assert "lost" not in command.output, command.output
    finding.caused(2)
    finding.add(site.oracle.judge(), duplicates=0)
    assert {record["outcome"] for record in site.records()} == {"success"}


@pytest.mark.slow
@on_rabbitmq
def test_without_leases_that_message_alone_comes_again(site: LongSite, finding: Finding) -> None:
    # Given a file that says that the broker has no limit, which isn't true
    site.write_long(limit="none", consumers={"all": {"processes": 2, "concurrency": 2, "prefetch": 4}})
    command = site.start()
    site.send(["long"], "tasks", "work", seconds=LIMIT_S + 2)
    site.wait_started(1)
    site.send([f"m-{number}" for number in range(20)], "tasks", "work", seconds=0.2)

    # When the broker closes the channel on which nothing was acknowledged for so long
    taken_back = rf"was lost: .* isn't acknowledged within {LIMIT_S} seconds.*`consumer_timeout: {LIMIT_S}s`"
    wait_until(lambda: told(command.output, taken_back), 30, "the broker takes nothing back")
    site.send(["late"], "tasks", "work")

    # Then the others are done once, and it perhaps once for each time that it came
    site.wait_done()
    wait_until(lambda: not site.ready("long"), 30, "it comes again and again")
    site.end(command)
    assert not site.leases()
    times = told(command.output, taken_back)
    finding.caused(times)
    runs = Counter(run["n"] for run in site.oracle.started())
    assert runs.pop("long") <= 1 + times
    assert {*runs.values()} == {1}
    finding.add(site.oracle.judge(letter.n for letter in site.take()), duplicates=times)
    check_told(command, begins=taken_back, over="connected to the broker again", at_most=6)


@on_rabbitmq
def test_killed_process_loses_no_parked_message(site: LongSite, finding: Finding) -> None:
    # Given two tasks of one event that share a delivery, both parked
    site.write_long(tasks={"work": {}, "other": {}})
    command = site.start()
    (process,) = site.consumers(command)
    site.send(["both"], do="hang_once", other_do="hang_other_once")
    site.send(["neighbour"], "tasks", "work", do="hang_once")
    site.wait_started(3)
    site.wait_parked(3)

    # When their process is killed
    parked = set(site.leases())
    process.kill()

    # Then all three run again, at the same attempt, and no queue is left
    site.wait_started(6)
    site.wait_done(deadline_s=40)
    wait_until(lambda: not parked & set(site.leases()), 15, "the leases of the dead are still there")
    site.end(command)
    assert not site.leases()
    for n, task in (("both", "work"), ("both", "other"), ("neighbour", "work")):
        first, second = starts_of(site, n, task)
        assert (first["attempt"], second["attempt"]) == (1, 1)
        assert first["id"] == second["id"]
        assert first["event"] == second["event"]
        assert second["headers"]["ebats-cut"] == 1
    assert not site.take()
    finding.caused()
    # `both` has two tasks.
    finding.add(site.oracle.judge(), duplicates=1)


@on_rabbitmq
def test_message_that_kills_its_process_when_it_is_parked_ends_dead(site: LongSite, finding: Finding) -> None:
    site.write_long()
    command = site.start()
    site.send(["poison"], "tasks", "work", do="kill_late")
    site.send(["good"], "tasks", "work")

    site.wait_ready("dead", 1, deadline_s=60)

    site.wait_no_leases()
    site.end(command)
    # More than one where a kill hit the moment at which a lease was replaced.
    letters = site.take()
    assert {letter.n for letter in letters} == {"poison"}
    assert {letter.headers["ebats-reason"] for letter in letters} == {"crashed"}
    assert [run["headers"].get("ebats-cut") for run in starts_of(site, "poison")][:2] == [None, 1]
    assert "it runs alone from now on" in command.output
    assert site.oracle.done_names() == {"good"}
    finding.caused(command.output.count(" died: "))
    finding.add(site.oracle.judge(letter.n for letter in letters), duplicates=0)


@on_rabbitmq
def test_process_killed_between_making_and_filling_a_lease_queue_leaves_none(
    make_long_site: MakeLongSite, lowered: Lowered, kind: str
) -> None:
    # Given a run that is about to be parked, on a broker that makes queues and takes no messages
    site, node = make_long_site(kind), lowered(kind)
    site.write_long()
    command = site.start()
    (process,) = site.consumers(command)
    site.send(["m"], "tasks", "work", do="hang_once")
    site.wait_started(1)
    with alarm(node):
        wait_until(site.leases, 15, "no lease queue", every_s=0.01)
        time.sleep(0.3)
        assert [site.ready(name.removeprefix("long.")) for name in site.leases()] == [0]

        # When its process is killed
        process.kill()

        # Then the queue, from which nothing would ever come back, is deleted, and the message runs again
        site.wait_no_leases()
    site.wait_done()
    site.end(command)
    assert [run["n"] for run in site.oracle.started()] == ["m", "m"]
    assert not site.leases()


@on_rabbitmq
def test_sigterm_hands_parked_message_back_uncounted(site: LongSite) -> None:
    site.write_long(grace="1s")
    command = site.start()
    site.send(["m"], "tasks", "work", seconds=30)
    site.wait_started(1)
    site.wait_parked()

    site.end(command)

    assert not site.leases()
    assert site.ready("long") == 1
    (letter,) = site.take("long")
    assert (letter.n, letter.headers["ebats-attempt"]) == ("m", 1)
    assert "ebats-cut" not in letter.headers
    # Nor does anything come back later.
    time.sleep(LIMIT_S / 4 + 1)
    assert site.ready("long") == 0


def test_restart_of_the_broker_starts_no_parked_run_again(
    own_node: Callable[..., RabbitNode], make_long_site: MakeLongSite
) -> None:
    # Given a parked run
    node = own_node()
    site = make_long_site("sqlite")
    site.url, site.list_queues = node.url, node.list_queues
    site.write_long()
    command = site.start()
    site.send(["m"], "tasks", "work", seconds=25)
    site.wait_started(1)
    site.wait_parked()

    # When the broker is away for longer than the lease lasts
    node.restart()

    # Then the message that came back is known, and parked again
    site.wait_done(deadline_s=60)
    site.wait_no_leases()
    wait_until(lambda: not site.ready("long"), 10)
    site.end(command)
    assert len(site.oracle.started()) == 1
    assert not node.list_queues() or not site.leases()


def test_user_who_may_make_no_lease_queue_is_told_so_once(
    make_long_site: MakeLongSite, lowered: Lowered
) -> None:
    site = make_long_site("rabbitmq310")
    node, vhost = lowered("rabbitmq310"), site.url.rpartition("/")[2]
    site.write_long()
    site.declare()
    node.add_user(vhost, "secret")
    node.permit(vhost, vhost, configure="^long\\\\.(?!lease)")
    site.url = node.url_of(vhost, vhost, "secret")
    site.write_long()
    command = site.start()
    site.send(["m"], "tasks", "work", seconds=4)
    site.wait_done()
    site.end(command)
    assert command.output.count("a lease queue can't be made") == 1, command.output
    assert len(site.oracle.started()) == 1
