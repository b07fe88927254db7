"""RabbitMQ killed while rungs return their messages; the same with classic rungs loses some, and shows it."""

import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from ebats import Publisher
from tests.brokers import RabbitNode
from tests.commands import RunningCommand
from tests.faults.rows.finding import Finding
from tests.faults.rows.forms import forms, on_rabbitmq, rabbitmq_forms
from tests.faults.rows.lines import check_told
from tests.faults.rows.load import BATCH, Load, stubborn_load
from tests.faults.site import Site
from tests.integration.test_publisher import write
from tests.integration.wire import Wire, body
from tests.waiting import wait_until

pytestmark = pytest.mark.row(7)

PROCESSES, PREFETCH = 2, 20
#: What a rung has handed on without knowing yet that it is there: RabbitMQ's own prefetch for that.
HANDED_ON = 32
RUNG = "delay.1s"
#: The control sees a loss in each round, as far as was tried.
ROUNDS = 5


def started(site: Site) -> RunningCommand:
    """Start a pipeline half of whose messages wait on a rung for a second."""
    site.write_work({"processes": PROCESSES, "concurrency": 8, "prefetch": PREFETCH}, retry=["1s"])
    return site.start()


def kill_while_rungs_return(node: RabbitNode, site: Site, load: Load, returned: int = BATCH) -> None:
    """Kill the broker with messages on the rung, on their way there and on their way back; start it again.

    Before that, so many more have to have returned.
    """
    before = returns(site)
    wait_until(lambda: returns(site) >= before + returned, 60, "returns", every_s=0.1)
    wait_until(lambda: site.ready(RUNG) >= BATCH, 40, "messages on the rung", every_s=0.005)
    node.kill()
    time.sleep(1)  # those on the rung are due
    node.start()
    load.wait_for_more()


def returns(site: Site) -> int:
    """Return how many messages have come back from the rung, and are done."""
    return sum(run["attempt"] == 2 for run in site.oracle.done())


@on_rabbitmq
@forms(quick=(1, BATCH), full=(5, 500))
def test_kills_while_rungs_return_lose_nothing(
    breakable: tuple[RabbitNode, Site], finding: Finding, form: tuple[int, int]
) -> None:
    node, site = breakable
    kills, returned = form
    command = started(site)

    # When the broker is killed under load, again and again
    with stubborn_load(site) as load:
        for _ in range(kills):
            kill_while_rungs_return(node, site, load, returned)
            finding.caused()
    began = time.monotonic()
    site.wait_done(90)
    finding.note(f"all done {time.monotonic() - began:.1f} s after the load")

    # Then all that was confirmed is done, by the same processes, and what was done twice was in flight
    check_told(
        command,
        begins=r" all#1 .*the connection to the broker was lost",
        over=r" all#1 .*connected to the broker again, after",
        at_most=2 * kills,  # two connections
    )
    assert "died" not in command.output
    site.end(command)
    # All that is in hand, what is on its way to the rung, and what is on its way back; and the publisher
    # sends a batch again that wasn't confirmed as a whole.
    bound = kills * (2 * PROCESSES * PREFETCH + HANDED_ON + BATCH)
    finding.add(site.oracle.judge(letter.n for letter in site.take()), duplicates=bound)


def make_rung_classic(site: Site) -> None:
    """Put a classic queue, that dead-letters at most once, in the place of the rung."""
    name = f"{site.name}.{RUNG}"
    arguments = {
        "x-queue-type": "classic",
        "x-message-ttl": 1000,
        "x-dead-letter-exchange": f"{site.name}.tasks",
    }
    with closing(Wire(site.url)) as wire:
        wire.channel.queue_delete(name)
        wire.queue(name, arguments)
        wire.channel.queue_bind(name, name, "")


def wait_quiet(site: Site) -> None:
    """Wait until nothing lies in a queue or on the rung, and nothing more gets done."""
    last = (0, time.monotonic())

    def is_quiet() -> bool:
        nonlocal last
        done = len(site.oracle.done())
        if done != last[0] or site.ready("work") or site.ready(RUNG):
            last = (done, time.monotonic())
        return time.monotonic() - last[1] > 4  # longer than a message may wait anywhere

    wait_until(is_quiet, 90, "the pipeline comes to rest", every_s=0.2)


@rabbitmq_forms(quick=ROUNDS, full=ROUNDS)
def test_with_classic_rungs_the_same_loses_messages(
    breakable: tuple[RabbitNode, Site], finding: Finding, form: int
) -> None:
    node, site = breakable
    command = started(site)
    make_rung_classic(site)

    # When the broker is killed in the same way, until something is missing
    for number in range(form):
        with stubborn_load(site, name=f"round-{number}") as load:
            kill_while_rungs_return(node, site, load)
            finding.caused()
        wait_quiet(site)
        if not site.oracle.is_done():
            break
    site.end(command)

    # Then it is nowhere
    left = [letter.n for queue in ("work", RUNG, "suspects") for letter in site.take(queue)]
    finding.add_control(site.oracle.judge((letter.n for letter in site.take()), left))


@rabbitmq_forms(quick=1, full=5)
def test_what_a_publisher_was_told_of_survives_kills(
    breakable: tuple[RabbitNode, Site], finding: Finding, form: int, tmp_path: Path
) -> None:
    node, site = breakable
    oracle, confirmed = site.oracle, [0]
    publisher = Publisher(write(tmp_path, "shop", node.url), timeout="5m")
    stop = threading.Event()

    def work(thread: int) -> None:
        number = 0
        while not stop.is_set():
            number += 1
            oracle.attempting([name := f"{thread} {number}"])
            publisher.publish("sent", name)
            oracle.confirmed([name])
            confirmed[0] += 1

    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(8)]
    for each in threads:
        each.start()
    for _ in range(form):
        count = confirmed[0]
        wait_until(lambda count=count: confirmed[0] > count + 500, 60)  # type: ignore[misc]  # mypy infers no type for a default
        node.kill()
        time.sleep(0.5)
        node.start()
        finding.caused()
    count = confirmed[0]
    wait_until(lambda: confirmed[0] > count + 500, 60)
    stop.set()
    for each in threads:
        each.join(120)
    publisher.close()

    with closing(Wire(node.url)) as wire:
        ready = wire.ready("shop.quick")
        wire.consume("shop.quick", prefetch=2000, no_ack=True)
        found = [body(message).decode().strip('"') for message in wire.receive(ready, 60)]
    verdict = oracle.judge(waiting=found)
    finding.add(verdict, duplicates=0)
    assert len(found) - verdict.waiting <= 8 * form  # those whose confirms died with the broker
