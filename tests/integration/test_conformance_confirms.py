"""Conformance: what a publisher is told."""

from collections.abc import Callable

from tests.conftest import Broker
from tests.integration.actor import actor
from tests.integration.wire import Wire, bodies, confirms_of


def test_every_publish_is_confirmed_by_its_number(wire: Wire) -> None:
    wire.queue("work")
    confirmed = confirms_of(wire.channel)
    for _ in range(300):
        wire.publish(b"x", "", "work")
    wire.drain_until(lambda: len(confirmed) == 300, "300 confirms")
    assert sorted(confirmed) == list(range(1, 301))
    wire.wait_ready("work", 300)


def test_numbers_start_at_one_in_each_channel(wire: Wire) -> None:
    wire.queue("work")
    first, second = wire.new_channel(), wire.new_channel()
    both = [confirms_of(first), confirms_of(second)]
    for channel in (first, second, second):
        channel.basic_publish(channel.prepare_message(b"x"), exchange="", routing_key="work")
    wire.drain_until(lambda: [len(one) for one in both] == [1, 2], "the confirms")


def test_publishes_before_confirm_mode_are_not_numbered(wire: Wire) -> None:
    wire.queue("work")
    wire.publish(b"x", "", "work")
    confirmed = confirms_of(wire.channel)
    wire.publish(b"y", "", "work")
    wire.drain_until(lambda: confirmed, "the confirm")
    wire.drain_for(0.2)
    assert list(confirmed) == [1]


def test_a_confirm_comes_for_each_of_a_mixed_batch(wire: Wire) -> None:
    wire.queue("work")
    wire.exchange("all", "fanout")
    for name in ("one", "two"):
        wire.queue(name)
        wire.channel.queue_bind(name, "all", "")
    confirmed = confirms_of(wire.channel)
    for exchange, key in (("", "work"), ("all", ""), ("", "nobody"), ("all", "x"), ("", "work")):
        wire.publish(b"x", exchange, key)
    wire.drain_until(lambda: len(confirmed) == 5, "five confirms")
    assert [wire.ready(name) for name in ("work", "one", "two")] == [2, 2, 2]


def test_a_confirmed_message_outlives_its_publisher(connect: Callable[[], Wire], broker: Broker) -> None:
    wire = connect()
    wire.queue("work")
    with actor(broker.url, "send", "work", "50") as sender:
        sender.wait_for_lines(1)
        sender.kill()
    wire.consume("work", prefetch=100)
    numbers = [text.split("-")[1] for text in bodies(wire.receive(50))]
    assert numbers == [str(number) for number in range(50)]


def test_publishing_and_consuming_share_a_connection(wire: Wire) -> None:
    wire.queue("work")
    wire.consume("work", channel=wire.new_channel())
    confirmed = confirms_of(wire.channel)
    for number in range(20):
        wire.publish(str(number).encode(), "", "work")
    wire.drain_until(lambda: len(confirmed) == 20 and len(wire.messages) == 20, "all of both")
