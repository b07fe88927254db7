"""Many large requests at the same time don't cost a gateway its memory."""

import json
import socket
from contextlib import ExitStack

import pytest

from tests.faults.site import Site
from tests.gateway import Gateway
from tests.waiting import wait_until

MIB = 2**20


@pytest.mark.slow
def test_bodies_that_are_held_at_once_are_bounded(local_site: Site) -> None:
    gateway = Gateway(site=local_site)
    gateway.write()
    command = gateway.start()
    (process,) = local_site.consumers(command, "gateway")
    before = process.memory_info().rss
    head = "POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    # Of 16 MiB each, but for the last byte: all together 400 MiB, of which the gateway holds 64.
    sent = f"{head}Content-Length: {16 * MIB}\r\n\r\n".encode() + b" " * (16 * MIB - 1)
    with ExitStack() as stack:
        sockets = [stack.enter_context(opened(gateway)) for _ in range(25)]
        for each in sockets:
            send(each, sent)
        assert process.memory_info().rss - before < 200 * MIB
        assert [is_refused(each) for each in sockets].count(True) >= 25 - 4
    wait_until(lambda: taken(gateway) == 202, 20)
    assert process.memory_info().rss - before < 200 * MIB
    local_site.end(command)


def opened(gateway: Gateway) -> socket.socket:
    return socket.create_connection(("127.0.0.1", gateway.port), 30)


def send(connection: socket.socket, sent: bytes) -> None:
    """Send as much as the gateway takes."""
    try:
        connection.sendall(sent)
    except (ConnectionError, TimeoutError):  # it has answered, and doesn't want the rest
        return


def is_refused(connection: socket.socket) -> bool:
    """Return whether a request was answered with 503, or cut; False: it is still waited for."""
    connection.settimeout(1)
    try:
        answer = connection.recv(4096).decode()
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    assert not answer or answer.startswith("HTTP/1.1 503"), answer
    return True


def taken(gateway: Gateway) -> int:
    """Send a request of everyday size."""
    body = json.dumps([{"queue": "alone", "payload": 1}]).encode()
    return gateway.post("/v1/messages", body).status
