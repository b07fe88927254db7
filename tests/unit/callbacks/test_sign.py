import base64
import json
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from ebats.pipelines.webhook_secret import key_of
from ebats.runner.callbacks.sign import Signer, request_id
from tests.node_scripts import Node

SECRET = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_" + base64.b64encode(b"o" * 32).decode()


def test_the_test_vector_of_the_scheme() -> None:
    headers = Signer([SECRET]).headers("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330.9, b'{"test": 2432232314}')
    assert headers == (
        ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
        ("webhook-timestamp", "1614265330"),
        ("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
    )


@pytest.mark.parametrize("secret", [SECRET, f"whsec_{SECRET}", OTHER, OTHER.rstrip("=")])
def test_the_library_of_the_scheme_verifies_every_one_of_several_secrets(secret: str) -> None:
    now = datetime.now(UTC).timestamp()
    headers = dict(Signer([OTHER, SECRET]).headers("an-id", now, b'{"order": 1}'))
    assert Webhook(secret).verify(b'{"order": 1}', headers) == {"order": 1}
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(b'{"order": 2}', headers)


def test_the_library_of_another_language_verifies_too(node: Node) -> None:
    body = '{"order": "订单"}'.encode()
    headers = dict(Signer([OTHER, SECRET]).headers(request_id("shop.1", 1, 2), time.time(), body))
    sent = [(OTHER, headers, body), (SECRET, headers, body), (SECRET, headers, body + b" ")]
    sent.append((SECRET, headers | {"webhook-id": "another"}, body))
    lines = [
        json.dumps({"secret": secret, "headers": given, "body": base64.b64encode(signed).decode()})
        for secret, given, signed in sent
    ]
    said = node.run("verify.js", stdin="\n".join(lines)).splitlines()
    assert said == ["good", "good", *["No matching signature found"] * 2]


def test_each_attempt_has_its_own_time_and_the_same_id() -> None:
    first, second = (dict(Signer([SECRET]).headers("an-id", now, b"")) for now in (1e9, 2e9))
    assert first["webhook-id"] == second["webhook-id"]
    assert first["webhook-timestamp"] != second["webhook-timestamp"]
    assert first["webhook-signature"] != second["webhook-signature"]


def test_any_bytes_can_be_signed() -> None:
    assert Signer([SECRET]).headers("an-id", 1e9, b"\xff\x00")[2][1].startswith("v1,")


@given(st.text(min_size=1))
def test_an_id_has_no_dot_and_fits_a_header(message_id: str) -> None:
    found = request_id(message_id, 1, 1)
    assert "." not in found
    assert found.isascii()
    assert found.isprintable()
    assert " " not in found


@given(*[st.text(st.characters(codec="utf-8"), min_size=1)] * 2)
def test_two_ids_stay_two(one: str, other: str) -> None:
    assert (request_id(one, 1, 1) == request_id(other, 1, 1)) == (one == other)
    assert request_id(one, 2, 2) != request_id(other, 1, 1)


def test_a_uuid_stays_as_it_is_and_requests_of_one_message_differ() -> None:
    uuid = "0190b5c0-7a2c-7c3e-9f00-2f1f4bf0a001"
    assert request_id(uuid, 1, 1) == uuid
    assert request_id("shop.order/1", 1, 1) == "shop%2Eorder%2F1"
    assert [request_id(uuid, number, 2) for number in (1, 2)] == [f"{uuid}:1", f"{uuid}:2"]


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_!!!!", "whsec_c2hvcnQ=", "short", "ü", "a" * 200])
def test_what_is_no_secret_is_refused_and_not_repeated(secret: str) -> None:
    with pytest.raises(ValueError, match="Standard Webhooks") as caught:
        key_of(secret)
    assert len(secret) < 4 or secret not in str(caught.value)
