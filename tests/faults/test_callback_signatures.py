"""Signed callbacks, verified by the scheme's own library of another language."""

import base64
import json

from tests.faults.site import Site
from tests.merchant import Call, Merchant, status
from tests.node_scripts import Node

OLD = "whsec_" + base64.b64encode(b"old" * 10).decode()
NEW = "whsec_" + base64.b64encode(b"new" * 10).decode()


def test_every_attempt_is_signed_anew_under_one_id(node: Node, site: Site) -> None:
    with Merchant() as merchant:
        site.write(
            tasks={
                "tell": {"http": {"url": merchant.url(), "sign": {"secret": [NEW, OLD]}}, "retry": ["1s"]}
            },
            events={"happened": {"tasks": ["tell"]}},
        )
        site.declare()
        merchant.replies = [status(500)]
        site.send(["a"])
        site.run()
    first, second = merchant.calls
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert int(second.headers["webhook-timestamp"]) > int(first.headers["webhook-timestamp"])
    # During a rotation the receiver knows one of the secrets, whichever.
    assert verify(node, *((secret, call) for secret in (OLD, NEW) for call in merchant.calls)) == ["good"] * 4
    # The message's own body, byte for byte, is what was signed.
    assert first.body == site.message("a").body


def test_several_requests_of_a_message_have_an_id_each(node: Node, local_site: Site) -> None:
    with Merchant() as merchant:
        http = {"from": "/callback", "allow_hosts": ["127.0.0.1"], "sign": {"secret": NEW}}
        local_site.write(tasks={"tell": {"http": http}}, events={"happened": {"tasks": ["tell"]}})
        local_site.declare()
        requests = [
            {"url": merchant.url(), "method": "POST", "options": {"json": number}} for number in (1, 2)
        ]
        # Who publishes can't sign, and can't spoil the signature either.
        requests[0]["options"] |= {"headers": {"Webhook-Id": "mine", "WEBHOOK-SIGNATURE": "v1,mine"}}
        local_site.send(["a"], callback={"requests": requests})
        local_site.run()
    by_body = {call.body: call.headers["webhook-id"] for call in merchant.calls}
    message_id = by_body[b"1"].removesuffix(":1")
    assert by_body == {b"1": f"{message_id}:1", b"2": f"{message_id}:2"}
    assert verify(node, *((NEW, call) for call in merchant.calls)) == ["good"] * 2


def verify(node: Node, *signed: tuple[str, Call]) -> list[str]:
    lines = [
        json.dumps(
            {
                "secret": secret,
                "headers": {
                    name: value for name, value in call.headers.items() if name.startswith("webhook-")
                },
                "body": base64.b64encode(call.body).decode(),
            }
        )
        for secret, call in signed
    ]
    return node.run("verify.js", stdin="\n".join(lines)).splitlines()
