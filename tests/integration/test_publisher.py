"""`ebats.Publisher` on both brokers: by file and by URL, from threads, coroutines and forked children."""

import asyncio
import gc
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from ebats import NotConfirmed, Publisher, Refused, Unroutable
from tests.brokers import free_port
from tests.conftest import Broker
from tests.integration.wire import Wire, body, headers
from tests.waiting import wait_until

FILE = """\
version: 1
name: NAME
broker: {url: "URL"}
exchanges:
  orders: {type: topic}
queues: {quick: , slow: }
tasks:
  ship: {python: "shop:ship"}
  tell: {python: "shop:tell"}
  send: {python: "shop:send", queues: [quick, slow]}
  note: {python: "shop:note"}
events:
  paid: {tasks: [ship, tell]}
  sent: {tasks: [send]}
  noted: {format: text, tasks: [note]}
  wanted: {exchange: orders, key: "*.WAIT", tasks: [ship]}
"""


@pytest.fixture
def file(main_broker: Broker, tmp_path: Path) -> Path:
    """A pipeline that was never declared."""
    return write(tmp_path, main_broker.prefix, main_broker.url)


@pytest.fixture
def publisher(file: Path) -> Iterator[Publisher]:
    """A publisher to it."""
    with Publisher(file) as made:
        yield made


@pytest.fixture
def wire(main_broker: Broker) -> Iterator[Wire]:
    """One connection to the broker."""
    with closing(Wire(main_broker.url)) as wire:
        yield wire


def write(folder: Path, name: str, url: str) -> Path:
    path = folder / "shop.yaml"
    path.write_text(FILE.replace("NAME", name).replace("URL", url))
    return path


def bodies(wire: Wire, queue: str, count: int) -> list[str]:
    """Take so many messages from a queue, and no more may be there."""
    wire.wait_ready(queue, count)
    return sorted(body(wire.channel.basic_get(queue, no_ack=True)).decode() for _ in range(count))


def test_the_first_publish_declares_the_pipeline(
    publisher: Publisher, wire: Wire, main_broker: Broker
) -> None:
    found = publisher.publish("paid", {"order": "订单"}, id="order-7", headers={"trace": "t1"})
    assert found == "order-7"
    for queue in ("ship", "tell"):
        message = wire.get(f"{main_broker.prefix}.{queue}")
        assert body(message).decode() == '{"order":"订单"}'
        assert message.properties["message_id"] == "order-7"
        assert message.properties["delivery_mode"] == 2
        assert headers(message)["trace"] == "t1"
    assert publisher.publish("noted", "just text") != publisher.run_task("note", ["json"])
    assert bodies(wire, f"{main_broker.prefix}.note", 2) == ['["json"]', "just text"]


def test_a_delay_a_queue_and_a_key_choose_the_way(
    publisher: Publisher, wire: Wire, main_broker: Broker
) -> None:
    name = main_broker.prefix
    publisher.publish("paid", 1, delay=timedelta(minutes=2), id="m1")
    publisher.publish("sent", 2, queue="slow")
    publisher.publish("wanted", 3, key="cn.WAIT")
    publisher.run_task("send", 4, queue="slow")
    keys = {wire.get(f"{name}.delay.2m").delivery_info["routing_key"] for _ in range(2)}
    assert keys == {"ship", "tell"}
    assert bodies(wire, f"{name}.slow", 2) == ["2", "4"]
    assert bodies(wire, f"{name}.ship", 1) == ["3"]


def test_by_url_what_a_delay_needs_is_read_from_the_broker(
    publisher: Publisher, wire: Wire, main_broker: Broker
) -> None:
    name = main_broker.prefix
    publisher.publish("paid", "by file")
    with Publisher(main_broker.url, name=name) as by_url:
        by_url.publish("paid", "by url")
        by_url.publish_many([("sent", 1, {"queue": "slow"}), ("sent", 2, {"delay": "30s"})])
        by_url.run_task("ship", "task")
        with pytest.raises(ValueError, match=r"there is no event 'payd'; did you mean `paid`"):
            by_url.publish("payd", {}, delay="3s")
    assert bodies(wire, f"{name}.ship", 3) == ['"by file"', '"by url"', '"task"']
    assert bodies(wire, f"{name}.slow", 1) == ["1"]
    assert wire.get(f"{name}.delay.30s").delivery_info["routing_key"] == "send"
    # It has been given back: the next one finds it.
    wire.wait_ready(f"{name}.topology", 1)


def test_by_url_a_pipeline_that_was_never_declared_is_refused(main_broker: Broker) -> None:
    with Publisher(main_broker.url, name=main_broker.prefix, timeout="10s") as publisher:
        with pytest.raises(Refused, match="no exchange"):
            publisher.publish("paid", {})
        with pytest.raises(Refused, match="was never declared on this broker: start `ebats run` first"):
            publisher.publish("paid", {}, delay="3s")


def test_many_threads_share_one_connection(publisher: Publisher, wire: Wire, main_broker: Broker) -> None:
    failures: list[BaseException] = []

    def work(first: int) -> None:
        try:
            for number in range(first, first + 50):
                publisher.publish("sent", number)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(n * 50,)) for n in range(10)]
    for thread in threads:
        thread.start()
    ids = publisher.publish_many(("sent", number) for number in range(500, 3000))
    for thread in threads:
        thread.join()
    assert not failures
    assert len(set(ids)) == 2500
    found = bodies(wire, f"{main_broker.prefix}.quick", 3000)
    assert sorted(map(int, found)) == list(range(3000))
    assert [t.name for t in threading.enumerate()].count("publisher") == 1


def test_coroutines_publish_side_by_side(file: Path, wire: Wire, main_broker: Broker) -> None:
    async def main() -> None:
        async with Publisher(file) as publisher:
            ids = await asyncio.gather(*(publisher.publish_async("sent", n) for n in range(300)))
            assert len(set(ids)) == 300
            many = await publisher.publish_many_async(("sent", n) for n in range(300, 2000))
            assert len(set(many)) == 1700
            await publisher.run_task_async("note", 1)

    asyncio.run(main())
    asyncio.run(main())  # another event loop
    assert len(bodies(wire, f"{main_broker.prefix}.quick", 4000)) == 4000


def test_a_publisher_that_nobody_has_any_more_leaves_no_thread_behind(file: Path) -> None:
    def threads() -> int:
        return [thread.name for thread in threading.enumerate()].count("publisher")

    publisher = Publisher(file)
    publisher.publish("sent", 1)
    assert threads() == 1
    del publisher
    gc.collect()
    wait_until(lambda: threads() == 0)


def test_nothing_can_be_published_once_it_is_closed(publisher: Publisher) -> None:
    publisher.publish("sent", 1)
    publisher.close()
    publisher.close()
    with pytest.raises(RuntimeError, match="this publisher is closed"):
        publisher.publish("sent", 2)


def test_an_exchange_or_a_queue_that_somebody_deleted_is_told(
    publisher: Publisher, wire: Wire, main_broker: Broker
) -> None:
    name = main_broker.prefix
    publisher.publish("wanted", 1, key="cn.WAIT")
    wire.channel.queue_unbind(f"{name}.ship", f"{name}.orders", "*.WAIT")
    with pytest.raises(
        Unroutable, match=rf"none is bound for the exchange '{name}.orders' and the key 'cn.W"
    ):
        publisher.publish("wanted", 2, key="cn.WAIT")
    wire.channel.exchange_delete(f"{name}.orders")
    with pytest.raises(Refused, match="no exchange") as raised:
        publisher.publish_many([("sent", 1), ("wanted", 3, {"key": "cn.WAIT", "id": "m3"})])
    assert raised.value.ids == ("m3",)
    assert len(raised.value.confirmed) == 1
    publisher.publish("sent", 2)
    # The first may have come twice: its confirm is lost with the channel.
    assert set(bodies(wire, f"{name}.quick", wire.ready(f"{name}.quick"))) == {"1", "2"}


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("amqp://127.0.0.1/",), "with a URL, say which pipeline: Publisher\\(url, name=...\\)"),
        (("amqp://127.0.0.1/", "no good"), "name"),
        (("amqp://127.0.0.1:nine/", "shop"), "the URL's host or port can't be read"),
        (("sqlite:shop.db", "shop"), "the URL of an embedded broker is sqlite:/// and a path"),
        (("sqlite:///:memory:", "shop"), "an embedded broker in memory would be each process's own"),
    ],
)
def test_a_bad_address_is_refused_when_the_publisher_is_made(arguments: tuple[str, ...], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        Publisher(*arguments)


def test_a_broker_that_is_away_is_told_in_time_and_why(tmp_path: Path) -> None:
    port = free_port()
    for made in (
        Publisher(write(tmp_path, "shop", f"amqp://guest:secret@127.0.0.1:{port}/"), timeout=3),
        Publisher(f"amqp://guest:secret@127.0.0.1:{port}/", "shop", timeout="3s"),
    ):
        with made, pytest.raises(NotConfirmed, match="within 3 s") as raised:
            made.publish("sent", {})
        text = str(raised.value)
        assert f"the broker at amqp://guest@127.0.0.1:{port}/ can't be reached" in text
        assert text.endswith("; nothing was sent")


def test_an_embedded_broker_that_can_not_be_used_is_said(tmp_path: Path) -> None:
    nowhere = write(tmp_path, "shop", "sqlite:///no/folder/shop.db")
    with Publisher(nowhere) as made, pytest.raises(Refused, match="no/folder"):
        made.publish("sent", {})
