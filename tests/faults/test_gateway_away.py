"""A gateway that publishes to a queue that is full says which at once, and serves the others."""

import time
from collections.abc import Callable
from contextlib import closing

import pytest

from tests.conftest import Broker
from tests.faults.site import Site
from tests.gateway import Answer, Gateway
from tests.integration.wire import Wire
from tests.waiting import PATIENCE, wait_until

#: A time-out of 30 s for each request would be no answer.
SOON_S = 5 * PATIENCE
MakeSite = Callable[[str], Site]
ITEM = {"queue": "alone", "payload": 1}


def post(gateway: Gateway, id_: str) -> Answer:
    """Post a message and see that the answer comes soon."""
    begun = time.monotonic()
    answer = gateway.post("/v1/messages", [{**ITEM, "id": id_, "payload": id_}])
    assert time.monotonic() - begun < SOON_S, answer
    return answer


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
