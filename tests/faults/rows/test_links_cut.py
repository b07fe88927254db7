"""All links to the broker cut again and again: nothing is lost, and nothing piles up in the processes."""

import time
from collections import Counter
from collections.abc import Callable, Iterable

import psutil
import pytest

from tests.conftest import Broker
from tests.faults.rows.finding import Finding
from tests.faults.rows.forms import forms
from tests.faults.rows.lines import told
from tests.faults.rows.load import PREFETCH, PROCESSES, posting, start_with_gateway, stubborn_load
from tests.faults.site import Site
from tests.gateway import Gateway
from tests.proxy import Proxy
from tests.waiting import wait_until

pytestmark = pytest.mark.row(9)

ProxyTo = Callable[[int], Proxy]
MakeSite = Callable[[str], Site]


@pytest.fixture
def proxy(each_rabbitmq: Broker, proxy_to: ProxyTo) -> Proxy:
    """What all links of a pipeline go through."""
    assert each_rabbitmq.node
    return proxy_to(each_rabbitmq.node.port)


@pytest.fixture
def site(each_rabbitmq: Broker, make_site: MakeSite) -> Site:
    """A site on the broker itself."""
    return make_site(each_rabbitmq.url)


def through(broker: Broker, proxy: Proxy) -> str:
    """Return the URL of a broker by a proxy."""
    assert broker.node
    return broker.url.replace(f":{broker.node.port}/", f":{proxy.port}/")


def usage(processes: Iterable[psutil.Process]) -> dict[str, tuple[int, int]]:
    """Return the descriptors and threads of processes by their titles."""
    return {
        " ".join(process.cmdline()).strip(): (process.num_fds(), process.num_threads())
        for process in processes
    }


def check_as_before(before: dict[str, tuple[int, int]], after: dict[str, tuple[int, int]]) -> str:
    """Check that processes have as many descriptors and threads as before; return their sums in words."""
    for title, was in before.items():
        assert all(now <= then + 2 for now, then in zip(after[title], was, strict=True)), (title, was, after)
    sums = [[sum(each[index] for each in usage.values()) for usage in (before, after)] for index in (0, 1)]
    return "descriptors {} before and {} after, threads {} and {}".format(*sums[0], *sums[1])


def has_links(proxy: Proxy, count: int) -> bool:
    """Return whether so many connections are open."""
    return proxy.links >= count


@forms(quick=(5, 1.0), full=(30, 2.0))
def test_links_that_are_cut_again_and_again_lose_nothing(
    each_rabbitmq: Broker,
    proxy: Proxy,
    site: Site,
    finding: Finding,
    form: tuple[int, float],
) -> None:
    # Given a pipeline under load, with all of its links through a proxy
    cuts, every_s = form
    gateway = Gateway(site=site)
    command = start_with_gateway(gateway, through(each_rabbitmq, proxy))
    with stubborn_load(site) as load, posting(gateway) as posts:
        load.wait_for_more()
        posts.wait_for_more("202", 10)
    site.wait_done()
    links = proxy.links
    processes = command.family()
    before = usage(processes)

    # When they are cut
    with stubborn_load(site, name="cut") as load, posting(gateway, name="p") as posts:
        for _ in range(cuts):
            time.sleep(every_s)
            # Those that are being opened would be cut before they are told of anything.
            wait_until(lambda: has_links(proxy, links), 40, lambda: f"{proxy.links} of {links} links")
            proxy.cut()
            finding.caused()
        posts.wait_for_more("202", 10)
    site.wait_done(90)
    wait_until(lambda: has_links(proxy, links), 40, lambda: f"{proxy.links} of {links} links")

    # Then the same processes have as many descriptors and threads as before
    assert all(process.is_running() for process in processes), command.output[-4000:]
    finding.note(check_as_before(before, usage(processes)))
    # And each says when it lost its connection, and when it had it again
    posts.check_refusals()
    for party in ("all#1", "all#2", "gateway#1"):
        lost = told(command.output, rf" {party} .*the connection to the broker was lost")
        back = told(command.output, rf" {party} .*connected to the broker again, after")
        assert 1 <= lost <= cuts, command.output[-4000:]
        assert back == lost, command.output[-4000:]
    site.end(command)
    # Each cut can hit what is in flight in both processes, there and on its way to the rung, and a request
    # of the gateway on each of its two connections.
    bound = cuts * (2 * PROCESSES * PREFETCH + 2 * 20)
    finding.add(site.oracle.judge(letter.n for letter in site.take()), duplicates=bound)


@forms(quick=(10, 1.0), full=(30, 2.0))
def test_cut_links_start_nothing_twice(
    each_rabbitmq: Broker,
    proxy: Proxy,
    site: Site,
    finding: Finding,
    form: tuple[int, float],
) -> None:
    # Given tasks of several times as long as a link lasts
    messages, every_s = form
    site.write(
        broker={"url": through(each_rabbitmq, proxy)},
        tasks={"work": {"python": "tasks:work", "retry": ["1s"]}},
        events={"happened": {"tasks": ["work"]}},
        consumers={"all": {"processes": 1, "concurrency": 10, "prefetch": 20}},
    )
    command = site.start()
    site.send([f"m-{number}" for number in range(messages)], seconds=2.5 * every_s)

    # When they are cut until all is done
    while not site.oracle.is_done():
        time.sleep(every_s)
        proxy.cut()
        finding.caused()
        assert finding.faults < 100, site.oracle.missing()

    # Then no task began a second time, nothing is a suspect, nothing is lost
    time.sleep(1)
    assert Counter(run["n"] for run in site.oracle.started()).most_common(1)[0][1] == 1
    assert "cut short" not in command.output
    assert "died" not in command.output
    site.end(command)
    assert not site.ready("suspects")
    site.wait_ready("work", 0)
    finding.add(site.oracle.judge(letter.n for letter in site.take()), duplicates=0)
