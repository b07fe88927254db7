"""Messages that hop until they are due, under kill -9 and a broker that is killed: none lost, none early."""

import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.brokers import RabbitNode
from tests.faults.site import Site
from tests.waiting import wait_until

COUNT = 200


def send(site: Site) -> dict[str, float]:
    """Publish messages that are due between 2 s and 6 s from now; return when each is."""
    due = {f"m-{number}": time.time() + 2 + 4 * number / COUNT for number in range(COUNT)}
    site.send_messages(
        replace(site.message(name, "tasks", "work"), headers={"ebats-due": at}) for name, at in due.items()
    )
    return due


def check(site: Site, due: dict[str, float], duplicates: int) -> None:
    """Check that all ran, at their first attempt, and none before it was due."""
    runs = site.oracle.done()
    assert all(run["at"] >= due[run["n"]] and run["attempt"] == 1 for run in runs)
    site.oracle.judge(letter.n for letter in site.take()).check(duplicates=duplicates)
    assert {run["n"] for run in runs} == due.keys()


def test_killed_while_messages_hop(site: Site) -> None:
    site.write_work({"concurrency": 4, "prefetch": 20})
    site.declare()
    due = send(site)
    # On their first rungs, on the next ones, and between them
    for pause_s in (0.3, 1.2):
        command = site.start()
        time.sleep(pause_s)
        command.kill_all()

    site.run("--fail-on-dead")

    check(site, due, duplicates=2 * 20)


@pytest.mark.slow
def test_broker_killed_while_messages_hop(
    own_node: Callable[..., RabbitNode], make_site: Callable[[str], Site]
) -> None:
    node = own_node()
    site = make_site(node.url)
    site.write_work({"concurrency": 4, "prefetch": 20})
    command = site.start()
    due = send(site)
    time.sleep(1)
    node.kill()
    node.start()

    wait_until(site.oracle.is_done, 60, site.oracle.missing)

    site.end(command)
    check(site, due, duplicates=COUNT)
