"""A client in another language, Node's amqplib: it knows the broker, the names and JSON, nothing of ebats."""

import base64
import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.commands import RunningCommand, run_ebats
from tests.conftest import Broker
from tests.faults.site import Site
from tests.node_scripts import Node


@pytest.fixture
def shop(each_rabbitmq: Broker, tmp_path: Path, start_ebats: Callable[..., RunningCommand]) -> Site:
    """A pipeline on RabbitMQ, with an exchange that is somebody else's."""
    folder = tmp_path / "site"
    folder.mkdir()
    site = Site(folder, each_rabbitmq.url, each_rabbitmq.prefix, start_ebats)
    site.write(
        exchanges={"trade": {"type": "topic", "external": True, "name": "trade"}},
        tasks={"work": {"python": "tasks:work"}},
        events={
            "happened": {"tasks": ["work"]},
            "wanted": {"exchange": "trade", "key": "orders.*.wanted", "tasks": ["work"]},
        },
    )
    return site


def test_what_node_publishes_to_an_event_and_to_a_task_is_done(node: Node, shop: Site) -> None:
    make_exchange(node, shop)
    command = shop.start()
    options = {"contentType": "application/json", "headers": {"shop": "Peking"}}
    publish(
        node,
        shop,
        ("events", "happened", '{"n": "plain"}', {}),
        ("events", "happened", '{"n": "named"}', {**options, "messageId": "FB2001"}),
        ("tasks", "work", '{"n": "by task"}', {"messageId": "FB2002"}),
        ("", "orders.7.wanted", '{"n": "by pattern"}', {"messageId": "FB2003"}),
    )

    shop.wait_started(4)
    shop.end(command)

    done = {line["n"]: line for line in shop.oracle.done()}
    assert done.keys() == {"plain", "named", "by task", "by pattern"}
    assert (done["named"]["id"], done["named"]["event"]) == ("FB2001", "happened")
    assert done["named"]["headers"]["shop"] == "Peking"
    assert (done["by task"]["id"], done["by task"]["event"]) == ("FB2002", None)
    assert (done["by pattern"]["event"], done["by pattern"]["key"]) == ("wanted", "orders.7.wanted")


def test_what_node_publishes_wrongly_is_a_dead_letter_with_its_body(node: Node, shop: Site) -> None:
    make_exchange(node, shop)
    shop.declare()
    publish(node, shop, ("events", "happened", '{"n": ', {"messageId": "cut"}))

    shop.run()

    (letter,) = shop.take()
    assert (letter.body, letter.headers["ebats-reason"]) == (b'{"n": ', "undecodable")
    assert letter.properties["message_id"] == "cut"


def test_node_receives_what_ebats_publishes_untouched(node: Node, shop: Site) -> None:
    bodies = ['{"n": "名",  "price": 1.10}', '{"n":2}']
    with listening(node, shop, "#", len(bodies)) as receiver:
        for number, body in enumerate(bodies):
            where = ["--exchange", "trade", "--key", f"orders.{number}.wanted", "--id", f"FB{number}"]
            done = run_ebats("publish", shop.file, *where, "-d", body, cwd=shop.folder)
            assert done.returncode == 0, done.stderr
        output, _ = receiver.communicate(timeout=60)

    got = [json.loads(line) for line in output.splitlines()]
    assert [base64.b64decode(message["body"]).decode() for message in got] == bodies
    assert [message["key"] for message in got] == ["orders.0.wanted", "orders.1.wanted"]
    first = got[0]["properties"]
    assert (first["messageId"], first["contentType"], first["deliveryMode"]) == ("FB0", "application/json", 2)
    assert set(first["headers"]) == {"ebats-published"}


def test_node_asks_for_a_result_and_gets_it(node: Node, shop: Site) -> None:
    make_exchange(node, shop)
    command = shop.start()
    answer = json.loads(node.run("ask.js", shop.url, f"{shop.name}.tasks", "work", '{"n": "asked"}'))

    assert answer["correlationId"] == "asked-1"
    assert answer["answer"]["result"] == "asked"
    shop.end(command)


@contextmanager
def listening(node: Node, shop: Site, pattern: str, count: int) -> "Iterator[subprocess.Popen[str]]":
    """Let Node listen to the exchange that isn't ours, which it declares."""
    with node.popen("receive.js", shop.url, "trade", pattern, count) as listener:
        try:
            assert listener.stdout
            assert listener.stdout.readline() == "ready\n"
            yield listener
        finally:
            listener.kill()


def make_exchange(node: Node, shop: Site) -> None:
    """Let the exchange that isn't ours be there."""
    with listening(node, shop, "nothing", 1):
        pass


def publish(node: Node, shop: Site, *messages: tuple[str, str, str, dict[str, Any]]) -> None:
    """Publish from Node: exchange, key, body and options; without an exchange to the one that isn't ours."""
    lines = [
        {
            "exchange": f"{shop.name}.{exchange}" if exchange else "trade",
            "key": key,
            "body": body,
            "options": options,
        }
        for exchange, key, body, options in messages
    ]
    node.run("publish.js", shop.url, stdin="".join(f"{json.dumps(line)}\n" for line in lines))
