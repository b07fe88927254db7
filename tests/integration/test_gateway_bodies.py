"""Bodies that a gateway takes and those that it doesn't: through real sockets, without a broker."""

import asyncio
import random

import pytest

from tests.integration.raw_http import CHUNKED, GET, POST, Door, drip, serving


@pytest.mark.parametrize(
    ("sent", "refusal"),
    [
        (POST + b"Content-Length: 5001\r\n\r\n", (413, "too_large")),
        (POST + b"Content-Length: 99999999999999999999\r\n\r\n", (400, "bad_request")),
        (CHUNKED + b"1389\r\n" + b"x" * 5001, (413, "too_large")),
        (POST + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}", (415, "unsupported_encoding")),
        (POST + b"Content-Length: 10\r\n\r\n{}", (408, "too_slow")),
        (CHUNKED + b"2\r\n{}\r\n", (408, "too_slow")),
        (CHUNKED + b"zz\r\n{}\r\n", (400, "bad_request")),
        (POST + b"Content-Length: -1\r\n\r\n{}", (400, "bad_request")),
        (POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", (400, "bad_request")),
        (POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}", (400, "bad_request")),
        (POST + b"X-Long: " + b"x" * 10_000 + b"\r\n\r\n", (400, "bad_request")),
        (POST + b"X: 1\r\n" * 200 + b"\r\n", (400, "bad_request")),
        (b"GET /" + b"x" * 10_000 + b" HTTP/1.1\r\n\r\n", (400, "bad_request")),
        (b"hello\r\n\r\n", (400, "bad_request")),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 40, (400, "bad_request")),
        (POST + b"X-Null: \x00\r\n\r\n", (400, "bad_request")),
    ],
)
def test_refuses(sent: bytes, refusal: tuple[int, str]) -> None:
    async def test() -> None:
        async with serving() as door:
            async with door.connect() as client:
                client.send(sent)
                assert await client.refusal() == refusal
                assert await client.is_closed()
            async with door.connect() as client:
                client.send(GET)
                assert (await client.answer())[0] == 200

    asyncio.run(test())


def test_takes_bodies_however_they_come() -> None:
    async def test() -> None:
        async with serving() as door, door.connect() as client:
            client.send(POST + b"Content-Length: 5000\r\n\r\n" + b"x" * 5000)
            assert (await client.answer())[2] == "x" * 5000
            client.send(CHUNKED + b"1\r\na\r\n2\r\nbc\r\n0\r\n\r\n")
            assert (await client.answer())[2] == "abc"
            client.send(POST + b"Content-Encoding: identity\r\nContent-Length: 2\r\n\r\n{")
            await asyncio.sleep(0.1)
            client.send(b"}")
            assert (await client.answer())[2] == "{}"

    asyncio.run(test())


def test_a_body_is_asked_for_only_when_it_is_wanted() -> None:
    async def test() -> None:
        expecting = POST + b"Expect: 100-continue\r\n"
        async with serving() as door, door.connect() as client:
            client.send(expecting + b"Content-Length: 2\r\n\r\n")
            assert (await client.answer())[0] == 100
            client.send(b"ok")
            assert (await client.answer())[::2] == (200, "ok")
            client.send(expecting + b"Content-Length: 6000\r\n\r\n")
            assert await client.refusal() == (413, "too_large")

    asyncio.run(test())


def test_a_body_that_drips_is_given_up_and_one_that_flows_is_not() -> None:
    async def test() -> None:
        async with serving() as door:
            async with door.connect() as client:
                client.send(POST + b"Content-Length: 1000\r\n\r\n")
                dripping = asyncio.create_task(drip(client, b"x"))
                assert await client.refusal() == (408, "too_slow")
                dripping.cancel()
            async with door.connect() as client:
                client.send(POST + b"Content-Length: 4000\r\n\r\n")
                for _ in range(8):
                    client.send(b"x" * 500)
                    await asyncio.sleep(0.15)
                assert (await client.answer())[2] == "x" * 4000

    asyncio.run(test())


def test_a_sender_who_leaves_in_the_middle_leaves_nothing_behind() -> None:
    async def test() -> None:
        async with serving() as door:
            for _ in range(20):
                async with door.connect() as client:
                    client.send(POST + b"Content-Length: 100\r\n\r\n{")
                    await asyncio.sleep(0.01)
            async with door.connect() as client:
                client.send(POST + b"Content-Length: 2\r\n\r\n{}")
                assert (await client.answer())[2] == "{}"

    asyncio.run(test())


def test_so_many_bodies_are_held_and_no_more() -> None:
    async def test() -> None:
        part = POST + b"Content-Length: 4000\r\n\r\n" + b"x" * 3000
        async with serving(patience_s=30, room=5000) as door:
            async with door.connect() as first, door.connect() as second:
                first.send(part)
                await asyncio.sleep(0.2)
                second.send(part)
                status, headers, document = await second.answer()
                assert (status, document["error"]["code"], headers["retry-after"]) == (503, "busy", "1")
                first.send(b"x" * 1000)
                assert (await first.answer())[0] == 200
            async with door.connect() as third:
                third.send(part + b"x" * 1000)
                assert (await third.answer())[0] == 200

    asyncio.run(test())


def test_broken_requests_of_all_kinds_are_answered_or_cut_and_the_server_lives() -> None:
    """Requests with a few bytes changed, left out or doubled: always the same ones."""
    whole = POST + b"Content-Type: application/json\r\nContent-Length: 12\r\n\r\n" + b'{"a": [1,2]}'
    chunked = CHUNKED + b'5\r\n{"a":\r\n3\r\n 1}\r\n0\r\n\r\n'
    chance = random.Random(5)

    async def test() -> None:
        async with serving(header_timeout_s=0.3, patience_s=0.1) as door:
            found = await asyncio.gather(*(send(door, broken(chance, one)) for one in [whole, chunked] * 40))
            assert set(found) <= {0, 200, 400, 408, 413, 415, 503}, found
            assert {200, 400} <= set(found)
            async with door.connect() as client:
                client.send(whole)
                assert (await client.answer())[2] == '{"a": [1,2]}'

    asyncio.run(test())


async def send(door: Door, sent: bytes) -> int:
    """Send bytes and return the status of the answer; 0: the connection is closed without one."""
    async with door.connect() as client:
        client.send(sent)
        try:
            return (await client.answer())[0]
        except (EOFError, ConnectionError):
            return 0


def broken(chance: random.Random, request: bytes) -> bytes:
    """Change a request in a few places."""
    found = bytearray(request)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(found))
        kind = chance.randrange(4)
        if kind == 0:
            found[at] = chance.randrange(256)
        elif kind == 1:
            del found[at : at + chance.randint(1, 8)]
        elif kind == 2:
            found[at:at] = found[at : at + chance.randint(1, 20)]
        else:
            found[at:at] = bytes(chance.choices(b"\r\n\x00 :;,\xff0", k=chance.randint(1, 6)))
    return bytes(found)
