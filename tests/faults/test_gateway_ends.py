"""A gateway that is ended, or whose port is shared or taken: what it has in hand is answered."""

import http.client
import json
import os
import signal
import socket
import threading
from contextlib import closing, suppress

import pytest

from tests.faults.site import Site
from tests.gateway import Gateway
from tests.integration.wire import Wire, body
from tests.waiting import wait_until


def is_listening(gateway: Gateway) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", gateway.port), 1):
        return True
    return False


def read_answer(line: socket.socket) -> tuple[int, dict[str, str]]:
    response = http.client.HTTPResponse(line)
    response.begin()
    response.read()
    return response.status, {name.lower(): value for name, value in response.getheaders()}


@pytest.mark.slow
def test_a_request_in_hand_is_answered_before_the_gateway_leaves(site: Site) -> None:
    gateway = Gateway(site=site)
    gateway.write()
    command = gateway.start()
    wait_until(lambda: gateway.get("/readyz").status == 200, 30, "the gateway is not ready")
    payload = json.dumps({"n": "slow"}).encode()
    head = (
        "POST /v1/events/happened HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(payload)}\r\n\r\n"
    )
    with (
        socket.create_connection(("127.0.0.1", gateway.port), 20) as slow,
        socket.create_connection(("127.0.0.1", gateway.port), 20) as idle,
        closing(Wire(site.url)) as wire,
    ):
        idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert read_answer(idle)[0] == 200
        # Half of the request is there when the end comes.
        slow.sendall(head.encode() + payload[:5])
        wait_until(lambda: gateway.get("/healthz").status == 200, 10)
        command.terminate()
        wait_until(lambda: not is_listening(gateway), 20, "the gateway still accepts")
        # Who has nothing in hand is let go at once.
        assert idle.recv(1) == b""
        slow.sendall(payload[5:])
        status, headers = read_answer(slow)
        assert (status, headers["connection"]) == (202, "close")
        assert command.wait(20) == 0, command.output[-4000:]
        assert body(wire.get(f"{site.name}.demo")) == payload
    assert not command.family()


@pytest.mark.slow
def test_a_request_that_does_not_end_holds_nobody_up_for_longer_than_the_grace_time(local_site: Site) -> None:
    gateway = Gateway(site=local_site)
    gateway.write(grace="1s")
    command = gateway.start()
    with socket.create_connection(("127.0.0.1", gateway.port), 20) as slow:
        slow.sendall(
            b"POST /v1/events/happened HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: 100\r\n\r\n{"
        )
        wait_until(lambda: gateway.get("/healthz").status == 200, 10)
        local_site.end(command, 20)


@pytest.mark.slow
def test_several_processes_share_the_port(site: Site) -> None:
    gateway = Gateway(site=site)
    gateway.write(processes=2)
    command = gateway.start("--only", "gateway")
    wait_until(lambda: command.output.count("listens on") == 2, 30)
    pids = {process.pid for process in site.consumers(command, "gateway#")}
    assert len(pids) == 2
    wait_until(lambda: {gateway.get("/v1/status").json["pid"] for _ in range(20)} == pids, 30)
    # Where one dies the other goes on.
    os.kill(min(pids), signal.SIGKILL)
    wait_until(lambda: _asked(gateway) == max(pids), 30)
    # A connection that the kernel had given to the dead one, or to one that is just coming, is reset.
    wait_until(lambda: _posted(gateway) == 202, 30)
    wait_until(lambda: command.output.count("listens on") == 3, 60)
    site.end(command)


def _asked(gateway: Gateway) -> int | None:
    with suppress(OSError, http.client.HTTPException):
        pid: int = gateway.get("/v1/status").json["pid"]
        return pid
    return None


def _posted(gateway: Gateway) -> int | None:
    with suppress(OSError, http.client.HTTPException):
        return gateway.post("/v1/events/happened", 1).status
    return None


@pytest.mark.slow
def test_what_is_posted_is_worked_off(site: Site) -> None:
    gateway = Gateway(site=site)
    gateway.write()
    command = gateway.start("--only", "gateway", "--only", "all")
    names = [f"m{number}" for number in range(50)]
    site.oracle.attempting(names)
    items = [{"event": "happened", "payload": {"n": name}, "id": name} for name in names]
    wait_until(lambda: gateway.get("/readyz").status == 200, 30, "the gateway is not ready")
    assert gateway.post("/v1/messages", items).status == 202
    site.oracle.confirmed(names)
    site.wait_done()
    site.end(command)
    site.oracle.judge().check(duplicates=0)


@pytest.mark.parametrize("shares", [False, True])
def test_a_port_that_is_taken_ends_the_run_at_its_place(local_site: Site, *, shares: bool) -> None:
    gateway = Gateway(site=local_site)
    gateway.write()
    with socket.socket() as other:
        if shares:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", gateway.port))
        other.listen()
        thread = threading.Thread(target=_be_another, args=(other,), daemon=True)
        thread.start()
        command = local_site.launch()
        assert command.wait(30) == 78
        assert f"`gateway` can't listen on 127.0.0.1:{gateway.port}:" in command.output
        assert f"pipeline.yaml:{line_of(local_site, 'gateway')}:" in command.output
        reason = "shares its ports" if shares else "Address already in use"
        assert reason in command.output
        other.shutdown(socket.SHUT_RDWR)
    thread.join(10)


def _be_another(other: socket.socket) -> None:
    """Answer as another server does."""
    with suppress(OSError):
        while True:
            line, _ = other.accept()
            with line:
                line.recv(4096)
                line.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


def line_of(site: Site, name: str) -> int:
    lines = site.file.read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if f'"{name}":' in line)
