"""RabbitMQ stopped for longer than any rung: told by the gateway, waited for by all, and nothing is lost."""

import time

import pytest

from tests.brokers import RabbitNode
from tests.faults.rows.finding import Finding
from tests.faults.rows.forms import forms, on_rabbitmq
from tests.faults.rows.lines import check_told
from tests.faults.rows.load import BATCH, PREFETCH, PROCESSES, posting, start_with_gateway, stubborn_load
from tests.faults.site import Site
from tests.gateway import Gateway
from tests.waiting import wait_until

pytestmark = pytest.mark.row(8)

#: Processes that have something to do with the broker.
PARTIES = ("all#1", "all#2", "gateway#1")


@on_rabbitmq
@forms(quick=4, full=60)
def test_a_stop_that_outlasts_every_rung_loses_nothing(
    breakable: tuple[RabbitNode, Site], finding: Finding, form: float
) -> None:
    node, site = breakable
    gateway = Gateway(site=site)
    command = start_with_gateway(gateway)

    with stubborn_load(site) as load, posting(gateway) as posts:
        load.wait_for_more()
        posts.wait_for_more("202", 10)

        # When the broker is stopped for a while
        node.stop()
        finding.caused()
        stopped_at = time.monotonic()

        # Then the gateway says so
        posts.wait_for_more("503 unavailable")
        assert gateway.get("/readyz").status == 503
        assert gateway.get("/healthz").status == 200
        time.sleep(max(0.0, form - (time.monotonic() - stopped_at)))
        assert command.running

        # And takes messages again by itself, as the consumers do
        node.start()
        began, done = time.monotonic(), len(site.oracle.done())
        wait_until(lambda: len(site.oracle.done()) > done, 30, "the consumers are not back")
        posts.wait_for_more("202", deadline_s=30)
        wait_until(lambda: gateway.get("/readyz").status == 200, 30, "the gateway is not ready again")
        finding.note(f"messages taken again {time.monotonic() - began:.1f} s after the broker was back")
        load.wait_for_more()
    site.wait_done(90)
    posts.check_refusals()

    # And what is said is when it began and when it was over
    for party in PARTIES:
        check_told(
            command,
            begins=rf" {party} .*the connection to the broker was lost",
            over=rf" {party} .*connected to the broker again, after",
        )
        check_told(command, begins=rf" {party} .*can't be reached: .*; trying on", at_most=3)
    assert "died" not in command.output
    site.end(command)
    bound = 2 * PROCESSES * PREFETCH + BATCH
    finding.add(site.oracle.judge(letter.n for letter in site.take()), duplicates=bound)
