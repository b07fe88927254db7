"""Mail through a real SMTP server: encrypted or not sent, and clear about what is wrong."""

import re
import ssl
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import trustme
from msgspec import structs

from ebats.pipelines.alerts import Alerts, EmailChannel, Owner
from ebats.runner.alerts.channels.audience import Audience
from ebats.runner.alerts.channels.channel import ChannelError
from ebats.runner.alerts.channels.email import Email
from tests.brokers import free_port
from tests.mailbox import PASSWORD, USER, Mailbox
from tests.unit.alerts.notices import NOW, notice

OWNERS = {"warehouse": Owner(name="warehouse", email=("Lager <lager@example.com>", "OPS@example.com"))}


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def ca_certs(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


@pytest.fixture
def context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.fixture
def plain() -> Iterator[Mailbox]:
    with Mailbox() as mailbox:
        yield mailbox


def channel(port: int, **changes: object) -> Email:
    """Return a channel to a port of the loopback, patient for a second."""
    given = {
        "name": "mail",
        "host": "127.0.0.1",
        "port": port,
        "security": "none",
        "sender": "Shop 商店 <shop@example.com>",
        "to": ("ops@example.com", "Chef <boss@example.com>"),
        **changes,
    }
    model = EmailChannel(**given)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    return Email(model, Audience(Alerts(channels={"mail": model}, owners=OWNERS)), 3.0, 1.0)


def fails(email: Email) -> ChannelError:
    with pytest.raises(ChannelError) as raised:
        email.send([notice()])
    assert PASSWORD not in str(raised.value)
    return raised.value


def test_a_mail_goes_to_everybody_and_to_the_owners_once(plain: Mailbox) -> None:
    one = notice()
    channel(plain.port, reply_to="Ops <ops@example.com>").send([one])
    [mail] = plain.mails
    assert mail.sender == "shop@example.com"
    assert mail.recipients == ["ops@example.com", "boss@example.com", "lager@example.com"]
    found = mail.message
    assert found["Subject"] == one.title
    assert found["From"] == "Shop 商店 <shop@example.com>"
    assert found["To"] == "ops@example.com, Chef <boss@example.com>, Lager <lager@example.com>"
    assert found["Reply-To"] == "Ops <ops@example.com>"
    assert found["Auto-Submitted"] == "auto-generated"
    assert found["Message-ID"].endswith("@example.com>")
    assert abs(found["Date"].datetime.timestamp() - time.time()) < 60
    assert found.get_content().replace("\r\n", "\n") == f"{one.title}\n\n{one.long}\n"
    assert not found.defects


def test_the_owners_are_told_that_it_is_over_too(plain: Mailbox) -> None:
    channel(plain.port).send([notice(state="over")])
    assert "lager@example.com" in plain.mails[0].recipients


def test_what_is_no_ascii_and_lines_of_any_length_arrive_as_they_were(plain: Mailbox) -> None:
    what = "订单 FB138 ✓ " + "界" * 60
    one = structs.replace(notice(what=what), long="界" * 3000 + "\n.\n..\nend")
    channel(plain.port).send([one])
    [mail] = plain.mails
    assert mail.content.isascii()
    assert max(map(len, mail.content.split(b"\r\n"))) <= 998
    assert mail.message["Subject"] == one.title
    assert mail.message.get_content().replace("\r\n", "\n") == f"{one.title}\n\n{one.long}\n"


def test_all_about_an_alert_is_one_thread(plain: Mailbox) -> None:
    email = channel(plain.port)
    first, other = notice(1), notice(2)
    again = structs.replace(notice(1, state="repeated"), time=NOW + timedelta(minutes=30))
    over = structs.replace(notice(1, state="over"), time=NOW + timedelta(minutes=40))
    for notices in ([first], [other], [again], [again], [over, other]):
        email.send(notices)
    root, second, reply, reply_again, both = (mail.message for mail in plain.mails)
    assert root["References"] is None
    assert reply["In-Reply-To"] == reply["References"] == root["Message-ID"]
    assert reply["Message-ID"] != root["Message-ID"]
    # The same mail, sent once more because nobody knows whether it arrived.
    assert reply_again["Message-ID"] == reply["Message-ID"]
    assert both["References"] == f"{root['Message-ID']} {second['Message-ID']}"


def test_no_text_of_a_task_becomes_a_header(plain: Mailbox) -> None:
    evil = "late\r\nBcc: all@example.com\r\n\r\n<script>\x00\u2028 \ud800"
    channel(plain.port).send([structs.replace(notice(), title=f"[critical] shop: {evil}", long=evil)])
    channel(plain.port).send([notice(1, what=evil), notice(2, what=evil)])
    for mail in plain.mails:
        assert mail.message["Bcc"] is None
        assert mail.recipients == ["ops@example.com", "boss@example.com", "lager@example.com"]
        head = mail.content.partition(b"\r\n\r\n")[0]
        assert b"\r\nBcc" not in head


@pytest.mark.parametrize("starttls", [True, False])
def test_over_tls_and_starttls_with_a_login(context: ssl.SSLContext, ca_certs: str, starttls: bool) -> None:
    with Mailbox(context, starttls=starttls, wants_login=True) as mailbox:
        security = "starttls" if starttls else "tls"
        given = {"security": security, "ca_certs": ca_certs, "user": USER, "password": PASSWORD}
        channel(mailbox.port, **given).send([notice()])
        [mail] = mailbox.mails
        assert mail.is_encrypted
        assert mail.user == USER


@pytest.mark.parametrize("starttls", [True, False])
def test_a_certificate_that_nobody_trusts_or_of_another_host_ends_it(
    context: ssl.SSLContext, authority: trustme.CA, ca_certs: str, starttls: bool
) -> None:
    security = "starttls" if starttls else "tls"
    with Mailbox(context, starttls=starttls) as mailbox:
        error = fails(channel(mailbox.port, security=security))
        assert "certificate isn't trusted" in str(error)
        assert error.rest
    other = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("mail.example.com").configure_cert(other)
    with Mailbox(other, starttls=starttls) as mailbox:
        error = fails(channel(mailbox.port, security=security, ca_certs=ca_certs))
        assert "certificate isn't trusted" in str(error)
        assert not mailbox.mails


def test_a_server_without_starttls_gets_no_password_in_the_clear(plain: Mailbox) -> None:
    error = fails(channel(plain.port, security="starttls", user=USER, password=PASSWORD))
    assert "doesn't offer STARTTLS" in str(error)
    assert error.refused
    assert not plain.mails


def test_a_wrong_password_is_told_and_not_tried_again(context: ssl.SSLContext, ca_certs: str) -> None:
    with Mailbox(context, starttls=True, wants_login=True) as mailbox:
        given = {"security": "starttls", "ca_certs": ca_certs, "user": USER, "password": "wrong-" + PASSWORD}
        error = fails(channel(mailbox.port, **given))
    assert "535" in str(error)
    assert "user" in str(error)
    assert error.refused


def test_one_refused_recipient_is_told_and_the_others_get_it(plain: Mailbox) -> None:
    plain.refuses["boss@example.com"] = "550 5.1.1 nobody here of this name"
    error = fails(channel(plain.port))
    assert (error.rest, error.refused) == ((), ())
    assert "sent, but boss@example.com isn't taken: 550 5.1.1 nobody here" in str(error)
    assert plain.mails[0].recipients == ["ops@example.com", "lager@example.com"]


@pytest.mark.parametrize(("answer", "is_later"), [("550 no", False), ("451 busy", True)])
def test_where_all_recipients_are_refused_it_depends(plain: Mailbox, answer: str, is_later: bool) -> None:
    for one in ("ops@example.com", "boss@example.com", "lager@example.com"):
        plain.refuses[one] = answer
    error = fails(channel(plain.port))
    assert bool(error.rest) == is_later
    assert bool(error.refused) != is_later


@pytest.mark.parametrize(("answer", "is_later"), [("554 spam", False), ("452 full", True)])
def test_the_server_says_whether_it_is_worth_another_attempt(
    plain: Mailbox, answer: str, is_later: bool
) -> None:
    plain.answers.append(answer)
    error = fails(channel(plain.port))
    assert f"the server says {answer}" in str(error)
    assert bool(error.rest) == is_later
    assert bool(error.refused) != is_later


@pytest.mark.parametrize("command", ["EHLO", "RCPT", "DATA"])
def test_a_server_that_hangs_costs_seconds(plain: Mailbox, command: str) -> None:
    plain.hangs_at = command
    began = time.monotonic()
    error = fails(channel(plain.port))
    assert "no answer within 1 s" in str(error)
    assert error.rest
    assert time.monotonic() - began < 30


@pytest.mark.parametrize("command", ["EHLO", "RCPT", "DATA"])
def test_a_server_that_closes_in_the_middle(plain: Mailbox, command: str) -> None:
    plain.closes_at = command
    error = fails(channel(plain.port))
    assert re.search("closed the connection|no connection", str(error))
    assert error.rest


def test_nobody_listens() -> None:
    error = fails(channel(free_port()))
    assert "no connection" in str(error)
    assert error.rest


def test_ca_certs_that_are_not_there_are_told(tmp_path: Path) -> None:
    error = fails(channel(free_port(), security="tls", ca_certs=str(tmp_path / "none.pem")))
    assert "No such file" in str(error)
