"""`ebats.Client` and a gateway, both real: what the client says was published is done by its tasks."""

import asyncio
import json
import signal
import threading
from collections.abc import Callable
from typing import Any

import pytest

from ebats import Client, GatewayRefused, GatewayUnavailable
from tests.brokers import RabbitNode, free_port
from tests.commands import RunningCommand
from tests.fake_gateway import FakeGateway, answer
from tests.faults.site import START_DEADLINE_S, Site
from tests.waiting import wait_until

TOKEN = "a-long-and-random-text"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
WAYS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "token": ({"auth": {"bearer": TOKEN}}, {"token": TOKEN}),
    "secret": ({"auth": {"secret": SECRET}}, {"secret": SECRET}),
    "nothing": ({}, {}),
}


def write(site: Site, http: dict[str, Any] | None = None, **producer: Any) -> str:
    """Write a file with a gateway, and return its URL."""
    listen = f"127.0.0.1:{free_port()}"
    site.write(
        tasks={
            "work": {"python": "tasks:work", "queues": ["work", "slow"]},
            "link": {"python": "tasks:work"},
        },
        queues={"work": {}, "slow": {}},
        exchanges={"trade": {"type": "topic"}},
        events={
            "happened": {"tasks": ["work"]},
            "traded": {"exchange": "trade", "key": "*.paid", "tasks": ["work"]},
            "said": {"format": "text", "tasks": ["link"]},
        },
        producers={"gateway": {"http": {"listen": listen, **(http or {})}, **producer}},
    )
    return f"http://{listen}"


def launch(site: Site, *flags: str) -> RunningCommand:
    """Start the pipeline, or the gateway alone, and return when it listens."""
    command = site.launch(*flags)
    command.wait_for_output("listens on", START_DEADLINE_S)
    return command


def successes(site: Site) -> dict[str, dict[str, Any]]:
    """Return the records of what was done, by message id."""
    return {record["id"]: record for record in site.records() if record["outcome"] == "success"}


@pytest.mark.parametrize("way", WAYS)
def test_what_is_published_through_a_gateway_is_done(site: Site, way: str) -> None:
    http, credentials = WAYS[way]
    url = write(site, http)
    command = launch(site)
    with Client(url, **credentials) as client:
        ids = [
            client.publish("happened", {"n": "支付"}, id="FB1-支付 paid", headers={"trace": "7f"}),
            client.publish("happened", {"n": "delayed"}, delay="300ms"),
            client.publish("happened", {"n": "slow"}, queue="slow"),
            client.publish("traded", {"n": "traded"}, key="cn.paid"),
            client.run_task("work", {"n": "task"}),
            *client.publish_batch([("happened", {"n": f"b-{n}"}, {"id": f"batch.{n}"}) for n in range(100)]),
            *asyncio.run(publish_async(client)),
        ]
    wait_until(lambda: successes(site).keys() == {*ids}, 30, lambda: str({*ids} - successes(site).keys()))
    done = successes(site)
    assert ids[0] == "FB1-支付 paid"
    assert (done[ids[2]]["queue"], done[ids[3]]["event"]) == ("slow", "traded")
    assert "event" not in done[ids[4]]
    site.end(command)


async def publish_async(client: Client) -> list[str]:
    return await asyncio.gather(*(client.publish_async("happened", {"n": f"a-{n}"}) for n in range(50)))


def test_a_notification_is_a_message_in_the_queue(site: Site) -> None:
    url = write(site)
    command = launch(site, "--only", "gateway")
    with Client(url) as client:
        ids = client.notify(["https://a.example/x", "https://b.example/"], unique_key="FB1", queue="link")
        assert client.notify("https://a.example/x", unique_key="FB1", queue="link") == ids[:1]
        said = client.publish("said", "as it stands")
    site.end(command)
    letters = site.take("link")
    assert [letter.properties["message_id"] for letter in letters] == [*ids, ids[0], said]
    assert letters[-1].body == b"as it stands"
    assert json.loads(letters[0].body) == {"requests": [{"url": "https://a.example/x"}]}


def test_a_notification_is_a_call_of_each_url(site: Site) -> None:
    listen = f"127.0.0.1:{free_port()}"
    http = {"from": "payload", "allow_hosts": ["127.0.0.0/8"], "sign": {"secret": SECRET}}
    site.write(
        tasks={"call": {"http": http, "queue": "callbacks"}},
        queues={"callbacks": {}},
        producers={"gateway": {"http": {"listen": listen}}},
    )
    command = launch(site)
    with FakeGateway() as callee, Client(f"http://{listen}") as client:
        callee.replies = [answer(200, "ok")] * 3
        urls = [f"{callee.url}/paid?n=1", f"{callee.url}/paid?n=2"]
        ids = client.notify(urls, unique_key="FB1", queue="callbacks")
        post = {"method": "POST", "options": {"json": {"n": 3}}}
        ids += client.notify(f"{callee.url}/hook", unique_key="FB1", task="call", **post)
        wait_until(lambda: len(callee.seen) == 3, 30)
        called = {seen.headers["webhook-id"]: seen for seen in callee.seen}
        assert called.keys() == {*ids}
        assert [called[id_].request.method for id_ in ids] == ["GET", "GET", "POST"]
        assert [dict(called[id_].query) for id_ in ids] == [{"n": "1"}, {"n": "2"}, {}]
        assert json.loads(called[ids[2]].body) == {"n": 3}
        wait_until(lambda: successes(site).keys() == {*ids}, 30)
    site.end(command)


def test_what_a_gateway_refuses_is_told(local_site: Site) -> None:
    allow = {"bearer": [{"name": "shop", "token": TOKEN, "allow": {"events": ["happened"]}}]}
    url = write(local_site, {"auth": allow, "max_item": "1KiB"})
    command = launch(local_site, "--only", "gateway")
    with Client(url, token=TOKEN) as client, Client(url, token="another") as other:
        for code, publish in {
            "unauthorized": lambda: other.publish("happened", {}),
            "forbidden": lambda: client.run_task("work", {}),
            "invalid": lambda: client.publish("hapened", {}),
        }.items():
            with pytest.raises(GatewayRefused) as caught:
                publish()
            assert caught.value.code == code
        items = [("happened", {}), ("hapened", {}), ("happened", {"text": "x" * 2000})]
        with pytest.raises(GatewayRefused, match="did you mean `happened`") as caught:
            client.publish_batch(items)
        assert [item.index for item in caught.value.items] == [1, 2]
        with pytest.raises(GatewayRefused) as caught:
            client.publish_batch(items, partial=True)
        assert (len(caught.value.confirmed), len(caught.value.ids)) == (1, 2)
    local_site.end(command)
    (letter,) = local_site.take("work")
    assert (letter.properties["message_id"],) == caught.value.confirmed


@pytest.mark.slow
def test_nothing_is_lost_while_gateways_are_killed(site: Site) -> None:
    url = write(site, processes=2)
    command = launch(site)
    published: list[str] = []
    stop = threading.Event()

    def publish() -> None:
        with Client(url, retries=20) as client:
            while not stop.is_set():
                published.append(client.publish("happened", {"n": f"m-{len(published)}"}))

    thread = threading.Thread(target=publish)
    thread.start()
    for _ in range(4):
        before = len(published)
        wait_until(lambda before=before: len(published) > before + 30, 30)  # type: ignore[misc]
        for process in site.consumers(command, "gateway#"):
            process.send_signal(signal.SIGKILL)
    stop.set()
    thread.join(90)
    assert not thread.is_alive()
    wait_until(lambda: successes(site).keys() >= {*published}, 30)
    site.end(command)
    # Tried again with the same id: a repeat can be known.
    assert len({*published}) == len(published)


@pytest.mark.slow
def test_a_broker_that_was_away_has_it_in_the_end_and_once(
    own_node: Callable[..., RabbitNode], make_site: Callable[[str], Site]
) -> None:
    node = own_node()
    site = make_site(node.url)
    url = write(site)
    command = launch(site)
    node.stop()
    with Client(url, retries=0) as client, pytest.raises(GatewayUnavailable, match="nothing was published"):
        wait_until(lambda: client.publish("happened", {"n": "before"}) and None)
    threading.Timer(3, node.start).start()
    with Client(url, retries=100) as client:
        id_ = client.publish("happened", {"n": "after"})
    wait_until(lambda: id_ in successes(site), 40)
    site.end(command)
    assert len([record for record in site.records() if record["id"] == id_]) == 1
