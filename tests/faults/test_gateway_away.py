"""A gateway whose broker is full says so at once, and takes messages again by itself."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import Broker
from tests.disks import small_disk, stuff
from tests.faults.site import Site
from tests.gateway import Answer, Gateway
from tests.integration.wire import Wire, body
from tests.waiting import PATIENCE, wait_until

#: A time-out of 30 s for each request would be no answer.
SOON_S = 5 * PATIENCE
MakeSite = Callable[[str], Site]
ITEM = {"queue": "alone", "payload": 1}


def started(make_site: MakeSite, url: str) -> Gateway:
    """Return a running gateway that the broker serves."""
    gateway = Gateway(site=make_site(url))
    gateway.write()
    gateway.start()
    wait_until(lambda: gateway.get("/readyz").status == 200, 30, "the gateway is not ready")
    return gateway


def post(gateway: Gateway, id_: str) -> Answer:
    """Post a message and see that the answer comes soon."""
    begun = time.monotonic()
    answer = gateway.post("/v1/messages", [{**ITEM, "id": id_, "payload": id_}])
    assert time.monotonic() - begun < SOON_S, answer
    return answer


def found(url: str, queue: str) -> set[str]:
    """Return the payloads in a queue."""
    with closing(Wire(url)) as wire:
        count = wire.ready(queue)
        return {json.loads(body(wire.get(queue))) for _ in range(count)}


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 MB of its own."""
    with small_disk(tmp_path / "disk") as disk:
        yield disk


@pytest.mark.slow
def test_a_full_disk_is_told_soon(make_site: MakeSite, disk: Path) -> None:
    url = f"sqlite:///{disk}/broker.db"
    gateway = started(make_site, url)
    accepted = set(post(gateway, "before").ids)
    junk = stuff(disk)
    refused = post(gateway, "refused")
    assert (refused.status, refused.code) in [(503, "unconfirmed"), (503, "unavailable")]
    assert int(refused.headers["retry-after"]) > 0
    junk.unlink()
    wait_until(lambda: post(gateway, "after").status == 202, 60, "nothing is taken again")
    assert accepted <= found(url, "site.alone")


@pytest.mark.slow
def test_a_queue_that_is_full_is_named(make_site: MakeSite, rabbitmq: Broker) -> None:
    gateway = Gateway(site=make_site(rabbitmq.url))
    gateway.write(
        queues={"alone": {}, "demo": {}, "slow": {}, "theirs": {"external": True}},
    )
    arguments = {"x-max-length": 2, "x-overflow": "reject-publish"}
    with closing(Wire(rabbitmq.url)) as wire:
        wire.queue("theirs", arguments)
        gateway.start()
        wait_until(lambda: gateway.get("/readyz").status == 200, 30, "the gateway is not ready")
        items = [{"queue": "theirs", "payload": number} for number in range(3)]
        answer = gateway.post("/v1/messages", [*items, ITEM])
        assert (answer.status, answer.code) == (503, "full")
        assert answer.reasons == {2: "its queue is full"}
        assert len(answer.json["error"]["confirmed"]) == 3
        assert wire.ready("theirs") == 2
        # The others' queues are not held up by it.
        assert post(gateway, "after").status == 202
