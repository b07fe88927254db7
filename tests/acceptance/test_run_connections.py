"""Which process holds a connection to RabbitMQ, and how it is kept alive."""

import json
from collections.abc import Callable

import psutil
import pytest

from tests.conftest import Broker
from tests.faults.site import Site
from tests.waiting import wait_until


def links(pid: int, broker: Broker) -> int:
    """Count the connections that a process has to the broker."""
    assert broker.node
    return sum(
        bool(link.raddr) and link.raddr.port == broker.node.port
        for link in psutil.Process(pid).net_connections()
    )


def test_parent_holds_no_connection_while_it_is_idle(
    rabbitmq: Broker, make_site: Callable[[str], Site]
) -> None:
    site = make_site(rabbitmq.url)
    site.write_work({"processes": 1})
    command = site.start()
    (consumer,) = site.consumers(command)
    # One that consumes and one that publishes.
    wait_until(lambda: links(consumer.pid, rabbitmq) == 2, 20)
    # It may look for suspects at this moment.
    wait_until(lambda: links(command.pid, rabbitmq) == 0, 20)
    site.end(command)


@pytest.mark.slow
def test_heartbeats_go_on_while_a_task_takes_long(rabbitmq: Broker, make_site: Callable[[str], Site]) -> None:
    # Given heartbeats of 5 s, without which RabbitMQ closes a connection after 10, and a task of 25
    site = make_site(rabbitmq.url)
    site.write_work({"processes": 1, "concurrency": 1})
    file = json.loads(site.file.read_text())
    file["broker"]["heartbeat"] = "5s"
    site.file.write_text(json.dumps(file))
    command = site.start()
    site.send(["long"], seconds=25)
    site.wait_done()

    site.end(command)
    assert "lost" not in command.output
    site.oracle.judge().check(duplicates=0)
