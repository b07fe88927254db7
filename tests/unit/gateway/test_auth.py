"""Bearer tokens and signatures: who is let in, and what nobody is told."""

import base64
import json
from datetime import UTC, datetime

import pytest
from standardwebhooks.webhooks import Webhook

from ebats.pipelines.problems import Place
from ebats.pipelines.producer import Allow, HttpProducer, Token
from ebats.runner.gateway.auth import Auth, Caller, Unauthorized

NOW = 1_790_000_000.4
SECRETS = ["whsec_" + base64.b64encode(bytes([number]) * 32).decode() for number in range(3)]


def auth(*tokens: Token, secrets: tuple[str, ...] = (), rate: float | None = None) -> Auth:
    return Auth(
        HttpProducer(
            name="gateway",
            host="127.0.0.1",
            port=9501,
            tokens=tokens,
            secrets=secrets,
            rate=rate,
            max_body=1000,
            max_item=1000,
            depth=8,
            header_timeout_s=10,
            idle_timeout_s=10,
            max_connections=10,
            place=Place(file="", line=1, column=1),
        )
    )


def bearer(token: str, scheme: str = "Bearer") -> dict[str, str]:
    return {"Authorization": f"{scheme} {token}"}


def signed(secret: str, body: str, id_: str = "msg_1", at: float = NOW) -> dict[str, str]:
    """Sign as the reference library does."""
    signature = Webhook(secret).sign(id_, datetime.fromtimestamp(at, UTC), body)
    return {"webhook-id": id_, "webhook-timestamp": str(int(at)), "webhook-signature": signature}


def test_each_token_is_known_with_what_it_may() -> None:
    allow = Allow(events=frozenset({"paid"}))
    door = auth(Token(name="shop", token="a" * 32, allow=allow, rate=5), Token(name="ops", token="ä" * 16))
    assert door.admit(bearer("a" * 32), NOW) == Caller(name="shop", allow=allow, rate=5)
    assert door.admit(bearer("ä" * 16, "bearer"), NOW) == Caller(name="ops")
    door.verify(bearer("a" * 32), b"anything", NOW)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        bearer(""),
        bearer("a" * 31),
        bearer("a" * 33),
        bearer("a" * 32, "Basic"),
        bearer("a" * 32 + " b"),
        {"Authorization": "a" * 32},
        {"Authorization": "Bearer \udcff\udcfe"},
        {"Authorization": ""},
    ],
)
def test_missing_and_wrong_tokens_get_the_same_answer(headers: dict[str, str]) -> None:
    with pytest.raises(Unauthorized) as refused:
        auth(Token(name="shop", token="a" * 32)).admit(headers, NOW)
    error = refused.value
    assert (error.status, error.headers) == (401, {"WWW-Authenticate": 'Bearer realm="ebats"'})
    assert error.document()["error"]["code"] == "unauthorized"
    assert str(error) == str(Unauthorized(""))


def test_without_tokens_and_secrets_it_is_anybody() -> None:
    door = auth(rate=7)
    assert door.admit({}, NOW) == Caller(name="anybody", rate=7)
    door.verify({}, b"", NOW)


@pytest.mark.parametrize("body", ['{"test": 2432232314}', "", "né"])
@pytest.mark.parametrize("secret", SECRETS[:2])
def test_what_the_reference_library_signs_is_let_in_by_any_of_the_secrets(secret: str, body: str) -> None:
    door = auth(secrets=(SECRETS[0], SECRETS[1]), rate=3)
    headers = signed(secret, body)
    assert door.admit(headers, NOW) == Caller(name="signed", key="msg_1", rate=3)
    door.verify(headers, body.encode(), NOW)


def test_the_vector_of_the_scheme_is_let_in() -> None:
    secret, at = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", 1614265330
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": str(at),
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    auth(secrets=(secret,)).verify(headers, b'{"test": 2432232314}', at + 299)


def test_one_of_several_signatures_is_enough() -> None:
    first, other = signed(SECRETS[2], "{}"), signed(SECRETS[0], "{}")
    both = f"{first['webhook-signature']} v2,AAAA {other['webhook-signature']}"
    auth(secrets=(SECRETS[0],)).verify({**first, "webhook-signature": both}, b"{}", NOW)


def test_a_body_need_not_be_text() -> None:
    door = auth(secrets=(SECRETS[0],))
    with pytest.raises(Unauthorized):
        door.verify(signed(SECRETS[0], "{}"), b"\xff\x00", NOW)


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": "msg_2"},
        {"webhook-id": ""},
        {"webhook-id": "msg_\udcff"},
        {"webhook-timestamp": str(int(NOW) + 1)},
        {"webhook-timestamp": f"{int(NOW)}.0"},
        {"webhook-timestamp": "nan"},
        {"webhook-timestamp": "1" * 50},
        {"webhook-timestamp": "\u0661" * 10},
        {"webhook-timestamp": ""},
        {"webhook-signature": ""},
        {"webhook-signature": "v1"},
        {"webhook-signature": "v1,"},
        {"webhook-signature": "v1,%%%"},
        {"webhook-signature": signed(SECRETS[0], "{}")["webhook-signature"].replace("v1,", "v1a,")},
        {"webhook-signature": signed(SECRETS[1], "{}")["webhook-signature"]},
    ],
)
def test_what_is_signed_differently_is_not_let_in(change: dict[str, str]) -> None:
    headers = {**signed(SECRETS[0], "{}"), **change}
    with pytest.raises(Unauthorized):
        auth(secrets=(SECRETS[0],)).verify(headers, b"{}", NOW)


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_what_is_not_signed_is_refused_before_the_body_is_read(missing: str) -> None:
    headers = {name: value for name, value in signed(SECRETS[0], "{}").items() if name != missing}
    with pytest.raises(Unauthorized) as refused:
        auth(secrets=(SECRETS[0],)).admit(headers, NOW)
    assert refused.value.headers == {"WWW-Authenticate": 'Webhook-Signature realm="ebats"'}


@pytest.mark.parametrize(("later", "is_let_in"), [(-301, False), (-300, True), (299, True), (300, False)])
def test_a_signature_is_good_for_five_minutes(later: float, is_let_in: bool) -> None:
    door, headers = auth(secrets=(SECRETS[0],)), signed(SECRETS[0], "{}")
    if is_let_in:
        door.admit(headers, NOW + later)
        return
    with pytest.raises(Unauthorized):
        door.admit(headers, NOW + later)


def test_secrets_are_in_no_text() -> None:
    token = Token(name="shop", token="a" * 32)
    assert "aaaa" not in repr(token)
    assert "aaaa" not in json.dumps(Unauthorized("Bearer").document())
