"""URLs of payloads that may not be called: dead letters that say why, and nothing that was sent."""

import socket
from typing import Any

import pytest

from tests.faults.site import Site
from tests.merchant import Merchant
from tests.waiting import wait_until

INSIDE = {
    "loopback": "http://127.0.0.1:PORT/",
    "named": "http://localhost:PORT/",
    "this machine": f"http://{socket.gethostname()}:PORT/",
    "hexadecimal": "http://0x7f.1:PORT/",
    "decimal": "http://2130706433:PORT/",
    "octal": "http://0177.0.0.1:PORT/",
    "short": "http://127.1:PORT/",
    "nowhere": "http://0.0.0.0:PORT/",
    "version 6": "http://[::1]:PORT/",
    "mapped": "http://[::ffff:127.0.0.1]:PORT/",
    "metadata": "http://169.254.169.254/latest/meta-data",
    "another scheme": "file:///etc/passwd",
    "no scheme": "//127.0.0.1:PORT/",
    "a user": "http://user:secret@127.0.0.1:PORT/",
}


def write(site: Site, **http: Any) -> None:
    site.write(
        tasks={"tell": {"http": {"url": "{{ url }}", **http}, "retry": ["500ms"]}},
        events={"happened": {"tasks": ["tell"]}},
    )
    site.declare()


def test_what_leads_inside_is_dead_with_the_reason_and_never_sent(site: Site) -> None:
    write(site)
    with Merchant() as merchant:
        for name, url in INSIDE.items():
            site.send([name], url=url.replace("PORT", str(merchant.port)))
        site.run()
        assert merchant.calls == []
    letters = {letter.n: letter.headers for letter in site.take()}
    assert letters.keys() == INSIDE.keys()
    assert {headers["ebats-reason"] for headers in letters.values()} == {"refused"}
    # At once: no attempt was lost on them.
    assert {headers["ebats-attempt"] for headers in letters.values()} == {1}
    assert "localhost is at " in letters["named"]["ebats-text"]
    assert "which is no public address" in letters["named"]["ebats-text"]
    assert "secret" not in letters["a user"]["ebats-text"]


@pytest.mark.parametrize(
    ("allowed", "host", "is_called"),
    [
        (["127.0.0.0/8"], "127.0.0.1", True),
        (["127.0.0.0/8", "::1"], "localhost", True),
        (["localhost"], "localhost", True),
        (["*.example.com"], "localhost", False),
        (["10.0.0.0/8"], "127.0.0.1", False),
    ],
)
def test_allow_hosts_says_where_payloads_may_lead(
    local_site: Site, allowed: list[str], host: str, is_called: bool
) -> None:
    write(local_site, allow_hosts=allowed)
    with Merchant() as merchant:
        local_site.send(["m"], url=merchant.url("/", host))
        local_site.run()
        assert len(merchant.calls) == is_called
    reasons = [letter.headers["ebats-reason"] for letter in local_site.take()]
    assert reasons == ([] if is_called else ["refused"])


def test_a_host_that_stands_in_the_file_may_be_anywhere(local_site: Site) -> None:
    with Merchant() as merchant:
        write(local_site, url=merchant.url("/orders/{{ n }}"))
        local_site.send(["m"], url="http://127.0.0.1/")
        local_site.run()
        assert [call.path for call in merchant.calls] == ["/orders/m"]


@pytest.mark.parametrize("path", ["@localhost:PORT/", "/@localhost:PORT/", ":PORT/", ".1:PORT/"])
def test_a_field_right_behind_the_host_makes_it_the_payloads(local_site: Site, path: str) -> None:
    write(local_site, url="http://127.0.0.1{{ url }}")
    with Merchant() as merchant:
        local_site.send(["m"], url=path.replace("PORT", str(merchant.port)))
        local_site.run()
        assert merchant.calls == []
    assert [letter.headers["ebats-reason"] for letter in local_site.take()] == ["refused"]


def test_an_open_connection_of_a_trusted_host_serves_no_guarded_one(local_site: Site) -> None:
    with Merchant() as merchant:
        local_site.write(
            tasks={
                "trusted": {"http": {"url": merchant.url("/trusted", "localhost")}},
                "guarded": {"http": {"url": "{{ url }}"}},
            },
            events={"happened": {"tasks": ["trusted"]}, "followed": {"tasks": ["guarded"]}},
        )
        command = local_site.start()
        local_site.send(["first"])
        wait_until(lambda: len(merchant.calls) == 1)
        local_site.send(["second"], key="followed", url=merchant.url("/guarded", "localhost"))
        local_site.wait_ready("dead", 1)
        local_site.end(command)
        assert [call.path for call in merchant.calls] == ["/trusted"]
    assert [letter.headers["ebats-reason"] for letter in local_site.take()] == ["refused"]
