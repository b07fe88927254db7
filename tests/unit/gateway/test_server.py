"""The server: what its handler can't answer, it answers; and it ends by being told to."""

import http.client
import json
import socket
from contextlib import closing

import pytest
from aiohttp.web_request import BaseRequest
from aiohttp.web_response import Response

from ebats.pipelines.producer import HttpProducer
from ebats.runner.gateway.answers import answer
from ebats.runner.gateway.server import Server
from tests.brokers import free_port
from tests.unit.core.shop import pipeline

FILE = """
version: 1
name: shop
tasks: {ship: {python: "shop:ship"}}
producers:
  gateway: {http: {listen: "127.0.0.1:PORT"}}
"""


def producer() -> HttpProducer:
    found = pipeline(FILE.replace("PORT", str(free_port()))).producers["gateway"]
    assert isinstance(found, HttpProducer)
    return found


async def handle(request: BaseRequest) -> Response:
    """Answer, but for one path."""
    if request.path == "/fails":
        raise ZeroDivisionError("a mistake")
    return answer(200, {"path": request.path})


def test_a_failure_is_answered_and_told_and_the_others_go_on() -> None:
    failures: list[BaseException] = []
    gateway = producer()
    server = Server(gateway, lambda _loop: handle, failures.append)
    server.start()
    try:
        for path, status in (("/a", 200), ("/fails", 500), ("/b", 200)):
            with closing(http.client.HTTPConnection(gateway.host, gateway.port, timeout=20)) as connection:
                connection.request("GET", path)
                response = connection.getresponse()
                said = json.loads(response.read())
                assert (response.status, response.getheader("Server")) == (status, "ebats")
                if status == 500:
                    # Nothing of what is inside.
                    assert said["error"]["code"] == "internal"
                    assert "mistake" not in str(said)
    finally:
        server.stop(5.0)
    assert [type(failure) for failure in failures] == [ZeroDivisionError]
    assert server.has_ended(20)
    assert server.failure is None


def test_what_can_not_listen_says_so() -> None:
    gateway = producer()
    with closing(socket.socket()) as other:
        other.bind((gateway.host, gateway.port))
        other.listen()
        server = Server(gateway, lambda _loop: handle, lambda _error: None)
        with pytest.raises(OSError, match="in use"):
            server.start()
    assert server.has_ended(20)
