"""Webhooks: signed JSON that other people's code checks, templates, Slack and DingTalk, time-outs."""

import base64
import hashlib
import hmac
import json
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import standardwebhooks
import trustme
from msgspec import structs

from ebats.runner.alerts.channels.channel import ChannelError, Paced
from ebats.runner.alerts.channels.webhook import webhook_id
from ebats.runner.alerts.channels.wire import NoAnswer, post
from tests.brokers import free_port
from tests.merchant import Merchant
from tests.robot import answer, errcode, sent, webhook
from tests.unit.alerts.notices import NOW, notice

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()


@pytest.fixture
def other() -> Iterator[Merchant]:
    with Merchant(answer(200, "ok")) as other:
        yield other


def fails(channel: Any, *notices: Any) -> ChannelError:
    with pytest.raises(ChannelError) as raised:
        channel.send(list(notices) or [notice()])
    return raised.value


def test_each_notice_is_a_request_with_its_json(other: Merchant) -> None:
    webhook(other.url("/hook"), headers={"X-Shop": "1", "Authorization": "Bearer t"}).send(
        [notice(1), notice(2)]
    )
    first, second = other.calls
    assert (sent(first)["id"], sent(second)["id"]) == ("a1", "a2")
    assert sent(first) == {
        "id": "a1",
        "state": "open",
        "severity": "critical",
        "pipeline": "shop",
        "host": "box",
        "environment": "production",
        "rule": "dead_letters",
        "subjects": ["ship"],
        "owners": ["warehouse"],
        "title": notice().title,
        "text": notice().text,
        "long": notice().long,
        "since": "2026-11-23T14:05:00Z",
        "time": "2026-11-23T14:12:00Z",
        "count": 12,
    }
    assert first.headers["X-Shop"] == "1"
    assert first.headers["Authorization"] == "Bearer t"
    assert first.headers["Content-Type"] == "application/json"


def test_standardwebhooks_accepts_the_signature(other: Merchant) -> None:
    webhook(other.url(), secret=SECRET).send([notice()])
    [call] = other.calls
    headers = {name.lower(): text for name, text in call.headers.items()}
    standardwebhooks.Webhook(SECRET).verify(call.body.decode(), headers)


def test_a_repetition_has_the_same_id_and_another_notice_another(other: Merchant) -> None:
    channel = webhook(other.url(), secret=SECRET)
    again = structs.replace(notice(), state="repeated", time=NOW + timedelta(minutes=30))
    for one in (notice(), notice(), again):
        channel.send([one])
    ids = [call.headers["webhook-id"] for call in other.calls]
    assert ids[0] == ids[1] != ids[2]
    assert all(re.fullmatch(r"[\x21-\x2d\x2f-\x7e]+", one) for one in ids)
    assert webhook_id([notice(1), notice(2)]) != webhook_id([notice(1)])


def test_what_was_taken_is_not_sent_again(other: Merchant) -> None:
    other.replies = [answer(200), answer(503, "busy", {"Retry-After": "7"})]
    error = fails(webhook(other.url()), notice(1), notice(2), notice(3))
    assert error.rest == (notice(2), notice(3))
    assert error.retry_after_s == 7
    assert "503: busy" in str(error)
    other.replies = [answer(400, "bad")]
    error = fails(webhook(other.url()), notice(1), notice(2))
    assert (error.refused, error.rest) == ((notice(1),), (notice(2),))


@pytest.mark.parametrize(
    ("status", "is_later"),
    [
        (408, True),
        (429, True),
        (500, True),
        (503, True),
        (400, False),
        (401, False),
        (404, False),
        (302, False),
    ],
)
def test_a_status_says_whether_it_is_worth_another_attempt(
    other: Merchant, status: int, is_later: bool
) -> None:
    other.reply = answer(status, "no", {"Location": other.url()})
    error = fails(webhook(other.url(), secret=SECRET, headers={"Authorization": "Bearer t"}))
    assert bool(error.rest) == is_later
    assert len(other.calls) == 1


def test_a_template_is_filled_in(other: Merchant) -> None:
    template = {
        "event_action": "trigger",
        "dedup_key": "{{ id }}",
        "count": "{{ count }}",
        "payload": {"summary": "{{ severity }}: {{ title }}", "who": "{{ owners }}", "where": ["{{ rule }}"]},
    }
    webhook(other.url(), template=json.dumps(template)).send([notice()])
    assert sent(other.calls[0]) == {
        "event_action": "trigger",
        "dedup_key": "a1",
        "count": 12,
        "payload": {
            "summary": f"critical: {notice().title}",
            "who": ["warehouse"],
            "where": ["dead_letters"],
        },
    }


def test_a_template_that_can_not_be_filled_in_is_told(other: Merchant) -> None:
    error = fails(webhook(other.url(), template=json.dumps({"who": "by {{ owners }}"})))
    assert "`template` can't be filled in" in str(error)
    assert error.refused


def test_slack_gets_one_text_in_which_nobody_is_mentioned(other: Merchant) -> None:
    channel = webhook(other.url(), template="slack")
    channel.send([notice(1, what="<!channel> & <https://evil.example|pay>"), notice(2)])
    [call] = other.calls
    assert sent(call)["text"].startswith("[critical] shop (production): 2 alerts: 2 open\n\n")
    assert "&lt;!channel&gt; &amp; &lt;https" in sent(call)["text"]
    assert "<" not in sent(call)["text"]


@pytest.mark.parametrize(
    ("status", "text", "is_later"),
    [
        (429, "rate_limited", True),
        (404, "no_service", False),
        (410, "channel_is_archived", False),
        (400, "invalid_payload", False),
        (200, '{"ok": false, "error": "no_text"}', False),
    ],
)
def test_slack_says_what_is_wrong(other: Merchant, status: int, text: str, is_later: bool) -> None:
    other.reply = answer(status, text, {"Retry-After": "30"})
    error = fails(webhook(other.url("/services/T0/B0/XXXXXXXXXXXXXXXXXXXXXXXX"), template="slack"))
    assert bool(error.rest) == is_later
    assert error.retry_after_s == (30 if is_later else None)
    assert "XXXX" not in str(error)


def test_dingtalk_mentions_the_owners_mobiles(other: Merchant) -> None:
    other.reply = errcode(0)
    webhook(other.url("/robot/send?access_token=1"), template="dingtalk").send([notice()])
    assert sent(other.calls[0]) == {
        "msgtype": "text",
        "text": {"content": f"{notice().title}\n{notice().text}"},
        "at": {"atMobiles": ["13900000001"], "isAtAll": False},
    }


def test_dingtalk_checks_the_signature_of_a_robot(other: Merchant) -> None:
    other.reply = errcode(0)
    secret = "SEC0123456789abcdef"
    webhook(other.url("/robot/send?access_token=1"), template="dingtalk", secret=secret).send([notice()])
    query = parse_qs(urlsplit(other.calls[0].path).query)
    signed = f"{query['timestamp'][0]}\n{secret}".encode()
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).digest()
    assert query["sign"] == [base64.b64encode(digest).decode()]
    assert abs(int(query["timestamp"][0]) / 1000 - time.time()) < 60
    assert query["access_token"] == ["1"]


@pytest.mark.parametrize(("code", "is_later"), [(130101, True), (-1, True), (310000, False), (300001, False)])
def test_dingtalk_says_what_is_wrong_with_status_200(other: Merchant, code: int, is_later: bool) -> None:
    other.reply = errcode(code, "description: keywords not in content")
    error = fails(webhook(other.url(), template="dingtalk"))
    assert f"DingTalk says {code}" in str(error)
    assert bool(error.rest) == is_later


def test_a_robot_of_dingtalk_gets_twenty_a_minute(other: Merchant, tmp_path: Path) -> None:
    other.reply = errcode(0)
    channel = webhook(other.url(), str(tmp_path), template="dingtalk")
    for number in range(10):
        channel.send([notice(number)])
    with pytest.raises(Paced):
        channel.send([notice()])
    assert len(other.calls) == 10


def test_a_certificate_that_nobody_trusts_ends_it() -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with Merchant(context=context) as other:
        error = fails(webhook(other.url()))
        assert "certificate isn't trusted" in str(error)
        assert error.rest
        assert not other.calls


def test_one_that_hangs_costs_the_time_out(other: Merchant) -> None:
    other.reply = other.hold
    with pytest.raises(NoAnswer, match="no answer within 1 s"):
        post(other.url(), b"{}", {}, timeout_s=1)


@pytest.mark.parametrize("data", [b"", b"HTTP/1.1 200 OK\r\nX-Long: "])
def test_one_that_sends_a_byte_now_and_then_costs_no_more(data: bytes) -> None:
    with socket.create_server(("127.0.0.1", port := free_port())) as server:
        ends = threading.Event()

        def drip() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(data)
                while not ends.wait(0.2):
                    try:
                        connection.sendall(b"x")
                    except OSError:
                        return

        thread = threading.Thread(target=drip)
        thread.start()
        began = time.monotonic()
        try:
            with pytest.raises(NoAnswer, match="no answer within 1 s"):
                post(f"http://127.0.0.1:{port}/", b"{}", {}, timeout_s=1)
        finally:
            ends.set()
            thread.join()
        assert time.monotonic() - began < 20


def test_what_is_no_http_is_told() -> None:
    with socket.create_server(("127.0.0.1", port := free_port())) as server:

        def greet() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"220 mail.test ESMTP\r\n")
                connection.recv(1)

        thread = threading.Thread(target=greet)
        thread.start()
        with pytest.raises(NoAnswer, match="no HTTP"):
            post(f"http://127.0.0.1:{port}/", b"", {})
        thread.join()
