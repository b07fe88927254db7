"""HTTP callbacks over TLS: who is trusted, and who may ask."""

import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.faults.site import Site
from tests.merchant import Merchant


@pytest.fixture
def authority() -> trustme.CA:
    """A CA that no system knows."""
    return trustme.CA()


def server(authority: trustme.CA, name: str, *, asks: bool = False) -> ssl.SSLContext:
    """Return what a server of that name needs; `asks`: only those with a certificate of the CA may come."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name).configure_cert(context)
    if asks:
        authority.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def files(authority: trustme.CA, folder: Path) -> dict[str, str]:
    """Write the CA's certificate, and a client's with its key; return them as `tls` has them."""
    client = authority.issue_cert("client.example")
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    client.cert_chain_pems[0].write_to_path(str(folder / "client.pem"))
    client.private_key_pem.write_to_path(str(folder / "client.key"))
    return {"ca_certs": "ca.pem", "certfile": "client.pem", "keyfile": "client.key"}


def told(site: Site, merchant: Merchant, **http: Any) -> str:
    """Run one callback; return why it is dead, or nothing."""
    http = {"url": merchant.url(host="localhost"), **http}
    site.write(tasks={"tell": {"http": http}}, events={"happened": {"tasks": ["tell"]}})
    site.declare()
    site.send(["m"])
    site.run()
    return "".join(letter.headers["ebats-text"] for letter in site.take())


def test_a_ca_of_its_own_is_trusted_where_it_is_named(local_site: Site, authority: trustme.CA) -> None:
    tls = files(authority, local_site.folder)
    with Merchant(context=server(authority, "localhost")) as merchant:
        assert "certificate verify failed" in told(local_site, merchant)
        assert not merchant.calls
        assert told(local_site, merchant, tls={"ca_certs": tls["ca_certs"]}) == ""
        assert len(merchant.calls) == 1


def test_a_certificate_for_another_name_is_refused(local_site: Site, authority: trustme.CA) -> None:
    tls = files(authority, local_site.folder)
    with Merchant(context=server(authority, "somebody.example")) as merchant:
        why = told(local_site, merchant, tls={"ca_certs": tls["ca_certs"]})
        assert not merchant.calls
    assert "Hostname mismatch" in why


def test_a_client_certificate_is_shown(local_site: Site, authority: trustme.CA) -> None:
    tls = files(authority, local_site.folder)
    with Merchant(context=server(authority, "localhost", asks=True)) as merchant:
        assert told(local_site, merchant, tls={"ca_certs": tls["ca_certs"]}) != ""
        assert not merchant.calls
        assert told(local_site, merchant, tls=tls) == ""
        assert len(merchant.calls) == 1


def test_a_certificate_that_cannot_be_read_ends_the_run_and_is_named(local_site: Site) -> None:
    http = {"url": "https://api.example.com/", "tls": {"ca_certs": "missing.pem"}}
    local_site.write(tasks={"tell": {"http": http}}, events={"happened": {"tasks": ["tell"]}})
    command = local_site.launch()
    assert command.wait(60) != 0
    assert f"can't use the certificates of tell ({local_site.folder}/missing.pem)" in command.output
