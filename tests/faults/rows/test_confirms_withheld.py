"""Links on which answers don't arrive: nothing is told as published whose own confirm didn't come."""

import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import amqp
import pytest

from ebats import NotConfirmed, Publisher
from tests.conftest import Broker
from tests.faults.oracle import Oracle
from tests.faults.rows.finding import Finding
from tests.faults.rows.forms import forms, rabbitmq_forms
from tests.faults.rows.load import PREFETCH, PROCESSES, posting, start_with_gateway
from tests.faults.rows.test_links_cut import through
from tests.faults.site import Site
from tests.gateway import Gateway
from tests.integration.test_publisher import write
from tests.integration.wire import Wire, body
from tests.proxy import Proxy

pytestmark = pytest.mark.row(10)

ProxyTo = Callable[[int], Proxy]
MakeSite = Callable[[str], Site]


@rabbitmq_forms(quick=(2, 2.0), full=(6, 15.0))
def test_answers_that_are_held_back_lose_nothing(
    unbroken: Broker, proxy_to: ProxyTo, make_site: MakeSite, finding: Finding, form: tuple[int, float]
) -> None:
    # Given a pipeline under load, with all of its links through a proxy
    assert unbroken.node
    times, hold_s = form
    proxy = proxy_to(unbroken.node.port)
    site = make_site(unbroken.url)
    gateway = Gateway(site=site)
    command = start_with_gateway(gateway, through(unbroken, proxy))

    # When answers are held back, and then come late, or never
    with posting(gateway) as posts:
        for number in range(times):
            posts.wait_for_more("202", 10)
            proxy.block("down")
            finding.caused()
            time.sleep(hold_s)
            if number % 2:
                proxy.cut()
            proxy.resume("down")
        posts.wait_for_more("202", 10)
    site.wait_done(90)

    # Then all that was answered 202 is done
    posts.check_refusals()
    if hold_s > 10:  # as long as a gateway waits for a broker that is silent
        assert posts.answers["503 unconfirmed"], posts.answers
    assert "died" not in command.output
    site.end(command)
    # Each time all that is in hand, and a batch of the gateway's that is sent again.
    bound = times * (2 * PROCESSES * PREFETCH + 2 * 20)
    finding.add(site.oracle.judge(letter.n for letter in site.take()), duplicates=bound)


class Trap:
    """The order of events in which the confirm of one message can be taken for another's."""

    def __init__(self, broker: Broker, proxy: Proxy, queue: str, oracle: Oracle) -> None:
        self.proxy, self.oracle = proxy, oracle
        self._broker, self._queue = broker, queue

    def publish(self, publish: Callable[[str], object], name: str) -> None:
        """Publish a message, and note it as confirmed if that is what the call says."""
        self.oracle.attempting([name])
        publish(name)
        self.oracle.confirmed([name])

    def found(self) -> list[str]:
        """Return the messages that are on the broker."""
        with closing(Wire(self._broker.url)) as wire:
            count = wire.ready(self._queue)
            return [body(wire.get(self._queue)).decode().strip('"') for _ in range(count)]

    def wait_there(self, count: int) -> None:
        """Wait until so many messages are on the broker."""
        with closing(Wire(self._broker.url)) as wire:
            wire.wait_ready(self._queue, count)

    def spring(self, publish: Callable[[str], object], refused: type[BaseException]) -> None:
        """Hold the confirm of a message back until the next one is on its way, and lose that one."""
        self.publish(publish, "before")
        self.proxy.block("down")
        # The broker takes it, and says so to nobody.
        with pytest.raises(refused):
            self.publish(publish, "told late")
        self.wait_there(2)
        # The next one doesn't get to the broker, while the confirm of the one before arrives.
        self.proxy.block("up")
        thread = threading.Thread(target=self._publish_lost, args=(publish, refused))
        thread.start()
        time.sleep(0.5)
        self.proxy.resume("down")
        thread.join(60)
        self.proxy.cut()
        self.proxy.resume()

    def _publish_lost(self, publish: Callable[[str], object], refused: type[BaseException]) -> None:
        with suppress(refused):
            self.publish(publish, "lost on the way")


@forms(quick=2.0, full=10.0)
def test_the_confirm_of_one_message_is_not_taken_for_anothers(
    each_rabbitmq: Broker, proxy_to: ProxyTo, tmp_path: Path, finding: Finding, form: float
) -> None:
    assert each_rabbitmq.node
    proxy = proxy_to(each_rabbitmq.node.port)
    oracle = Oracle(tmp_path)
    trap = Trap(each_rabbitmq, proxy, f"{each_rabbitmq.prefix}.quick", oracle)
    file = write(tmp_path, each_rabbitmq.prefix, through(each_rabbitmq, proxy))
    with Publisher(file, timeout=60) as publisher:
        publisher.publish("noted", "connects and declares")
        publisher._timeout_s = form
        trap.spring(lambda name: publisher.publish("sent", name), NotConfirmed)
        finding.caused()
        publisher._timeout_s = 60.0
        trap.publish(lambda name: publisher.publish("sent", name), "after")
    assert oracle.confirmed_names() == {"before", "after"}
    finding.add(oracle.judge(waiting=trap.found()), duplicates=0)


@pytest.mark.slow
def test_a_publisher_that_takes_any_confirm_for_its_own_is_caught(
    each_rabbitmq: Broker, proxy_to: ProxyTo, tmp_path: Path, finding: Finding
) -> None:
    assert each_rabbitmq.node
    proxy = proxy_to(each_rabbitmq.node.port)
    trap = Trap(each_rabbitmq, proxy, "theirs", Oracle(tmp_path))
    with closing(Wire(each_rabbitmq.url)) as wire:
        wire.queue("theirs")
    connection = amqp.Connection(
        f"127.0.0.1:{proxy.port}", virtual_host=each_rabbitmq.vhost, confirm_publish=True
    )
    connection.connect()
    channel = connection.channel()

    def publish(name: str) -> None:
        channel.basic_publish(amqp.Message(name), "", "theirs", confirm_timeout=3)

    trap.spring(publish, TimeoutError)
    connection.collect()
    finding.caused()
    finding.add_control(trap.oracle.judge(waiting=trap.found()))


@pytest.mark.slow
def test_a_link_that_is_silent_holds_no_request_for_long(
    rabbitmq: Broker, proxy_to: ProxyTo, make_site: MakeSite, finding: Finding
) -> None:
    # Given a gateway whose link has gone silent
    assert rabbitmq.node
    proxy = proxy_to(rabbitmq.node.port)
    site = make_site(rabbitmq.url)
    gateway = Gateway(site=site)
    command = start_with_gateway(gateway, through(rabbitmq, proxy))
    proxy.block()
    finding.caused()

    # When requests come
    with posting(gateway) as posts:
        posts.wait_for_more("503 unconfirmed")
        # Now that it is known, others hear of it at once: but for one that asks whether it is still so.
        posts.wait_for_more("503 unavailable", 5)
        proxy.resume()
        posts.wait_for_more("202", 2)

    # Then each was answered soon, and what was answered 202 is done
    posts.check_refusals()
    assert gateway.get("/readyz").status == 200
    site.wait_done()
    site.end(command)
    # What wasn't confirmed in time is there all the same; nobody has sent it twice.
    finding.add(site.oracle.judge(letter.n for letter in site.take()), duplicates=2 * PROCESSES * PREFETCH)
