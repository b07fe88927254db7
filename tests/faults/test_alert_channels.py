"""Channels in a real run: what fails is told in the records, and no key ever stands there."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.faults.alerting import Alerting
from tests.faults.site import Site
from tests.mailbox import PASSWORD, USER, Mailbox
from tests.merchant import Merchant
from tests.robot import KEY, answer, errcode, sent
from tests.waiting import wait_until

TOKEN = "token-of-the-pager-0123456789"
SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"


@pytest.fixture
def alerting(site: Site) -> Alerting:
    """A pipeline with alerts, on SQLite and on RabbitMQ in turn."""
    return Alerting(site)


@pytest.fixture
def robot() -> Iterator[Merchant]:
    with Merchant(errcode(0)) as robot:
        yield robot


@pytest.fixture
def pager() -> Iterator[Merchant]:
    with Merchant(answer(401, f"bad token {TOKEN}")) as pager:
        yield pager


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with Mailbox(wants_login=True) as mailbox:
        yield mailbox


def channels(robot: Merchant, pager: Merchant, mailbox: Mailbox) -> dict[str, Any]:
    email = {
        "host": "127.0.0.1",
        "port": mailbox.port,
        "security": "none",
        "user": USER,
        "password": f"wrong-{PASSWORD}",
        "from": "shop@example.com",
        "to": ["ops@example.com"],
    }
    headers = {"Authorization": f"Bearer {TOKEN}"}
    return {
        "ops": {"wecom": {"url": robot.url(f"/send?key={KEY}")}},
        "mail": {"email": email},
        "pager": {"webhook": {"url": pager.url(f"/hook/{TOKEN}"), "headers": headers, "secret": SECRET}},
    }


def test_failures_of_channels_stand_in_the_records_and_no_key_does(
    alerting: Alerting, robot: Merchant, pager: Merchant, mailbox: Mailbox
) -> None:
    # Given channels of which only the robot will take it, after it was asked again
    robot.replies = [errcode(-1, f"busy, your key={KEY}")]
    site = alerting.site
    alerting.write({"dead_letters": 1}, alerts={"channels": channels(robot, pager, mailbox)})
    command = site.start()

    # When
    site.send(["bad"], do="raise")

    # Then
    wait_until(lambda: len(robot.calls) >= 2, 30, "the robot is asked twice")
    assert "1 dead letter of work" in sent(robot.calls[1])["text"]["content"]
    wait_until(
        lambda: all(word in said(site) for word in ("535", "401", "alert-sent")), 30, lambda: said(site)
    )
    site.end(command)
    assert "WeCom says -1" in said(site)
    assert len(pager.calls) == 1
    assert not mailbox.mails
    for secret in (KEY, TOKEN, PASSWORD, SECRET, SECRET.removeprefix("whsec_")):
        assert secret not in command.output
        assert not [path for path in files(site) if secret.encode() in path.read_bytes()]


def said(site: Site) -> str:
    """Return the records of a run's processes."""
    return "\n".join(str(record) for record in site.records("log"))


def files(site: Site) -> Iterator[Any]:
    """Yield what a run wrote: records, output, state; not the pipeline's own file."""
    yield from (path for path in site.folder.rglob("*") if path.is_file() and path != site.file)
