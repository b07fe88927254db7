"""Queues, exchanges, permissions, a virtual host taken away under a run: told, waited for, and it goes on."""

import time
from collections.abc import Callable
from contextlib import closing

import pytest

from tests.commands import RunningCommand, run_ebats
from tests.conftest import Broker
from tests.faults.rows.finding import Finding
from tests.faults.rows.lines import check_told
from tests.faults.rows.load import BATCH, stubborn_load
from tests.faults.rows.table import EACH, SQLITE
from tests.faults.site import Site
from tests.integration.wire import Wire

pytestmark = [pytest.mark.row(21), pytest.mark.slow]

PREFETCH = 20
#: So long after the repair all works again; `wait_until` gives a busy machine three times as long.
BACK_S = 30
#: So long RabbitMQ waits before a rung hands on again what nobody has taken.
CONFIRM_S = 180
LONG = pytest.mark.timeout(1800)
MakeSite = Callable[[str], Site]


def names(what: str, count: int = PREFETCH) -> list[str]:
    """Return the names of messages."""
    return [f"{what}-{number}" for number in range(count)]


def started(site: Site) -> RunningCommand:
    """Start a pipeline whose messages wait on a rung for half a second when they fail."""
    site.write_work({"concurrency": 8, "prefetch": PREFETCH}, retry=["500ms"])
    return site.start()


def wait_back(site: Site, finding: Finding) -> None:
    """Wait until all that is confirmed is done, and note how long it takes from here, after the repair."""
    began = time.monotonic()
    site.wait_done(BACK_S)
    finding.note(f"all done {time.monotonic() - began:.1f} s after the repair")


def test_a_queue_that_is_deleted_is_taken_from_again(row_site: Site, finding: Finding) -> None:
    # Given a process that has messages in hand
    site = row_site
    command = started(site)
    site.send(names("in-hand"), seconds=1)
    site.wait_started(8)

    # When their queue is deleted, and others come
    site.delete("work")
    finding.caused()
    queue = f"{site.name}.work"
    command.wait_for_output(f"the queue {queue} was deleted")
    site.send(names("homeless"))

    # Then what was in hand gets done, and the others are dead letters, which can be published again
    site.wait_done_but(*names("homeless"))
    site.wait_ready("dead", PREFETCH)
    site.declare()
    retried = run_ebats("dead", "retry", site.file, "--all", env=site.environ())
    assert retried.returncode == 0, retried.stderr
    wait_back(site, finding)
    check_told(
        command,
        begins=rf" all#1 .*the queue {queue} was deleted.*waiting for it, the other queues go on",
        over=rf" all#1 .*takes from the queue {queue} again",
    )
    assert "died" not in command.output
    site.end(command)
    finding.add(site.oracle.judge(letter.n for letter in site.take()), duplicates=0)


def test_what_should_go_to_a_rung_that_is_deleted_stays_where_it_is(row_site: Site, finding: Finding) -> None:
    # Given a pipeline whose rung is gone, with its exchange
    site = row_site
    command = started(site)
    rung = f"{site.name}.delay.500ms"
    with closing(Wire(site.url)) as wire:
        wire.channel.exchange_delete(rung)
        wire.channel.queue_delete(rung)
    finding.caused()

    # When messages fail
    site.send(names("failing", 10), do="fail_once")
    site.send(names("fine", 10))

    # Then they stay unacknowledged, the others go on, and all goes on when the rung is back
    site.wait_done_but(*names("failing", 10))
    command.wait_for_output(f"'{rung}' takes nothing, or is gone: what should go there stays where it is")
    assert len(site.oracle.started()) == 20
    site.declare()
    wait_back(site, finding)
    check_told(command, begins=rf" all#1 .*'{rung}' takes nothing, or is gone")
    site.end(command)
    finding.add(site.oracle.judge(letter.n for letter in site.take()), duplicates=0)


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=() if kind in SQLITE else [pytest.mark.soak, LONG]) for kind in EACH]
)
def test_what_waits_while_the_exchange_behind_its_rung_is_deleted_stays_there(
    kind: str, unbroken: Broker, make_site: MakeSite, finding: Finding
) -> None:
    # Given messages on a rung, at the end of which they go by the exchange of tasks
    site = make_site(unbroken.url)
    command = started(site)
    site.send(names("failing"), do="fail_once")
    site.wait_ready("delay.500ms", PREFETCH)

    # When that is deleted, and they are due
    with closing(Wire(site.url)) as wire:
        wire.channel.exchange_delete(f"{site.name}.tasks")
    finding.caused()
    site.send(names("fine"))
    site.wait_done_but(*names("failing"))
    time.sleep(2)
    assert not {*names("failing")} & site.oracle.done_names()

    # Then they go on when it is back: by RabbitMQ not before its three minutes for a confirm are over
    site.declare()
    began = time.monotonic()
    site.wait_done(BACK_S if kind in SQLITE else BACK_S + 2 * CONFIRM_S)
    finding.note(f"all done {time.monotonic() - began:.1f} s after the exchange of tasks was back")
    site.end(command)
    finding.add(site.oracle.judge(letter.n for letter in site.take()), duplicates=0)


def test_permissions_that_are_taken_are_told_and_waited_for(
    each_rabbitmq: Broker, make_site: MakeSite, finding: Finding
) -> None:
    # Given a pipeline under load, of a user who may do all that he needs
    broker = each_rabbitmq
    assert broker.node
    site = make_site(broker.url_of_user())
    command = started(site)
    site.url = broker.url  # what is published beside it is somebody else's

    with stubborn_load(site) as load:
        load.wait_for_more()

        # When he may write no more, and then do nothing any more
        for rights, told in (
            ({"write": "^$"}, "write to the exchange site.delay.500ms: add"),
            ({"configure": "^$", "write": "^$", "read": "^$"}, "read from the queue site.work: add"),
        ):
            broker.url_of_user(**rights)
            # A channel that is never idle goes by the rights that it has seen.
            broker.node.close_connections(broker.vhost)
            finding.caused()
            command.wait_for_output(f"the user '{broker.prefix}' may not {told}")
        load.wait_for_more(3)
    assert command.running
    assert not site.oracle.is_done()

    # Then it goes on by itself once he may again
    broker.url_of_user()
    wait_back(site, finding)
    check_told(
        command,
        begins=r" all#1 .*may not read from the queue site\.work: add .* waiting for it",
        over=r" all#1 .*takes from the queue site\.work again",
    )
    check_told(
        command,
        begins=r" all#1 .*may not write to the exchange site\.delay\.500ms: add .* stays where it is",
        at_most=3,
    )
    site.end(command)
    # Whenever the connections were closed, all in hand could run twice, and what was on its way to the rung.
    bound = 2 * (2 * PREFETCH + BATCH)
    finding.add(site.oracle.judge(letter.n for letter in site.take()), duplicates=bound)


def test_a_virtual_host_that_is_removed_is_waited_for(
    each_rabbitmq: Broker, make_site: MakeSite, finding: Finding
) -> None:
    # Given a process that has messages in hand
    broker = each_rabbitmq
    assert broker.node
    site = make_site(broker.url)
    command = started(site)
    site.send(names("in-hand", 8), seconds=2)
    site.wait_started(8)

    # When the virtual host is removed, with all that is in it
    broker.node.delete_vhost(broker.vhost)
    finding.caused()
    command.wait_for_output("can't be reached")
    site.wait_done()  # what was in hand

    # Then it goes on once the virtual host is there again, and the pipeline's queues are
    broker.node.add_vhost(broker.vhost)
    command.wait_for_output("connected to the broker again")
    site.declare()
    site.send(names("after"), do="fail_once")
    wait_back(site, finding)
    check_told(
        command,
        begins=r" all#1 .*the connection to the broker was lost",
        over=r" all#1 .*connected to the broker again, after",
        at_most=2,
    )
    check_told(command, begins=r" all#1 .*can't be reached: .*; trying on", at_most=3)
    check_told(
        command,
        begins=r" all#1 .*(the queue site\.work was deleted|there is no queue site\.work).*; waiting for it",
        over=r" all#1 .*takes from the queue site\.work again",
    )
    assert "died" not in command.output
    site.end(command)
    finding.add(site.oracle.judge(letter.n for letter in site.take()), duplicates=0)
