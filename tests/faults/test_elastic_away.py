"""Elasticsearch away, slow, killed, and the writer killed: tasks go on, and each record arrives once."""

import json
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.brokers import free_port
from tests.commands import RunningCommand, run_ebats
from tests.elastic import ElasticNode
from tests.elastic_client import ElasticClient
from tests.faults.site import Site
from tests.proxy import Proxy
from tests.waiting import wait_until

EXECUTIONS = "event.category: process AND _exists_: ebats.task.name AND event.type: end"


def write(site: Site, url: str, stream: str, **search: Any) -> None:
    """Write a file with one task, whose records go to a file and to Elasticsearch."""
    settings = {"hosts": [url], "data_stream": stream, "timeout": "2s", **search}
    batch = {"records": 100, "wait": "100ms"}
    site.write(
        tasks={"work": {"python": "tasks:work"}},
        events={"happened": {"tasks": ["work"], "labels": {"n": "{{ n }}"}}},
        logs={
            "console": {"std": {}},
            "history": {"file": {"path": "log.jsonl"}},
            "search": {"elasticsearch": {"batch": batch, **settings}},
        },
    )


def status(site: Site) -> dict[str, Any]:
    """Return what `ebats status` says about the sink."""
    environ = {"EBATS_STATE_DIR": str(site.folder / "state")}
    found = json.loads(run_ebats("status", site.file, "--format", "json", env=environ).stdout)
    sinks: list[dict[str, Any]] = [runner["sinks"]["search"] for runner in found["runners"]]
    return sinks[0] if sinks else {}


def send(site: Site, start: int, count: int) -> None:
    site.send([f"m-{number}" for number in range(start, start + count)])


def arrived(elastic: ElasticClient) -> Counter[str]:
    """Return how often there is a document for each message."""
    found = elastic.search(EXECUTIONS, aggs={"n": {"terms": {"field": "labels.n", "size": 10_000}}}, size=0)
    buckets = found.get("aggregations", {}).get("n", {}).get("buckets", [])
    return Counter({bucket["key"]: bucket["doc_count"] for bucket in buckets})


def wait_arrived(elastic: ElasticClient, count: int, deadline_s: float = 60) -> None:
    """Wait until so many messages have a document, and see that each has one."""
    wait_until(
        lambda: len(arrived(elastic)) >= count, deadline_s, lambda: f"{len(arrived(elastic))}", every_s=0.3
    )
    time.sleep(0.5)  # for what would come twice
    assert set(arrived(elastic).values()) == {1}
    assert len(arrived(elastic)) == count


def kill_writer(site: Site, command: RunningCommand) -> None:
    """Kill the writer, and wait until there is another one."""
    (one,) = wait_until(lambda: site.consumers(command, "writer"))
    one.kill()
    wait_until(lambda: not one.is_running() and site.consumers(command, "writer"))


@pytest.mark.slow
def test_an_outage_touches_no_task_and_no_record(
    site: Site, elastic: ElasticClient, proxy_to: Callable[[int], Proxy]
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


@pytest.mark.slow
def test_a_killed_writer_goes_on_where_it_was(
    local_site: Site, elastic: ElasticClient, proxy_to: Callable[[int], Proxy]
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
    wait_until(lambda: (found := status(site)).get("spooled", 0) >= 400 and found["error"])
    kill_writer(site, command)
    proxy.cut()
    proxy.resume()
    wait_arrived(elastic, 500)
    proxy.block("down")  # what is sent arrives; that it did is never heard
    send(site, 500, 500)
    site.wait_done()
    wait_until(lambda: status(site).get("spooled", 0) >= 500)
    wait_until(lambda: len(arrived(elastic)) >= 600)
    kill_writer(site, command)
    proxy.resume()
    wait_arrived(elastic, 1000)
    site.end(command)


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_killed_node_gets_each_record_once_when_it_is_back(
    local_site: Site, own_elastic: Callable[[], ElasticNode]
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


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_a_minute_without_elasticsearch_under_load(
    local_site: Site, own_elastic: Callable[[], ElasticNode]
) -> None:
    site = local_site
    node = own_elastic()
    node.stream = "logs-ebats-outage"
    write(site, node.url, node.stream)
    command = site.start()
    sent = 0

    def load(seconds: float) -> None:
        nonlocal sent
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            send(site, sent, 20)
            sent += 20
            time.sleep(0.3)

    load(5)
    node.kill()
    load(60)
    site.wait_done()
    away = status(site)
    assert away["spooled"] > 0
    assert away["lost"] == away["overflowed"] == away["rejected"] == 0
    node.start()
    load(5)
    site.wait_done()
    wait_arrived(node, sent, 120)
    site.end(command)
