"""Who may publish to a gateway, and to what: tokens with what they allow, and signatures."""

import base64
import json
import time
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from tests.faults.site import Site
from tests.gateway import Gateway
from tests.integration.wire import Wire
from tests.node_scripts import Node

ALLOW: dict[str, dict[str, list[str]]] = {
    "0d6a8be27f3c4f19b2a5": {"exchanges": ["orders"]},
    "f4b81c0e95d7436aa1c8": {"queues": ["alone"]},
    "9c27d1b4a6e84f05b3d1": {"events": ["happened", "wanted"]},
    "5be08f6a31c94d72a9e4": {"tasks": ["alone"]},
}
ITEMS: dict[str, dict[str, Any]] = {
    "exchanges": {"exchange": "orders", "route": "a.GO", "payload": 1},
    "queues": {"queue": "alone", "payload": 2},
    "events": {"event": "happened", "payload": 3},
    "tasks": {"task": "alone", "payload": 4},
}
SECRETS = ["whsec_" + base64.b64encode(bytes([number]) * 32).decode() for number in range(2)]


def test_a_token_may_publish_to_what_it_is_allowed_and_to_nothing_else(site: Site) -> None:
    gateway = Gateway(site=site)
    tokens = [{"name": f"token{n}", "token": token, "allow": ALLOW[token]} for n, token in enumerate(ALLOW)]
    gateway.write({"auth": {"bearer": [*tokens, "c1f7a0e2d9b84635a7f2"]}})
    gateway.start()
    for token, allow in ALLOW.items():
        headers = bearer(token)
        for section, item in ITEMS.items():
            answer = gateway.post("/v1/messages", [item], headers)
            assert answer.status == (202 if section in allow else 403), (allow, item)
        mixed = gateway.post("/v1/messages", list(ITEMS.values()), headers)
        assert (mixed.status, mixed.code, len(mixed.reasons)) == (403, "forbidden", 3)
        some = gateway.post("/v1/messages?partial=true", list(ITEMS.values()), headers)
        assert [bool(each) for each in some.ids].count(True) == 1
    paths = {"/v1/events/happened": "events", "/v1/tasks/alone": "tasks", "/v1/tasks/other": ""}
    for path, section in paths.items():
        statuses = [gateway.post(path, 5, bearer(token)).status for token in ALLOW]
        assert statuses == [202 if section in allow else 403 for allow in ALLOW.values()], path
    assert len(gateway.post("/v1/messages", list(ITEMS.values()), bearer("c1f7a0e2d9b84635a7f2")).ids) == 4
    # Each of them three times, and the two by path; the exchange's and the queue's lie with the task's.
    with closing(Wire(site.url)) as wire:
        assert wire.ready(f"{site.name}.alone") == 3 * 3 + 1
        assert wire.ready(f"{site.name}.demo") == 3 + 1


def test_signed_requests_are_taken_and_others_not(local_site: Site) -> None:
    gateway = signed_gateway(local_site)
    body = json.dumps([ITEMS["queues"]]).encode()
    assert gateway.post("/v1/messages", body, signed(SECRETS[0], body, "first")).ids == ["first"]
    assert gateway.post("/v1/messages", body, signed(SECRETS[1], body, "second")).ids == ["second"]
    two = json.dumps([ITEMS["queues"], ITEMS["tasks"]]).encode()
    assert gateway.post("/v1/messages", two, signed(SECRETS[0], two, "third")).ids == ["third-0", "third-1"]
    other = "whsec_" + base64.b64encode(b"x" * 32).decode()
    wrong = [
        {},
        {"Authorization": f"Bearer {SECRETS[0]}"},
        signed(other, body),
        signed(SECRETS[0], body + b" "),
        {**signed(SECRETS[0], body), "webhook-id": "other"},
        signed(SECRETS[0], body, at=time.time() - 600),
        signed(SECRETS[0], body, at=time.time() + 600),
    ]
    answers = [gateway.post("/v1/messages", body, headers) for headers in wrong]
    assert {(each.status, each.body) for each in answers} == {(401, answers[0].body)}
    assert gateway.get("/v1/status", signed(SECRETS[0], b"")).status == 200
    assert gateway.get("/v1/status", signed(SECRETS[0], b"x")).status == 401
    assert local_site.ready("alone") == 4


def test_a_signed_request_that_is_sent_again_has_the_same_ids(local_site: Site) -> None:
    gateway = signed_gateway(local_site)
    headers = signed(SECRETS[0], b"7", "msg_7")
    ids = [
        gateway.post("/v1/events/happened", b"7", {**headers, **more}).ids
        for more in ({}, {"Idempotency-Key": "another"})
    ]
    assert ids == [["msg_7"], ["msg_7"]]


@pytest.mark.slow
def test_the_scheme_s_library_of_another_language_publishes(local_site: Site, node: Node) -> None:
    gateway = signed_gateway(local_site)
    url = f"http://127.0.0.1:{gateway.port}/v1/events/happened"
    body = '{"n": "名", "price": 1.10}'
    status, answer = node.run("post.js", url, SECRETS[1], "msg_from_node", stdin=body).splitlines()
    assert (status, json.loads(answer)) == ("202", {"ids": ["msg_from_node"]})
    (letter,) = local_site.take("demo")
    assert (letter.body.decode(), letter.properties["message_id"]) == (body, "msg_from_node")


def signed_gateway(site: Site) -> Gateway:
    """Start a gateway that takes two secrets."""
    gateway = Gateway(site=site)
    gateway.write({"auth": {"secret": SECRETS}})
    gateway.start()
    return gateway


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def signed(secret: str, body: bytes, id_: str = "msg_1", at: float | None = None) -> dict[str, str]:
    """Sign by the scheme's own library."""
    moment = datetime.fromtimestamp(int(time.time() if at is None else at), UTC)
    return {
        "webhook-id": id_,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": Webhook(secret).sign(id_, moment, body.decode()),
    }
