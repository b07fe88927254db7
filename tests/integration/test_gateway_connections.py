"""Connections of a gateway and the heads of requests: through real sockets, without a broker."""

import asyncio
import subprocess
import sys
import time

import pytest
from aiohttp import web
from aiohttp.web_request import BaseRequest

from tests.integration.raw_http import GET, POST, Door, answer, drip, serving


@pytest.mark.parametrize("sent", [b"", b"PO", POST, POST + b"X-Slow: "])
def test_a_head_that_does_not_come_is_given_up(sent: bytes) -> None:
    async def test() -> None:
        async with serving() as door, door.connect() as client:
            client.send(sent)
            assert await client.refusal() == (408, "too_slow")
            assert await client.is_closed()

    asyncio.run(test())


def test_a_head_that_drips_is_given_up() -> None:
    async def test() -> None:
        async with serving() as door, door.connect() as client:
            client.send(POST)
            dripping = asyncio.create_task(drip(client, b"X-Drop: 1\r\n"))
            assert await client.refusal() == (408, "too_slow")
            dripping.cancel()

    asyncio.run(test())


def test_a_second_head_has_its_time_too_and_idle_between_is_allowed() -> None:
    async def test() -> None:
        async with serving() as door, door.connect() as client:
            client.send(GET)
            assert (await client.answer())[0] == 200
            await asyncio.sleep(1.5)  # longer than a head may take
            client.send(GET)
            assert (await client.answer())[0] == 200
            client.send(POST)
            assert await client.refusal() == (408, "too_slow")

    asyncio.run(test())


def test_a_connection_without_a_request_is_closed_after_a_while() -> None:
    async def test() -> None:
        async with serving(idle_timeout_s=0.5) as door, door.connect() as client:
            client.send(GET)
            assert (await client.answer())[0] == 200
            assert await client.is_closed()

    asyncio.run(test())


def test_what_takes_its_time_to_answer_is_no_slow_head() -> None:
    async def wait(_request: BaseRequest) -> web.Response:
        await asyncio.sleep(1.5)
        return answer("done")

    async def test() -> None:
        async with serving(wait) as door, door.connect() as client:
            client.send(GET + GET)
            assert (await client.answer())[2] == "done"
            assert (await client.answer())[2] == "done"

    asyncio.run(test())


def test_one_connection_too_many_is_told_so_and_the_next_is_let_in() -> None:
    async def test() -> None:
        async with serving(most=2) as door:
            async with door.connect() as first, door.connect() as second:
                for client in (first, second):
                    client.send(GET)
                    assert (await client.answer())[0] == 200
                async with door.connect() as third:
                    status, headers, _ = await third.answer()
                    assert (status, headers["retry-after"], headers["connection"]) == (503, "1", "close")
                    assert await third.is_closed()
                second.send(GET)
                assert (await second.answer())[0] == 200
            await let_in(door)

    asyncio.run(test())


def test_a_process_may_have_as_many_files_as_it_needs_for_them() -> None:
    program = (
        "import resource; from ebats.runner.gateway.connections import allow_files;"
        "hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1];"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (200, hard)); allow_files(50);"
        "few = resource.getrlimit(resource.RLIMIT_NOFILE)[0]; allow_files(300);"
        "print(few, resource.getrlimit(resource.RLIMIT_NOFILE)[0])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["200", "400"]


async def let_in(door: Door) -> None:
    """Wait until the server has seen that others left."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        async with door.connect() as client:
            client.send(GET)
            if (await client.answer())[0] == 200:
                return
        await asyncio.sleep(0.05)
    pytest.fail("nobody is let in")
