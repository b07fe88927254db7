"""A broker that is stopped, killed, cut off, or not there yet: nothing is lost, and all goes on by itself."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest

from tests.brokers import RabbitNode, free_port
from tests.commands import RunningCommand
from tests.faults.send import Sender
from tests.faults.site import Site
from tests.proxy import Proxy
from tests.waiting import wait_until

PREFETCH = 20
Make = Callable[[str], Site]


@contextmanager
def stubborn_load(site: Site, pause_s: float = 0.05) -> Iterator[Callable[[], int]]:
    """Publish beside the test whenever the broker takes it; what isn't confirmed goes out again."""
    stop = threading.Event()
    sent = [0]

    def publish() -> None:
        with closing(Sender(site.url, site.oracle)) as sender:
            while not stop.wait(pause_s):
                names = [f"m-{sent[0]}-{number}" for number in range(20)]
                # Half of them fail once, and wait on a rung meanwhile.
                batch = [
                    site.message(name, do="fail_once" if index % 2 else "")
                    for index, name in enumerate(names)
                ]
                while not sender.try_to_send(batch) and not stop.wait(0.3):
                    pass
                sent[0] += 1

    thread = threading.Thread(target=publish)
    thread.start()
    try:
        yield lambda: sent[0]
    finally:
        stop.set()
        thread.join(60)


def said(command: RunningCommand, process: str, text: str) -> int:
    """Count the lines in which a process says something."""
    return sum(1 for line in command.output.splitlines() if f" {process} " in line and text in line)


def check_said_once_a_change(command: RunningCommand, outages: int) -> None:
    """Check that a process says at most for each of its connections that it is gone, and back."""
    for text in ("was lost", "again, after"):
        assert said(command, "all#1", text) <= 2 * outages, command.output[-4000:]
    assert said(command, "all#1", "can't be reached") <= 4 * outages, command.output[-4000:]


def outages(node: RabbitNode, site: Site, count: int, go: Callable[[], None]) -> None:
    """Let the broker go and come again and again under load, and check what became of the messages."""
    # Given a pipeline under load, half of whose messages wait on a rung for a moment
    site.write_work({"processes": 2, "concurrency": 8, "prefetch": PREFETCH}, retry=["500ms", "1s", "2s"])
    command = site.start()

    # When the broker goes in the middle of it
    with stubborn_load(site) as sent:
        for _ in range(count):
            before = sent()
            wait_until(lambda before=before: sent() >= before + 10, 40, "messages get sent")
            go()
            time.sleep(1)
            node.start()
        before = sent()
        wait_until(lambda: sent() >= before + 10, 40, "messages get sent again")

    # Then all that was confirmed is done, by the same processes, and what was done twice was in flight
    site.wait_done(90)
    check_said_once_a_change(command, count)
    assert "died" not in command.output
    site.end(command)
    assert not site.take()
    # An outage can hit all that is in hand, and what is on its way to the rung; and the publisher sends
    # a batch again that wasn't confirmed as a whole.
    site.oracle.judge().check(duplicates=count * (2 * 2 * PREFETCH + 20))


@pytest.mark.slow
@pytest.mark.parametrize("how", ["stop", "kill"])
def test_broker_that_goes_and_comes_loses_nothing(
    own_node: Callable[..., RabbitNode], make_site: Make, how: str
) -> None:
    node = own_node()
    outages(node, make_site(node.url), count=2, go=node.stop if how == "stop" else node.kill)


@pytest.mark.soak
@pytest.mark.timeout(400)
def test_broker_killed_ten_times_loses_nothing(own_node: Callable[..., RabbitNode], make_site: Make) -> None:
    node = own_node()
    outages(node, make_site(node.url), count=10, go=node.kill)


@pytest.mark.slow
def test_cut_links_lose_nothing_and_start_nothing_twice(
    rabbitmq_port: tuple[str, int], proxy_to: Callable[[int], Proxy], make_site: Make
) -> None:
    # Given tasks of five seconds, over links that are cut every two
    vhost, port = rabbitmq_port
    proxy = proxy_to(port)
    site = make_site(f"amqp://guest:guest@127.0.0.1:{port}/{vhost}")
    site.write_work({"processes": 1, "concurrency": 10, "prefetch": 20}, retry=["1s"])
    cut_off = json.loads(site.file.read_text())
    cut_off["broker"]["url"] = f"amqp://guest:guest@127.0.0.1:{proxy.port}/{vhost}"
    site.file.write_text(json.dumps(cut_off))
    command = site.start()
    site.send([f"m-{number}" for number in range(30)], seconds=5)

    while not site.oracle.is_done():
        time.sleep(2)
        proxy.cut()
        assert proxy.cuts < 100, site.oracle.missing()

    # Then no task began a second time, nothing is a suspect, nothing is lost
    time.sleep(1)
    assert proxy.cuts >= 10
    assert Counter(run["n"] for run in site.oracle.started()).most_common(1)[0][1] == 1
    assert "cut short" not in command.output
    assert "died" not in command.output
    site.end(command)
    assert not site.take()
    assert not site.ready("suspects")
    site.wait_ready("work", 0)
    site.oracle.judge().check(duplicates=0)


@pytest.mark.slow
def test_links_cut_between_two_processes_lose_nothing(
    rabbitmq_port: tuple[str, int], proxy_to: Callable[[int], Proxy], make_site: Make
) -> None:
    vhost, port = rabbitmq_port
    proxy = proxy_to(port)
    site = make_site(f"amqp://guest:guest@127.0.0.1:{proxy.port}/{vhost}")
    site.write_work({"processes": 2, "concurrency": 8, "prefetch": 8}, retry=["200ms", "200ms"])
    command = site.start()

    with stubborn_load(site) as sent:
        for _ in range(8):
            time.sleep(1)
            proxy.cut()
        assert sent() > 5
    site.wait_done(60)

    site.end(command)
    assert not site.take()
    # Each cut can hit what is in flight in both processes, there and on its way to the rung.
    site.oracle.judge().check(duplicates=8 * 2 * 2 * 8)


def test_broker_away_at_the_start_is_waited_for_and_said_once(
    own_node: Callable[..., RabbitNode], make_site: Make
) -> None:
    node = own_node()
    site = make_site(node.url)
    site.write_work()
    node.stop()

    command = site.launch()
    command.wait_for_output("can't be reached")
    time.sleep(3)
    assert command.running
    assert command.output.count("can't be reached") == 1

    node.start()
    command.wait_for_output("takes from", 40)
    site.send(["m-0"])
    site.wait_done()
    site.end(command)


def test_run_without_a_broker_ends_when_it_is_told_to(make_site: Make) -> None:
    site = make_site(f"amqp://guest:guest@127.0.0.1:{free_port()}/")
    site.write_work()
    command = site.launch()
    command.wait_for_output("can't be reached")

    site.end(command, deadline_s=15)


def test_broker_that_goes_while_a_run_ends_holds_up_nobody(
    own_node: Callable[..., RabbitNode], make_site: Make
) -> None:
    node = own_node()
    site = make_site(node.url)
    site.write_work({"concurrency": 2, "prefetch": 4})
    command = site.start()
    site.send([f"m-{number}" for number in range(6)], seconds=2)
    site.wait_started(2)
    node.kill()

    command.terminate()
    command.wait(35)  # grace, and what is left for a broker that doesn't answer
    wait_until(lambda: not command.family(), 10, "processes were left behind")

    node.start()
    site.run("--fail-on-dead")
    site.oracle.judge().check(duplicates=4)
