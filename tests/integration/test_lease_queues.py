"""Lease queues on a broker: what lies there comes back, unless the queue is deleted before."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from ebats.pipelines.lease import arguments
from ebats.pipelines.load import from_bytes
from ebats.pipelines.model import Broker as BrokerAddress
from ebats.pipelines.model import Pipeline
from ebats.runner.broker.declare import apply
from ebats.runner.broker.lease_queues import Filling, LeaseQueues
from ebats.runner.execution.settle import Outgoing
from tests.brokers import RabbitNode
from tests.conftest import Broker
from tests.integration.wire import Wire
from tests.waiting import wait_until

FILE = (
    "{{version: 1, name: {name}, broker: {{url: '{url}'}}, "
    "tasks: {{work: {{python: 'a:b', timeout: none}}}}}}"
)


class Site:
    """A pipeline on a broker, and its lease queues."""

    def __init__(self, url: str, name: str) -> None:
        self.shop: Pipeline = from_bytes("/srv/x.yaml", FILE.format(name=name, url=url).encode(), {}).pipeline
        self.said: list[str] = []
        assert apply(self.shop, lambda _level, _text: None)
        self.queues = LeaseQueues(
            BrokerAddress(urls=(url,)), lambda level, text: self.said.append(f"{level} {text}")
        )

    def fill(self, name: str, *, limit_s: float = 4.0) -> bool:
        """Fill a lease queue, which lasts for a quarter of the limit; return whether that went well."""
        told: list[bool] = []
        done = threading.Event()

        def on_done(is_there: bool) -> None:
            told.append(is_there)
            done.set()

        queue = self.shop.on_broker(f"lease.{name}")
        task = self.shop.tasks["work"]
        message = Outgoing("", queue, b"{}", {"n": name}, {"message_id": name, "delivery_mode": 2})
        self.queues.fill(Filling(queue, arguments(self.shop, task, "", limit_s), message, on_done))
        assert done.wait(30)
        return told[0]

    def delete(self, name: str) -> None:
        """Have a lease queue deleted."""
        self.queues.delete(self.shop.on_broker(f"lease.{name}"))


@pytest.fixture
def site(broker: Broker) -> Iterator[Site]:
    """Lease queues on each broker."""
    site = Site(broker.url, broker.prefix)
    yield site
    site.queues.close(10)


def test_only_what_is_not_deleted_comes_back_and_names_its_queue(site: Site, broker: Broker) -> None:
    assert site.fill("kept")
    assert site.fill("deleted")
    site.delete("deleted")
    site.delete("never-made")
    with closing(Wire(broker.url)) as wire:
        work = site.shop.on_broker("work")
        wait_until(lambda: wire.ready(work) == 1, 15)
        message = wire.channel.basic_get(work)
        assert message.headers["n"] == "kept"
        assert message.headers["x-death"][0]["queue"] == site.shop.on_broker("lease.kept")
        assert message.delivery_info["routing_key"] == "work"
    site.delete("kept")
    assert site.queues.close(10)
    assert not site.said


def test_names_are_used_again_where_nothing_comes_back_from_them(
    own_node: Callable[..., RabbitNode], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a broker that has had lease queues
    monkeypatch.setattr("ebats.runner.broker.lease_queues._REST_S", 0.0)
    node = own_node()
    site = Site(node.url, "shop")
    assert site.fill("first")

    # When each is deleted with its message, and its name used again
    def atoms() -> int:
        return int(node.evaluate("erlang:system_info(atom_count)."))

    before = atoms()
    for _ in range(30):
        site.delete("first")
        wait_until(lambda: site.queues.spare() == "shop.lease.first", 10, every_s=0.01)
        assert site.fill("first")

    # Then the broker keeps no more names than before, but for some of its own
    assert atoms() - before < 15
    # And a name from which something came back isn't used again
    assert site.fill("back", limit_s=0.4)
    with closing(Wire(node.url)) as wire:
        wait_until(lambda: wire.ready("shop.work") == 1, 15)
    site.delete("back")
    site.delete("never-made")
    assert site.queues.close(10)
    assert site.queues.spare() is None


def test_nobody_connects_before_there_is_a_lease(broker: Broker) -> None:
    before = threading.active_count()
    queues = LeaseQueues(BrokerAddress(urls=(broker.url,)), lambda _level, _text: None)
    assert threading.active_count() == before
    assert queues.close(1)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["rabbitmq310", "rabbitmq40"])
def test_restarts_of_the_broker_leave_no_queue_behind(own_node: Callable[..., RabbitNode], kind: str) -> None:
    # Given a broker under which leases come and go all the time
    node = own_node(kind)
    site = Site(node.url, "shop")
    over = threading.Event()

    def come_and_go() -> None:
        for number in range(1_000_000):
            if over.is_set():
                return
            site.fill(str(number), limit_s=400)
            site.delete(str(number))

    thread = threading.Thread(target=come_and_go)
    thread.start()

    # When it restarts, and answers with errors of all kinds meanwhile
    for _ in range(2):
        wait_until(lambda: any("lease" in name for name in node.list_queues()), 20, every_s=0.01)
        node.restart()
        wait_until(lambda: any("lease" in name for name in node.list_queues()), 20, every_s=0.01)

    # Then all that was to be deleted is
    over.set()
    thread.join(40)
    assert site.queues.close(30)
    assert not [name for name in node.list_queues() if "lease" in name], site.said
