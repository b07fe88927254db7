"""Lease queues on a broker: what lies there comes back, unless the queue is deleted before."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from ebats.pipelines.former import NEVER_CHANGED
from ebats.pipelines.lease import arguments
from ebats.pipelines.load import from_bytes
from ebats.pipelines.model import Broker as BrokerAddress
from ebats.pipelines.model import Pipeline
from ebats.runner.broker.declare import apply
from ebats.runner.broker.inspect import counts
from ebats.runner.broker.lease_queues import Filling, LeaseQueues
from ebats.runner.execution.settle import Outgoing
from ebats.runner.lookout import Lookout
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
        #: What a process that survives this one would have been told.
        self.told: list[tuple[str, bool]] = []
        self.queues = LeaseQueues(
            BrokerAddress(urls=(url,)),
            lambda level, text: self.said.append(f"{level} {text}"),
            lambda queue, loose: self.told.append((queue.rpartition(".")[2], loose)),
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
        wait_until(done.is_set, 30, f"nobody says what became of {name}")
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


def test_a_queue_that_no_message_depends_on_is_told_of(site: Site, broker: Broker) -> None:
    # Before it is made, and no more once its message is there
    assert site.fill("one")
    assert site.told == [("one", True), ("one", False)]
    # Before it is deleted, and no more once it is gone
    site.delete("one")
    assert site.told[2] == ("one", True)
    wait_until(lambda: len(site.told) == 4, 15)
    assert site.told[3] == ("one", False)

    # Where it couldn't be filled it stays to be deleted
    with closing(Wire(broker.url)) as wire:
        wire.channel.queue_declare(site.shop.on_broker("lease.two"), durable=True, auto_delete=False)
    assert not site.fill("two")
    assert site.told[4:] == [("two", True)]
    site.delete("two")
    wait_until(lambda: site.told[4:] == [("two", True), ("two", True), ("two", False)], 15)


def test_what_a_dead_process_left_is_deleted_also_where_the_broker_hears_of_it_late(
    site: Site, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a run that inherits a queue, and one that isn't there
    monkeypatch.setattr("ebats.runner.lookout._FIRST_S", 0.1)
    monkeypatch.setattr("ebats.runner.lookout._EVERY_S", 0.1)
    monkeypatch.setattr("ebats.runner.lookout._LATE_S", 2.0)
    assert site.fill("filled", limit_s=400)
    names = {site.shop.on_broker(f"lease.{name}") for name in ("filled", "late", "last")}
    lookout = Lookout(site.shop, lambda: None, lambda level, text: site.said.append(f"{level} {text}"))
    lookout.inherit(names - {site.shop.on_broker("lease.last")})
    lookout.start(NEVER_CHANGED)

    def make(name: str) -> None:
        with closing(Wire(broker.url)) as wire:
            wire.channel.queue_declare(site.shop.on_broker(name), durable=True, auto_delete=False)

    def there() -> list[str]:
        with closing(Wire(broker.url)) as wire:
            found = counts(wire.connection, names)
        return [name for name in names if found[name] is not None]

    # When it looks, and one is made after that
    wait_until(lambda: not there(), 15)
    make("lease.late")

    # Then both are gone, and what comes at the very end is, too
    wait_until(lambda: not there(), 15)
    lookout.stop()
    make("lease.last")
    lookout.inherit([site.shop.on_broker("lease.last")])
    lookout.finish()
    assert not there()
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
    queues = LeaseQueues(BrokerAddress(urls=(broker.url,)), lambda *_: None, lambda *_: None)
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
