"""A gateway listens when its connection to the broker is there, so that the first request is served."""

from collections.abc import Callable

import pytest

from tests.conftest import Broker
from tests.faults.site import Site
from tests.gateway import Gateway
from tests.proxy import Proxy

MakeSite = Callable[[str], Site]


@pytest.mark.slow
def test_who_comes_first_is_served_though_connecting_takes_long(
    make_site: MakeSite, rabbitmq: Broker, proxy_to: Callable[[int], Proxy]
) -> None:
    # Given a broker far away: each of the ten steps of a connection takes its time
    assert rabbitmq.node
    proxy = proxy_to(rabbitmq.node.port)
    proxy.delay_s = 0.05
    far = rabbitmq.url.replace(f":{rabbitmq.node.port}/", f":{proxy.port}/")
    gateway = Gateway(site=make_site(rabbitmq.url))
    gateway.write(broker={"url": far})

    # When somebody posts as soon as the gateway listens
    gateway.start()
    answer = gateway.post("/v1/messages", [{"queue": "alone", "payload": 1}])

    # Then the message is taken
    assert (answer.status, len(answer.ids)) == (202, 1)
