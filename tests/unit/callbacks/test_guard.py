import asyncio
import ipaddress
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
import trustme
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from ebats.pipelines.allow_hosts import parse
from ebats.runner.callbacks.guard import Guard, GuardedNames, Refused, is_public
from ebats.runner.callbacks.names import Names

ANYWHERE = Guard(parse([]))


class Answers(AbstractResolver):
    """A name server that gives another answer each time."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers: Iterator[Sequence[str]] = iter(answers)
        self.asked = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        self.asked += 1
        return [
            ResolveResult(hostname=host, host=one, port=port, family=socket.AF_INET, proto=0, flags=0)
            for one in next(self._answers)
        ]

    async def close(self) -> None:
        pass


@asynccontextmanager
async def site(tls: ssl.SSLContext | None = None) -> AsyncIterator[tuple[int, list[str]]]:
    """Serve on loopback; yield the port, and the Host headers that came."""
    hosts: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        hosts.append(request.headers["Host"])
        return web.Response(text="success")

    app = web.Application()
    app.router.add_route("*", "/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    where = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await where.start()
    try:
        yield runner.addresses[0][1], hosts
    finally:
        await runner.cleanup()


@asynccontextmanager
async def session(
    guard: Guard, names: AbstractResolver, **options: Any
) -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(resolver=GuardedNames(guard, names), **options)
    async with aiohttp.ClientSession(connector=connector, trust_env=False) as found:
        yield found


@pytest.mark.parametrize(
    "url",
    [
        *("http://127.0.0.1/", "http://127.0.0.1./", "http://[::1]/", "http://0.0.0.0/", "http://[::]/"),
        *(
            "http://0x7f.1/",
            "http://0x7f000001/",
            "http://2130706433/",
            "http://127.1/",
            "http://0177.0.0.1/",
        ),
        *("http://0/", "http://127。0。0。1/", "http://①②⑦.0.0.1/", "http://[::ffff:127.0.0.1]/"),
        *("http://[::127.0.0.1]/", "http://[64:ff9b::7f00:1]/", "http://[64:ff9b:1::1]/"),
        *("http://[2002:7f00:1::]/", "http://[2001:0:1::1]/", "http://[fe80::1]/", "http://[fe80::1%25lo]/"),
        *("http://[fd00:ec2::254]/", "http://[fec0::1]/", "http://[ff02::1]/", "http://[2001:db8::1]/"),
        *("http://169.254.169.254/latest", "http://10.0.0.1/", "http://172.16.0.1/", "http://192.168.0.1/"),
        *("http://100.64.0.1/", "http://100.100.100.200/", "http://192.0.0.192/", "http://168.63.129.16/"),
        *("http://224.0.0.1/", "http://255.255.255.255/", "http://240.0.0.1/", "http://198.18.0.1/"),
        *("ftp://8.8.8.8/", "file:///etc/passwd", "//8.8.8.8/", "http:///x", "gopher://8.8.8.8:6379/_x"),
        *("http://user@8.8.8.8/", "http://user:secret@8.8.8.8/", "http://:@8.8.8.8/", "http://a..b/"),
        *("http://a%2eb/", "http://a b/", "http://example.com%00.evil/", "http://-.1/"),
    ],
)
def test_urls_that_no_payload_may_have(url: str) -> None:
    with pytest.raises(Refused):
        ANYWHERE.check(URL(url))


@pytest.mark.parametrize(
    "url",
    [
        *("http://8.8.8.8/", "https://[2606:4700::1111]/", "http://[64:ff9b::808:808]/"),
        *(
            "https://example.com/",
            "HTTPS://EXAMPLE.COM:8443/a?b=c",
            "https://bücher.example/",
            "http://a_b.c/",
        ),
    ],
)
def test_urls_that_a_payload_may_have(url: str) -> None:
    ANYWHERE.check(URL(url))


@pytest.mark.parametrize(
    ("entries", "good", "bad"),
    [
        (["api.example.com"], ["http://API.example.com./"], ["http://x.api.example.com/", "http://8.8.8.8/"]),
        (["*.example.com"], ["http://a.b.example.com/"], ["http://example.com/", "http://evilexample.com/"]),
        (
            ["10.0.0.0/8"],
            ["http://10.1.2.3/", "http://[::ffff:10.1.2.3]/"],
            ["http://11.0.0.1/", "http://[::1]/"],
        ),
        (["::1"], ["http://[::1]/"], ["http://127.0.0.1/"]),
        (["127.0.0.1"], ["http://127.0.0.1/"], ["http://127.0.0.2/", "http://0x7f.1/"]),
    ],
)
def test_what_allow_hosts_lets_through(entries: list[str], good: list[str], bad: list[str]) -> None:
    guard = Guard(parse(entries))
    for url in good:
        guard.check(URL(url))
    for url in bad:
        with pytest.raises(Refused, match=r"allow_hosts|usually written"):
            guard.check(URL(url))


@pytest.mark.parametrize(
    ("entries", "host", "address", "is_allowed"),
    [
        ([], "a.example.com", "8.8.8.8", True),
        ([], "a.example.com", "10.0.0.1", False),
        # In full: as trusted as a host in the file's own url. A wildcard's names are set up by others.
        (["a.example.com"], "a.example.com", "10.0.0.1", True),
        (["*.example.com"], "a.example.com", "8.8.8.8", True),
        (["*.example.com"], "a.example.com", "127.0.0.1", False),
        (["*.example.com", "127.0.0.0/8"], "a.example.com", "127.0.0.1", True),
        (["10.0.0.0/8"], "a.example.com", "10.0.0.1", True),
        (["10.0.0.0/8"], "a.example.com", "::ffff:10.0.0.1", True),
        (["10.0.0.0/8"], "a.example.com", "8.8.8.8", False),
    ],
)
def test_what_the_addresses_of_a_name_have_to_be(
    entries: list[str], host: str, address: str, is_allowed: bool
) -> None:
    guard = Guard(parse(entries))
    if is_allowed:
        guard.check_addresses(host, [address])
        return
    with pytest.raises(Refused, match=r"a\.example\.com is at "):
        guard.check_addresses(host, [address])


def test_one_bad_address_among_good_ones_is_refused() -> None:
    with pytest.raises(Refused, match=r"127\.0\.0\.1, which is no public address"):
        ANYWHERE.check_addresses("a.example.com", ["8.8.8.8", "127.0.0.1"])


@given(st.ip_addresses(v=4))
def test_an_address_inside_another_counts_as_itself(address: ipaddress.IPv4Address) -> None:
    inside = int(address)
    for network, shift in (("::ffff:0:0", 0), ("64:ff9b::", 0), ("2002::", 80)):
        outer = ipaddress.IPv6Address(int(ipaddress.IPv6Address(network)) | inside << shift)
        assert is_public(outer) == is_public(address)


@pytest.mark.parametrize(
    "entry", ["", "*", "*.*.com", "a..b", "http://a.b", "a.b:80", "10.0.0.1/8", "1.2", "ü.de", "a/b"]
)
def test_entries_that_are_none(entry: str) -> None:
    with pytest.raises(ValueError, match=r"write api\.example\.com"):
        parse([entry])


async def refused(found: aiohttp.ClientSession, url: str) -> str:
    with pytest.raises(Refused) as caught:
        await found.get(url)
    return str(caught.value)


@pytest.mark.parametrize("cached", [True, False])
def test_a_name_that_turns_to_loopback_is_never_connected_to(cached: bool) -> None:
    async def check() -> None:
        names = Answers(["127.0.0.1"], ["8.8.8.8"])
        async with site() as (port, hosts), session(ANYWHERE, names, use_dns_cache=cached) as found:
            assert "127.0.0.1" in await refused(found, f"http://rebind.example.com:{port}/")
            assert hosts == []

    asyncio.run(check())


def test_a_name_is_looked_up_once_and_exactly_that_address_connected_to() -> None:
    async def check() -> None:
        # What would be asked a second time, between the look and the connection, is another address.
        names = Answers(["127.0.0.1"], ["127.0.0.9"])
        guard = Guard(parse(["127.0.0.1"]))
        async with site() as (port, hosts), session(guard, names, use_dns_cache=False) as found:
            url = URL(f"http://rebind.example.com:{port}/")
            guard.check(url)
            async with found.get(url) as answer:
                assert await answer.text() == "success"
            assert names.asked == 1
            # The name stands in the request, and with TLS in the handshake.
            assert hosts == [f"rebind.example.com:{port}"]

    asyncio.run(check())


def test_with_tls_the_name_is_asked_for_and_verified() -> None:
    async def check(authority: trustme.CA, certificate: trustme.LeafCert) -> None:
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(server)
        asked: list[str] = []
        server.sni_callback = lambda _socket, name, _context: asked.append(name)
        client = ssl.create_default_context()
        authority.configure_trust(client)
        names = Answers(["127.0.0.1"], ["127.0.0.1"])
        guard = Guard(parse(["127.0.0.1"]))
        async with site(server) as (port, hosts), session(guard, names, ssl=client) as found:
            async with found.get(f"https://api.example.com:{port}/") as answer:
                assert answer.status == 200
            with pytest.raises(aiohttp.ClientConnectorCertificateError):
                await found.get(f"https://other.example.com:{port}/")
        assert asked == ["api.example.com", "other.example.com"]
        assert hosts == [f"api.example.com:{port}"]

    authority = trustme.CA()
    asyncio.run(check(authority, authority.issue_cert("api.example.com")))


def test_a_name_that_is_really_at_loopback_is_refused() -> None:
    async def check() -> None:
        async with site() as (port, hosts), session(ANYWHERE, Names()) as found:
            assert "is no public address" in await refused(found, f"http://localhost:{port}/")
            assert hosts == []

    asyncio.run(check())


def test_names_gives_the_addresses_of_a_name_and_an_error_for_none() -> None:
    async def check() -> None:
        names = Names()
        assert "127.0.0.1" in {one["host"] for one in await names.resolve("localhost", 80, socket.AF_INET)}
        for host in ("no-such-host.invalid", "a" * 64 + ".example"):
            with pytest.raises(OSError):
                await names.resolve(host, 80)

    asyncio.run(check())


def test_names_that_nobody_answers_for_hold_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    let_go = threading.Event()

    def look_up(host: str, *rest: Any, **more: Any) -> Any:
        if host == "slow.example.com":
            let_go.wait(60)
            raise socket.gaierror(socket.EAI_AGAIN, "nobody answers")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("8.8.8.8", 80))]

    async def check() -> None:
        names = Names()
        slow = [asyncio.create_task(names.resolve("slow.example.com")) for _ in range(40)]
        (found,) = await asyncio.wait_for(names.resolve("fast.example.com"), 30)
        assert found["host"] == "8.8.8.8"
        assert not any(task.done() for task in slow)
        let_go.set()
        with pytest.raises(OSError, match="nobody answers"):
            await asyncio.gather(*slow)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    asyncio.run(check())
