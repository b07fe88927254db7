"""The broker is made to match the file, again and again, whatever happens in between."""

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from ebats.pipelines.load import from_bytes
from ebats.pipelines.model import Pipeline
from ebats.pipelines.stored_topology import from_json
from ebats.pipelines.topology import derive
from ebats.runner.broker import declare
from ebats.runner.broker.mismatch import TopologyMismatch
from tests.conftest import Broker
from tests.integration.wire import Wire, work_arguments
from tests.waiting import wait_until

FILE = """\
version: 1
name: NAME
broker: {url: "URL"}
exchanges:
  orders: {type: topic}
queues:
  demo:
ladders:
  notify: [1s, 3s]
tasks:
  close: {python: "shop:close", queue: demo, retry: notify}
  ship: {python: "shop:ship"}
events:
  order_create: {tasks: [{task: close, delay: 10s}]}
  wanted: {exchange: orders, key: "*.WAIT", tasks: [ship]}
"""


def silent(_level: str, _text: str) -> None:
    """Say nothing."""


def load(broker: Broker, *edits: tuple[str, str], url: str = "") -> Pipeline:
    """Return the pipeline of the file above, with edits."""
    text = FILE.replace("NAME", broker.prefix).replace("URL", url or broker.url)
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    return from_bytes("shop.yaml", text.encode(), {}).pipeline


def stored(wire: Wire, pipeline: Pipeline) -> list[Any]:
    """Return the topologies that the broker keeps, and leave them there."""
    found = []
    with wire.connection.channel() as channel:
        while (message := channel.basic_get(pipeline.on_broker("topology"))) is not None:
            found.append(from_json(message.body))
    # A channel gives back when it is closed, a little later.
    wire.wait_ready(pipeline.on_broker("topology"), len(found))
    return found


def places(wire: Wire, pipeline: Pipeline, exchange: str, key: str) -> list[str]:
    """Publish a message, and return the queues that got it; it is there to be seen by nobody else."""
    names = [queue.name for queue in derive(pipeline).queues]
    before = {name: wire.ready(name) for name in names}
    with wire.connection.channel() as channel:
        message = channel.prepare_message(b"{}", properties={"delivery_mode": 2})
        channel.basic_publish(message, exchange=pipeline.on_broker(exchange), routing_key=key)

    def grown() -> list[str]:
        return [name for name in names if wire.ready(name) > before[name]]

    wait_until(grown, 5, f"no queue took {key}")
    return [name.removeprefix(f"{pipeline.name}.") for name in grown()]


def test_all_that_the_file_needs_is_there_and_again_changes_nothing(broker: Broker, wire: Wire) -> None:
    pipeline = load(broker)
    for _ in range(3):
        assert declare.apply(pipeline, silent)
        assert stored(wire, pipeline) == [derive(pipeline)]
    assert places(wire, pipeline, "events", "order_create") == ["delay.10s.order_create.close"]
    assert places(wire, pipeline, "orders", "a.WAIT") == ["ship"]
    assert places(wire, pipeline, "tasks", "close") == ["demo"]
    assert places(wire, pipeline, "events", "nobody_knows") == ["dead"]


def test_what_was_deleted_by_hand_comes_back(broker: Broker, wire: Wire) -> None:
    pipeline = load(broker)
    declare.apply(pipeline, silent)
    wire.channel.queue_delete(pipeline.on_broker("demo"))
    wire.channel.queue_unbind(pipeline.on_broker("ship"), pipeline.on_broker("orders"), "*.WAIT")
    declare.apply(pipeline, silent)
    assert places(wire, pipeline, "tasks", "close") == ["demo"]
    assert places(wire, pipeline, "orders", "a.WAIT") == ["ship"]


def test_an_edited_delay_queue_or_key_leaves_no_old_way(broker: Broker, wire: Wire) -> None:
    old = load(broker)
    declare.apply(old, silent)
    new = load(broker, ("10s", "20s"), ("*.WAIT", "*.GO"), ('ship"}', 'ship", queue: demo}'))
    declare.apply(new, silent)
    assert places(wire, new, "events", "order_create") == ["delay.20s.order_create.close"]
    assert wire.ready(old.on_broker("delay.10s.order_create.close")) == 0
    assert places(wire, new, "orders", "a.GO") == ["demo"]
    assert places(wire, new, "tasks", "ship") == ["demo"]
    assert wire.ready(old.on_broker("ship")) == 0
    assert stored(wire, new) == [derive(new)]


def test_a_queue_that_is_gone_has_nothing_to_be_unbound(broker: Broker, wire: Wire) -> None:
    old = load(broker)
    declare.apply(old, silent)
    wire.channel.queue_delete(old.on_broker("ship"))
    wire.channel.exchange_delete(old.on_broker("orders"))
    new = load(
        broker,
        ('ship"}', 'ship", queue: demo}'),
        ("tasks: [ship]", "tasks: [close]"),
        ('exchange: orders, key: "*.WAIT", ', ""),
    )
    assert declare.apply(new, silent)
    assert stored(wire, new) == [derive(new)]


@pytest.mark.parametrize("step", ["_bind", "_unbind"])
def test_after_a_crash_in_the_middle_the_bindings_of_both_files_are_known(
    broker: Broker, wire: Wire, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    declare.apply(load(broker), silent)
    with monkeypatch.context() as patch:

        def die(*_: object) -> None:
            raise KeyboardInterrupt

        patch.setattr(declare, step, die)
        with pytest.raises(KeyboardInterrupt):
            declare.apply(load(broker, ("10s", "20s")), silent)
    last = load(broker, ("10s", "30s"))
    wire.wait_ready(last.on_broker("topology"), 2)
    declare.apply(last, silent)
    assert stored(wire, last) == [derive(last)]
    assert places(wire, last, "events", "order_create") == ["delay.30s.order_create.close"]
    for rung in ("delay.10s", "delay.20s"):
        assert wire.ready(last.on_broker(f"{rung}.order_create.close")) == 0


def test_two_runners_take_turns(broker: Broker, connect: Callable[[], Wire]) -> None:
    pipeline = load(broker)
    holder = connect()
    holder.channel.queue_declare(pipeline.on_broker("lock"), exclusive=True, auto_delete=False)
    said: list[str] = []
    done = threading.Event()

    def work() -> None:
        declare.apply(pipeline, lambda _, text: said.append(text))
        done.set()

    thread = threading.Thread(target=work)
    thread.start()
    wait_until(lambda: said, 5, "nothing was said")
    assert not done.wait(0.5)
    holder.close()
    thread.join(10)
    assert done.is_set()
    assert said == [f"another runner is changing what {pipeline.name} has on the broker: waiting for it"]


def test_waiting_for_another_runner_can_be_stopped(broker: Broker, wire: Wire) -> None:
    pipeline = load(broker)
    wire.channel.queue_declare(pipeline.on_broker("lock"), exclusive=True, auto_delete=False)
    assert not declare.apply(pipeline, silent, lambda: True)
    assert declare.ensure(pipeline, silent, lambda: True) is None


def test_many_runners_at_once_leave_one_topology(broker: Broker, wire: Wire) -> None:
    pipelines = [load(broker, ("10s", f"{delay}s")) for delay in range(10, 16)]
    threads = [threading.Thread(target=declare.apply, args=(pipeline, silent)) for pipeline in pipelines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    [last] = stored(wire, pipelines[0])
    [winner] = [pipeline for pipeline in pipelines if derive(pipeline) == last]
    assert len(places(wire, winner, "events", "order_create")) == 1


def test_all_that_differs_is_said_at_once_with_its_place(broker: Broker, wire: Wire) -> None:
    pipeline = load(broker)
    name = pipeline.name
    wire.queue(f"{name}.demo", work_arguments(f"{name}.dead", limit=5))
    dead = {"x-dead-letter-exchange": f"{name}.dead", "x-dead-letter-strategy": "at-least-once"}
    wire.queue(f"{name}.ship", {"x-queue-type": "quorum", **dead})
    wire.queue(f"{name}.dead")
    wire.exchange(f"{name}.orders", "fanout")
    with pytest.raises(TopologyMismatch) as raised:
        declare.apply(pipeline, silent)

    def anew(queue: str) -> str:
        return (
            f"a queue can't change: write `generations: {{{queue}: 2}}` at the top of the file, and a new one"
            " takes its place, into which the messages of this one are moved"
        )

    assert str(raised.value).splitlines() == [
        f"shop.yaml:5:3: error[EB312]: the exchange {name}.orders differs: type is fanout on the broker"
        f" and topic"
        " for this file; an exchange can't change: give it another name in the file, or delete it on the"
        " broker, and it is made anew",
        f"shop.yaml:3:1: error[EB312]: the queue {name}.dead differs: x-delivery-limit is none on the"
        f" broker and 1000000"
        f" for this file; {anew('dead')}",
        f"shop.yaml:7:3: error[EB312]: the queue {name}.demo differs: x-delivery-limit is 5 on the broker"
        f" and 20 for"
        f" this file; {anew('demo')}",
        f"shop.yaml:12:3: error[EB312]: the queue {name}.ship differs: x-overflow is none on the broker and"
        " reject-publish for this file, x-delivery-limit is none on the broker and 20 for this file;"
        f" {anew('ship')}",
    ]
    assert raised.value.exit_code == 78


def test_a_mismatch_binds_nothing(broker: Broker, wire: Wire) -> None:
    declare.apply(load(broker), silent)
    new = load(broker, ("10s", "20s"), ("demo:\n", "demo: {type: classic}\n"))
    with pytest.raises(TopologyMismatch, match="x-queue-type is quorum on the broker and classic for this"):
        declare.apply(new, silent)
    old = load(broker)
    assert places(wire, old, "events", "order_create") == ["delay.10s.order_create.close"]
    assert wire.ready(new.on_broker("delay.20s.order_create.close")) == 0
    assert stored(wire, old) == [derive(old)]


def test_a_topology_of_another_version_is_no_first_start(broker: Broker, wire: Wire) -> None:
    pipeline = load(broker)
    declare.apply(pipeline, silent)
    wire.send(pipeline.on_broker("topology"), json.dumps({"version": 2}))
    with pytest.raises(TopologyMismatch, match=r"topology can't be read: .* another version of ebats"):
        declare.apply(pipeline, silent)


def test_publishing_before_the_first_start_declares(broker: Broker, wire: Wire) -> None:
    pipeline = load(broker)
    assert declare.ensure(pipeline, silent) is False
    assert stored(wire, pipeline) == [derive(pipeline)]
    assert places(wire, pipeline, "orders", "a.WAIT") == ["ship"]
    assert declare.ensure(pipeline, silent) is False


def test_publishing_with_another_version_of_the_file_changes_nothing(broker: Broker, wire: Wire) -> None:
    old = load(broker)
    declare.apply(old, silent)
    for _ in range(3):
        assert declare.ensure(load(broker, ("10s", "20s")), silent) is True
    assert stored(wire, old) == [derive(old)]
    assert places(wire, old, "events", "order_create") == ["delay.10s.order_create.close"]
