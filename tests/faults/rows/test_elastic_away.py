"""Row 14, Elasticsearch away or killed, and the writer killed: tasks go on, each record arrives once."""

from collections.abc import Callable

import pytest

from tests.brokers import free_port
from tests.commands import RunningCommand
from tests.elastic import ElasticNode
from tests.elastic_client import ElasticClient
from tests.faults.elastic_site import arrived, send, status, wait_arrived, write
from tests.faults.rows.finding import Finding
from tests.faults.rows.lines import check_told
from tests.faults.site import Site
from tests.proxy import Proxy
from tests.waiting import wait_until

pytestmark = [pytest.mark.row(14), pytest.mark.slow]


def kill_writer(site: Site, command: RunningCommand) -> None:
    """Kill the writer, and wait until there is another one."""
    (one,) = wait_until(lambda: site.consumers(command, "writer"))
    one.kill()
    wait_until(lambda: not one.is_running() and site.consumers(command, "writer"), 40)


def test_an_outage_touches_no_task_and_no_record(
    site: Site, elastic: ElasticClient, proxy_to: Callable[[int], Proxy], finding: Finding
) -> None:
    proxy = proxy_to(elastic.port)
    write(site, f"http://127.0.0.1:{proxy.port}", elastic.stream)
    command = site.start()
    send(site, 0, 100)
    site.wait_done()
    wait_arrived(elastic, 100)
    proxy.refuse()
    send(site, 100, 500)
    site.wait_done()
    away = wait_until(lambda: found if (found := status(site)).get("spooled", 0) >= 500 else None)
    assert away
    assert "no connection" in away["error"]
    assert away["lost"] == away["overflowed"] == away["rejected"] == 0
    command.wait_for_output("sink search fails", 30)
    proxy.allow()
    wait_arrived(elastic, 600)
    wait_until(lambda: status(site)["spooled"] == 0)
    command.wait_for_output("sink search works again", 40)
    site.end(command)
    finding.caused()
    finding.add(site.oracle.judge(), duplicates=0)
    check_told(command, begins="WARN .* sink search fails", over="INFO .* sink search works again", at_most=2)


def test_a_killed_writer_goes_on_where_it_was(
    local_site: Site, elastic: ElasticClient, proxy_to: Callable[[int], Proxy], finding: Finding
) -> None:
    site = local_site
    proxy = proxy_to(elastic.port)
    write(site, f"http://127.0.0.1:{proxy.port}", elastic.stream)
    command = site.start()
    send(site, 0, 100)
    wait_arrived(elastic, 100)
    proxy.block("up")  # what is sent never arrives
    send(site, 100, 400)
    site.wait_done()
    wait_until(lambda: (found := status(site)).get("spooled", 0) >= 400 and found["error"], 60)
    kill_writer(site, command)
    proxy.cut()
    proxy.resume()
    wait_arrived(elastic, 500)
    proxy.block("down")  # what is sent arrives; that it did is never heard
    send(site, 500, 500)
    site.wait_done()
    wait_until(lambda: status(site).get("spooled", 0) >= 500, 60)
    # One bulk at least has come: how many records were there when it was sent is chance.
    wait_until(lambda: len(arrived(elastic)) > 500, 60)
    kill_writer(site, command)
    proxy.resume()
    wait_arrived(elastic, 1000)
    site.end(command)
    finding.caused(2)
    finding.add(site.oracle.judge(), duplicates=0)


def test_a_run_that_ends_leaves_the_rest_to_the_next(
    local_site: Site, elastic: ElasticClient, proxy_to: Callable[[int], Proxy]
) -> None:
    site = local_site
    write(site, f"http://127.0.0.1:{free_port()}", elastic.stream, spool={"path": "spool"})
    site.declare()
    send(site, 0, 50)
    output = site.run()
    assert "sink search leaves " in output
    assert f"in {site.folder}/spool for the next run to send" in output
    write(site, elastic.url, elastic.stream, spool={"path": "spool"})
    send(site, 50, 50)
    assert "for the next run to send" not in site.run()
    wait_arrived(elastic, 100)
    assert not [*(site.folder / "spool").rglob("0*.ndjson")]


def test_a_killed_node_gets_each_record_once_when_it_is_back(
    local_site: Site, own_elastic: Callable[[], ElasticNode], finding: Finding
) -> None:
    site = local_site
    node = own_elastic()
    node.stream = "logs-ebats-killed"
    write(site, node.url, node.stream)
    site.declare()
    send(site, 0, 600)
    command = site.start()
    wait_until(lambda: arrived(node), message="no document")
    node.kill()  # with a bulk on its way, and more to come
    send(site, 600, 300)
    site.wait_done()
    away = wait_until(lambda: found if (found := status(site)).get("spooled", 0) >= 300 else None)
    assert away
    assert away["lost"] == away["overflowed"] == away["rejected"] == 0
    node.start()
    wait_arrived(node, 900)
    site.end(command)
    finding.caused()
    finding.add(site.oracle.judge(), duplicates=0)
