"""A client among threads, event loops, forks and exits, with a gateway that the test plays."""

import asyncio
import os
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path

import aiohttp
import pytest
import trustme

from ebats import Client, GatewayUnavailable
from ebats.runner.client.background import Background
from tests.fake_gateway import FakeGateway, Seen, late, problem
from tests.waiting import wait_until


@pytest.fixture
def client(gateway: FakeGateway) -> Iterator[Client]:
    with Client(gateway.url) as found:
        yield found


def test_connections_are_kept(client: Client, gateway: FakeGateway) -> None:
    for _ in range(5):
        client.publish("paid", {})
    assert len({seen.peer for seen in gateway.seen}) == 1


def test_coroutines_share_a_client_with_threads(client: Client, gateway: FakeGateway) -> None:
    async def several() -> list[str]:
        return await asyncio.gather(*(client.publish_async("paid", {"n": n}) for n in range(50)))

    async def each() -> None:
        assert await client.run_task_async("ship", {}, id="7") == "7"
        assert await client.publish_batch_async([("a", {}, {"id": "8"})]) == ["8"]
        assert await client.notify_async("http://a/", queue="q", unique_key="k")

    with ThreadPoolExecutor(8) as pool:
        synchronous = [pool.submit(client.publish, "paid", {"n": n}) for n in range(50)]
        # Each has an event loop of its own.
        asynchronous = [pool.submit(asyncio.run, several()) for _ in range(2)]
        ids = [each.result() for each in synchronous]
        ids += chain.from_iterable(each.result() for each in asynchronous)
    asyncio.run(each())
    assert len(set(ids)) == 150
    assert {id_ for seen in gateway.seen for id_ in seen.ids} > set(ids)


def test_a_coroutine_that_is_cancelled_lets_its_request_go(client: Client, gateway: FakeGateway) -> None:
    gateway.replies = [late(60)]

    async def cancelled() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await client.publish_async("paid", {})

    asyncio.run(cancelled())
    client.publish("paid", {})
    time.sleep(0.1)
    assert len(gateway.seen) == 2


def test_closing_waits_for_what_is_on_its_way(gateway: FakeGateway) -> None:
    gateway.replies = [late(0.5)]
    client = Client(gateway.url)
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(client.publish, "paid", {}, id="7")
        wait_until(lambda: gateway.seen)
        client.close()
        assert future.result() == "7"
    with pytest.raises(RuntimeError, match="closed"):
        client.publish("paid", {})


def test_closing_gives_up_what_does_not_end(gateway: FakeGateway) -> None:
    gateway.replies = [problem(503, "away", "away", Retry_After="50")]
    client = Client(gateway.url, timeout="300ms")
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(client.publish, "paid", {}, id="7")
        wait_until(lambda: gateway.seen)
        client.close()
        with pytest.raises(GatewayUnavailable, match="the client was closed") as caught:
            future.result()
    assert caught.value.ids == ("7",)


def test_a_client_in_an_async_with_is_closed(gateway: FakeGateway) -> None:
    async def use() -> None:
        async with Client(gateway.url) as client:
            await client.publish_async("paid", {})
        with pytest.raises(RuntimeError, match="closed"):
            await client.publish_async("paid", {})

    asyncio.run(use())


def test_a_client_that_is_let_go_leaves_no_thread(gateway: FakeGateway) -> None:
    client = Client(gateway.url)
    client.publish("paid", {})
    assert "ebats-client" in thread_names()
    del client
    wait_until(lambda: "ebats-client" not in thread_names())


def test_a_session_that_cannot_be_made_is_told() -> None:
    def fails() -> aiohttp.ClientSession:
        raise OSError("too many open files")

    # Clients of other tests may not have ended yet.
    before = set(threading.enumerate())
    background = Background(fails)
    for _ in range(2):
        with pytest.raises(OSError, match="too many"):
            background.start(asyncio.sleep)  # type: ignore[arg-type]
    wait_until(lambda: not [one for one in set(threading.enumerate()) - before if one.name == "ebats-client"])


FORKS = """
import os, sys
from ebats import Client

client = Client(sys.argv[1])
client.publish("paid", {"from": "parent"})
for leave in (sys.exit, os._exit):
    child = os.fork()
    if not child:
        client.publish("paid", {"from": "child"})
        leave(0)
    assert os.waitpid(child, 0)[1] == 0
    # Over the same connection, at once: no child has done anything to it.
    client.publish("paid", {"from": "parent"})
"""


def test_a_forked_child_has_connections_of_its_own(gateway: FakeGateway) -> None:
    run_python(FORKS, gateway.url)
    by_whom: dict[str, list[Seen]] = {"parent": [], "child": []}
    for seen in gateway.seen:
        by_whom[seen.items[0]["payload"]["from"]].append(seen)
    assert [len(each) for each in by_whom.values()] == [3, 2]
    assert len({seen.peer for seen in by_whom["parent"]}) == 1
    assert len({seen.peer for seen in gateway.seen}) == 3


UNCLOSED = """
import sys
from ebats import Client

Client(sys.argv[1]).publish("paid", {})
client = Client(sys.argv[1])
client.publish("paid", {})
"""


def test_a_program_needs_no_close(gateway: FakeGateway) -> None:
    assert run_python(UNCLOSED, gateway.url) == ""
    assert len(gateway.seen) == 2


def test_ctrl_c_ends_a_publish(gateway: FakeGateway) -> None:
    gateway.replies = [late(60)]
    program = "import sys, ebats; ebats.Client(sys.argv[1], timeout=60).publish('paid', {})"
    process = subprocess.Popen(
        [sys.executable, "-c", program, gateway.url], stderr=subprocess.PIPE, text=True
    )
    wait_until(lambda: gateway.seen, 20)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert "KeyboardInterrupt" in errors
    assert process.returncode == -signal.SIGINT


def test_a_certificate_is_checked_by_the_authorities_of_the_system(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    program = "import sys, ebats; ebats.Client(sys.argv[1], retries=0).publish('paid', {})"
    with FakeGateway(tls=context) as gateway:
        known = {**os.environ, "SSL_CERT_FILE": str(tmp_path / "ca.pem")}
        command = [sys.executable, "-c", program, gateway.url]
        subprocess.run(command, env=known, check=True, timeout=60)
        unknown = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert "certificate verify failed" in unknown.stderr
        assert "nothing was sent" in unknown.stderr
        assert len(gateway.seen) == 1


def test_importing_ebats_is_importing_no_http() -> None:
    for use, there in (("ebats.Publisher, ebats.GatewayError", False), ("ebats.Client", True)):
        program = f"import sys, ebats; {use}; print('aiohttp' in sys.modules)"
        found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        assert found.stdout.strip() == str(there)


def thread_names() -> set[str]:
    return {thread.name for thread in threading.enumerate()}


def run_python(program: str, *args: str) -> str:
    """Run a program that warns of nothing; return what it printed."""
    found = subprocess.run(
        [sys.executable, "-W", "error", "-X", "dev", "-c", program, *args],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONWARNINGS": "error"},
    )
    assert found.returncode == 0, found.stderr
    return found.stdout + found.stderr
