"""RabbitMQ's disk alarm: publishers are told at once, consumers go on, and all goes on when it is over."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from ebats import NotConfirmed, Publisher
from tests.brokers import RabbitNode
from tests.faults.rows.finding import Finding
from tests.faults.rows.forms import forms, on_rabbitmq
from tests.faults.rows.lines import check_told
from tests.faults.rows.load import posting, start_with_gateway
from tests.faults.site import Site
from tests.gateway import Gateway
from tests.integration.test_publisher import bodies, write
from tests.integration.wire import Wire
from tests.node_client import NodeClient
from tests.waiting import wait_until

pytestmark = pytest.mark.row(11)

#: RabbitMQ's own limit.
FREE = 50_000_000
BACKLOG, FAILING = 400, 10


@contextmanager
def disk_alarm(node: NodeClient) -> Iterator[None]:
    """Let a node's disk be too full for a while."""
    begin = "rabbit_disk_monitor:set_disk_free_limit(1 bsl 60)"
    end = f"rabbit_disk_monitor:set_disk_free_limit({FREE})"
    if node.evaluate("rabbit_disk_monitor:get_disk_free().") == "'NaN'":
        # In a folder without /proc it can't look at its disk: then what it does when it finds it full.
        alarm = "{resource_limit, disk, node()}"
        begin, end = f"rabbit_alarm:set_alarm({{{alarm}, []}})", f"rabbit_alarm:clear_alarm({alarm})"
    node.evaluate(f"{begin}.")
    try:
        wait_until(lambda: "disk" in node.evaluate("rabbit_alarm:get_alarms()."), 20, "the alarm")
        yield
    finally:
        node.evaluate(f"{end}.")


@on_rabbitmq
@forms(quick=3, full=60)
def test_an_alarm_stops_publishers_alone(
    breakable: tuple[RabbitNode, Site], finding: Finding, form: float
) -> None:
    # Given a pipeline at work, with a backlog, and behind it messages that go to a rung
    node, site = breakable
    gateway = Gateway(site=site)
    command = start_with_gateway(gateway)
    backlog = [f"backlog-{number}" for number in range(BACKLOG)]
    failing = [f"failing-{number}" for number in range(FAILING)]
    with posting(gateway, failing=False) as posts:
        posts.wait_for_more("202", 10)
        site.send(backlog, seconds=0.05)
        site.send(failing, do="fail_once")

        # When the disk is too full
        with disk_alarm(node):
            finding.caused()
            began = time.monotonic()

            # Then the gateway says so, and the backlog is worked off meanwhile
            posts.wait_for_more("503 unavailable")
            finding.note(f"503 {time.monotonic() - began:.1f} s after the alarm")
            assert gateway.get("/readyz").status == 503
            assert gateway.get("/healthz").status == 200
            wait_until(lambda: {*backlog} <= site.oracle.done_names(), 60, site.oracle.missing)
            wait_until(lambda: {*failing} <= {run["n"] for run in site.oracle.started()}, 30)
            time.sleep(max(0.0, form - (time.monotonic() - began)))
            assert not {*failing} & site.oracle.done_names()
            assert posts.answers.keys() <= {"202", "503 unavailable", "503 unconfirmed"}
        began = time.monotonic()
        posts.wait_for_more("202", deadline_s=30)
        finding.note(f"messages taken again {time.monotonic() - began:.1f} s after it was over")
        wait_until(lambda: gateway.get("/readyz").status == 200, 30, "the gateway is not ready again")
    site.wait_done()

    posts.check_refusals()
    begins, over = "the broker takes no messages for now: .* waits", "the broker takes messages again"
    check_told(command, begins=f" gateway#1 .*{begins}", over=f" gateway#1 .*{over}")
    # A consumer hears of it where it has something to publish.
    check_told(command, begins=f" all#. .*{begins}", over=f" all#. .*{over}", at_most=2)
    assert "connection to the broker was lost" not in command.output
    site.end(command)
    # Nothing was in flight that is done twice.
    finding.add(site.oracle.judge(letter.n for letter in site.take()), duplicates=0)


def publish_for_ever(publish: Callable[[str], None], name: str) -> None:
    while True:
        publish(name)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["rabbitmq310"])
def test_what_a_blocked_broker_did_not_take_is_not_sent_later(
    breakable: tuple[RabbitNode, Site], finding: Finding, tmp_path: Path
) -> None:
    node, site = breakable
    oracle = site.oracle
    with Publisher(write(tmp_path, "shop", node.url)) as publisher, closing(Wire(node.url)) as wire:

        def publish(name: str) -> None:
            oracle.attempting([name])
            publisher.publish("sent", name)
            oracle.confirmed([name])

        publish("before")
        with disk_alarm(node):
            finding.caused()
            publisher._timeout_s = 1.0
            # With the first one the broker says that it takes none, once all of it has heard of the alarm.
            with pytest.raises(NotConfirmed, match=r"takes no messages for now.*it may arrive"):
                publish_for_ever(publish, "first")
            with pytest.raises(NotConfirmed, match=r"takes no messages for now.*nothing was sent"):
                publish("second")
        publisher._timeout_s = 60.0
        publish("after")
        found = {text.strip('"') for text in bodies(wire, "shop.quick", wire.ready("shop.quick"))}
    assert found == {"before", "first", "after"}
    finding.add(oracle.judge(waiting=found), duplicates=0)
