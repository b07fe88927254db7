"""`ebats publish` with delays, chosen queues and keys, and by users with few rights."""

import time
from contextlib import closing
from pathlib import Path

from tests.acceptance.test_publish import Shop, shop, wire
from tests.conftest import Broker
from tests.integration.wire import Wire, headers

__all__ = ["shop", "wire"]


def test_an_event_with_a_delay_is_handed_to_each_task_by_the_publisher(shop: Shop, wire: Wire) -> None:
    began = time.time()
    result = shop.publish("paid", "-d", "{}", "--id", "order-7", "--delay", "37s")
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("published 1 message to event paid in")
    found = [wire.get(f"{shop.name}.delay.30s") for _ in range(2)]
    assert {message.delivery_info["routing_key"] for message in found} == {"ship", "tell"}
    for message in found:
        assert message.properties["message_id"] == "order-7"
        assert headers(message)["ebats-event"] == "paid"
        assert began + 37 <= headers(message)["ebats-due"] <= time.time() + 37


def test_a_chosen_queue_is_where_the_task_gets_it(shop: Shop, wire: Wire) -> None:
    for words in (("sent",), ("--task", "send")):
        for queue in ("quick", "slow"):
            result = shop.publish(*words, "-d", "{}", "--queue", queue)
            assert result.returncode == 0, result.stderr
            wire.ack(wire.get(f"{shop.name}.{queue}"))
    assert shop.publish("sent", "-d", "{}").returncode == 0
    wire.wait_ready(f"{shop.name}.quick", 1)


def test_an_event_that_is_a_pattern_takes_a_key_that_matches(shop: Shop, wire: Wire) -> None:
    assert shop.publish("wanted", "--key", "cn.WAIT", "-d", "{}").returncode == 0
    assert wire.get(f"{shop.name}.ship").delivery_info["routing_key"] == "cn.WAIT"


def test_a_user_who_may_only_write_publishes_to_what_was_declared(rabbitmq: Broker, tmp_path: Path) -> None:
    assert rabbitmq.node
    shop = Shop(tmp_path, rabbitmq)
    rabbitmq.node.add_user(rabbitmq.prefix, "secret")
    write = rf"^({rabbitmq.prefix}\\.|amq\\.default$)"
    rabbitmq.node.permit(rabbitmq.prefix, rabbitmq.vhost, configure="^$", write=write, read="^$")
    shop.url = rabbitmq.node.url_of(rabbitmq.vhost, rabbitmq.prefix, "secret")
    result = shop.publish("paid", "-d", "{}")
    assert result.returncode == 78, result.stdout
    assert f"{shop.name} was never declared on this broker, and its user may not do it" in result.stderr
    owner = Shop(tmp_path, rabbitmq)
    assert owner.publish("paid", "-d", "{}").returncode == 0
    shop.edit("tasks: [ship, tell]", "tasks: [ship]")
    result = shop.publish("paid", "-d", "{}")
    assert (result.returncode, result.stderr) == (0, "")
    with closing(Wire(rabbitmq.url)) as wire:
        wire.wait_ready(f"{shop.name}.ship", 2)
