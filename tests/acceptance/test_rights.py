"""A pipeline whose user may do little on RabbitMQ, and one that may declare nothing at all."""

import json
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from tests.commands import run_ebats
from tests.conftest import Broker
from tests.faults.send import Message
from tests.faults.site import Site
from tests.integration.wire import Wire
from tests.waiting import wait_until

OURS = r"^site\."
WRITE = r"^(site\.|amq\.default$)"
READ = r"^(site\.|orders$)"


@pytest.fixture
def site(each_rabbitmq: Broker, make_site: Callable[[str], Site]) -> Site:
    """A pipeline's folder, with somebody else's exchange and queue `orders` on the broker."""
    with closing(Wire(each_rabbitmq.url)) as wire:
        wire.exchange("orders", "topic")
        wire.queue("orders", {"x-queue-type": "classic"})
        wire.channel.queue_bind("orders", "orders", "old.#")
    return make_site(each_rabbitmq.url)


def write(site: Site, url: str, **broker: Any) -> None:
    """Write a file that uses every part of ebats, for a user."""
    site.write(
        broker={"url": url, **broker},
        exchanges={"orders": {"external": True}},
        queues={"orders": {"external": True}, "demo": {"crashes": 1}},
        tasks={
            "work": {"python": "tasks:work", "queue": "demo", "retry": ["50ms", "50ms"]},
            "other": {"python": "tasks:other"},
        },
        events={
            "happened": {"tasks": ["work"]},
            "wanted": {"exchange": "orders", "key": ["*.WAIT", "cn.*"], "tasks": ["other"]},
            "old": {"queue": "orders", "tasks": ["other", {"task": "work", "delay": "500ms"}]},
        },
    )


def work_all_off(site: Site) -> None:
    """Let messages of each kind go through the whole pipeline, and check what became of them."""
    environ = {"EBATS_STATE_DIR": str(site.folder / "state")}
    published = run_ebats("publish", site.file, "happened", "-d", '{"n": "published"}', env=environ)
    assert published.returncode == 0, published.stderr
    assert "warning" not in published.stderr
    site.run()
    command = site.start()
    # Alone, for what is in hand when a process dies runs again.
    site.send(["poison"], do="kill")
    site.wait_ready("dead", 1, 40)
    site.send(["fine"])
    site.send(["again"], do="fail_once")
    site.send(["dead"], do="raise")
    site.send_messages(
        Message(name, "orders", key, json.dumps({"n": name}).encode())
        for name, key in (("wanted", "cn.WAIT"), ("old", "old.one"))
    )
    site.wait_done_but("dead", "poison")
    # Its delayed task too: else it comes to the queue when nobody takes from it any more.
    wait_until(lambda: len(site.oracle.done()) == 6, 20, lambda: str(site.oracle.done()))
    site.wait_ready("dead", 2, 40)
    status = run_ebats("status", site.file, "--format", "json", env=environ)
    assert json.loads(status.stdout)["dead"] == 2

    # What runs when the end comes, and is too slow for it, goes back.
    site.send(["slow"], do="hang_once")
    wait_until(lambda: any(run["n"] == "slow" for run in site.oracle.started()), 20)
    command.terminate()
    assert command.wait(40) == 0, command.output[-4000:]
    site.wait_ready("demo", 1)
    site.run()

    assert Counter((run["n"], run["task"]) for run in site.oracle.done()) == {
        ("published", "work"): 1,
        ("fine", "work"): 1,
        ("again", "work"): 1,
        ("wanted", "other"): 1,
        ("old", "other"): 1,
        ("old", "work"): 1,
        ("slow", "work"): 1,
    }
    reasons = {letter.n: letter.headers["ebats-reason"] for letter in site.take()}
    assert reasons == {"dead": "exhausted", "poison": "crashed"}
    assert "refused" not in command.output


def test_all_works_with_rights_on_the_pipelines_own_names_and_to_read_what_is_used(
    site: Site, each_rabbitmq: Broker
) -> None:
    write(site, each_rabbitmq.url_of_user(configure=OURS, write=WRITE, read=READ))

    work_all_off(site)


def test_without_declaring_anything_all_works_once_somebody_else_has(
    site: Site, each_rabbitmq: Broker
) -> None:
    # Given a topology that an administrator has applied
    write(site, each_rabbitmq.url)
    site.declare()
    node, vhost = each_rabbitmq.node, each_rabbitmq.vhost
    assert node
    before = (node.list_exchanges(vhost), node.list_queues(vhost), node.list_bindings(vhost))

    # When its user may declare, bind and unbind nothing
    url = each_rabbitmq.url_of_user(configure="^$", write=WRITE, read=READ)
    write(site, url, declare="never")

    # Then all works, and nothing is made
    work_all_off(site)
    headers = {"ebats-reason": "failed", "ebats-task": "work"}
    site.send_messages([Message("late", "site.dead", "", b"{}", headers)])
    retried = run_ebats("dead", "retry", site.file, "--all")
    assert retried.stdout == "1 of 1 dead letter published again\n", retried.stderr
    assert site.ready("demo") == 1
    assert (node.list_exchanges(vhost), node.list_queues(vhost), node.list_bindings(vhost)) == before


def test_what_is_not_declared_is_listed_at_once(site: Site, each_rabbitmq: Broker) -> None:
    url = each_rabbitmq.url_of_user(configure="^$", write=WRITE, read=READ)
    write(site, url, declare="never")

    command = site.launch()

    assert command.wait(40) == 78
    for what in ("exchange site.tasks", "exchange site.events", "queue site.demo", "queue site.delay.50ms"):
        assert f"the {what} isn't on the broker" in command.output
    assert f"let `ebats apply {site.file}` do it, by a user who may" in command.output
    published = run_ebats("publish", site.file, "happened", "-d", '{"n": "1"}')
    assert published.returncode == 78
    assert "`declare: never`" in published.stderr
    assert each_rabbitmq.node
    assert each_rabbitmq.node.list_queues(each_rabbitmq.vhost) == ["orders"]


def test_what_may_not_be_written_while_it_runs_is_said_and_goes_on_once_it_may(
    site: Site, each_rabbitmq: Broker
) -> None:
    write(site, each_rabbitmq.url)
    site.declare()
    url = each_rabbitmq.url_of_user(configure="^$", write=WRITE, read=READ)
    write(site, url, declare="never")
    command = site.start()
    no_rungs = r"^(site\.(?!delay)|amq\.default$)"
    each_rabbitmq.url_of_user(configure="^$", write=no_rungs, read=READ)
    site.send(["again"], do="fail_once")
    user = each_rabbitmq.prefix
    command.wait_for_output(f"the user '{user}' may not write to the exchange site.delay.50ms: add")
    site.send(["fine"])
    site.wait_done_but("again")
    each_rabbitmq.url_of_user(configure="^$", write=WRITE, read=READ)
    site.wait_done()
    site.end(command)
