"""`ebats.Publisher` while the broker hangs, is full, or refuses."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from ebats import NotConfirmed, Publisher, Refused
from tests.brokers import RabbitNode
from tests.conftest import Broker
from tests.integration.test_publisher import bodies, write
from tests.integration.wire import Wire
from tests.node_client import NodeClient
from tests.proxy import Proxy
from tests.waiting import wait_until


def test_a_broker_that_hangs_is_told_in_time_and_what_was_unsent_stays_so(
    rabbitmq: Broker, tmp_path: Path, proxy_to: Callable[[int], Proxy]
) -> None:
    assert rabbitmq.node
    proxy = proxy_to(rabbitmq.node.port)
    url = rabbitmq.url.replace(str(rabbitmq.node.port), str(proxy.port))
    with (
        Publisher(write(tmp_path, rabbitmq.prefix, url), timeout="1s") as publisher,
        closing(Wire(rabbitmq.url)) as wire,
    ):
        publisher._timeout_s = 20.0
        publisher.publish("sent", "before")
        publisher._timeout_s = 1.0
        proxy.block()
        with pytest.raises(NotConfirmed, match="it may arrive all the same; it may be published again with"):
            publisher.publish("sent", "hangs")
        proxy.refuse()
        wait_until(publisher._shared.why, 20)
        with pytest.raises(NotConfirmed, match=r"within 1 s: the .*; nothing was sent"):
            publisher.publish("sent", "away")
        proxy.resume()
        proxy.allow()
        publisher._timeout_s = 30.0
        publisher.publish("sent", "after")
        wait_until(lambda: wire.ready(f"{rabbitmq.prefix}.quick") >= 2)
        found = bodies(wire, f"{rabbitmq.prefix}.quick", wire.ready(f"{rabbitmq.prefix}.quick"))
        assert set(found) - {'"hangs"'} == {'"after"', '"before"'}


@contextmanager
def alarm(node: NodeClient) -> Iterator[None]:
    """Let a node's memory be short for a while."""
    what = "{resource_limit, memory, node()}"
    node.evaluate(f"rabbit_alarm:set_alarm({{{what}, []}}).")
    try:
        yield
    finally:
        node.evaluate(f"rabbit_alarm:clear_alarm({what}).")


def test_a_message_that_is_too_large_is_refused_and_the_others_go_on(
    own_node: Callable[[], RabbitNode], tmp_path: Path
) -> None:
    node = own_node()
    node.evaluate("application:set_env(rabbit, max_message_size, 10000).")
    with Publisher(write(tmp_path, "shop", node.url)) as publisher, closing(Wire(node.url)) as wire:
        publisher.publish("noted", "begin")
        threads = [
            threading.Thread(
                target=lambda name=name: [publisher.publish("sent", f"{name} {n}") for n in range(100)]
            )
            for name in range(4)
        ]
        for thread in threads:
            thread.start()
        for _ in range(3):
            with pytest.raises(Refused, match=r"message size 2000\d is larger than configured max size"):
                publisher.publish("sent", "x" * 20_000)
        for thread in threads:
            thread.join(60)
        wait_until(lambda: wire.ready("shop.quick") >= 400)
        assert len(set(bodies(wire, "shop.quick", wire.ready("shop.quick")))) == 400


def test_a_user_who_may_only_write_publishes(rabbitmq: Broker, tmp_path: Path) -> None:
    assert rabbitmq.node
    name = rabbitmq.prefix
    rabbitmq.node.add_user(name, "secret")
    write_pattern = rf"^({name}\\.|amq\\.default$)"
    rabbitmq.node.permit(name, rabbitmq.vhost, configure="^$", write=write_pattern, read="^$")
    url = rabbitmq.node.url_of(rabbitmq.vhost, name, "secret")
    file = write(tmp_path, name, url)
    with Publisher(file) as publisher, pytest.raises(Refused, match=f"{name} was never declared on this br"):
        publisher.publish("sent", 0)
    with Publisher(write(tmp_path, name, rabbitmq.url)) as owner:
        owner.publish("sent", 1)
    with Publisher(write(tmp_path, name, url)) as publisher:
        publisher.publish("sent", 2)
        publisher.publish("sent", 3, queue="slow")
        publisher.publish("sent", 4, delay="30s")
    with Publisher(url, name=name) as publisher:
        publisher.publish("sent", 5)
        with pytest.raises(Refused, match=r"may not be read by its user.*publish by the pipeline's file"):
            publisher.publish("sent", 6, delay="30s")
    rabbitmq.node.permit(name, rabbitmq.vhost, configure="^$", write=rf"^{name}\\.tasks$", read="^$")
    with Publisher(url, name=name) as publisher:
        publisher.run_task("send", 7)
        with pytest.raises(Refused, match=f"access to exchange '{name}.events' in vhost '{name}' refused"):
            publisher.publish("sent", 8)
    with closing(Wire(rabbitmq.url)) as wire:
        assert bodies(wire, f"{name}.quick", 4) == ["1", "2", "5", "7"]
