"""Ready messages are counted, on both brokers."""

from ebats.runner.broker import declare
from ebats.runner.broker.inspect import Inspector
from tests.brokers import free_port
from tests.conftest import Broker
from tests.integration.test_declare import load, silent
from tests.integration.wire import Wire


def test_queues_are_counted_and_missing_ones_are_none(broker: Broker, wire: Wire) -> None:
    pipeline = load(broker)
    inspector = Inspector(pipeline.broker, silent, lambda: False)
    names = [pipeline.on_broker(name) for name in ("none", "demo", "gone", "ship")]
    assert inspector.counts(names) == dict.fromkeys(names)
    declare.apply(pipeline, silent)
    wire.send(names[1], "a", "b")
    wire.wait_ready(names[1], 2)
    assert list(inspector.counts(names).values()) == [None, 2, None, 0]
    inspector.close()
    assert inspector.counts(names[3:]) == {names[3]: 0}
    inspector.close()


def test_counting_survives_a_lost_connection(rabbitmq: Broker) -> None:
    assert rabbitmq.node
    pipeline = load(rabbitmq)
    declare.apply(pipeline, silent)
    inspector = Inspector(pipeline.broker, silent, lambda: False)
    names = [pipeline.on_broker("demo")]
    assert inspector.counts(names) == {names[0]: 0}
    rabbitmq.node.close_connections(rabbitmq.vhost)
    assert inspector.counts(names) == {names[0]: 0}
    inspector.close()


def test_a_broker_that_is_away_is_given_up_when_told_to() -> None:
    pipeline = load(Broker(kind="", url=f"amqp://127.0.0.1:{free_port()}/", prefix="shop"))
    said: list[str] = []
    inspector = Inspector(pipeline.broker, lambda _, text: said.append(text), lambda: bool(said))
    assert inspector.counts(["x"]) == {"x": None}
    assert len(said) == 1
