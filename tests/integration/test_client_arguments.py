"""What a client is given wrongly: it says so at once, and asks nobody."""

from typing import Any

import pytest

from ebats import Client
from tests.fake_gateway import FakeGateway


def test_a_bad_argument_asks_nobody(gateway: FakeGateway) -> None:
    client = Client(gateway.url)
    for call in (
        lambda: client.publish("paid", {"at": object()}),
        lambda: client.publish("paid", {}, id=""),
        lambda: client.publish("paid", {}, delay="10"),
        lambda: client.publish("paid", {}, headers={"x-death": 1}),
        lambda: client.publish("paid", {}, headers={"at": b"7"}),
        lambda: client.publish("", {}),
        lambda: client.publish("paid", {}, key=""),
        lambda: client.run_task("ship", {}, key="a.b"),  # type: ignore[call-arg]
        lambda: client.publish("paid", {}, route="a.b"),  # type: ignore[call-arg]
        lambda: client.publish_batch([("paid",)]),  # type: ignore[list-item]
        lambda: client.notify("ftp://a/", queue="q"),
        lambda: client.publish_batch([("paid", {}, ["id"])]),  # type: ignore[list-item]
        lambda: client.notify("http://", queue="q"),
        lambda: client.notify(None, queue="q"),  # type: ignore[arg-type]
        lambda: client.notify("http://a/"),
        lambda: client.notify("http://a/", task="t", event="e"),
        lambda: client.notify("http://a/", queue="q", unique_key=""),
        lambda: client.notify("http://a/", queue="q", topic="t"),  # type: ignore[call-arg]
    ):
        with pytest.raises((TypeError, ValueError)):
            call()
    assert not gateway.seen


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["127.0.0.1:9501"], "http:// or https:// and a host"),
        (["http://"], "http:// or https:// and a host"),
        (["http://h:99999"], "can't be read: Port out of range"),
        (["http://[::1"], "can't be read: Invalid IPv6 URL"),
        (["http://user:secret@h"], "has no user in it"),
        (["http://h/?x"], "ends before `\\?` and `#`"),
        ([None], "has to be a str"),
        (["http://h", ""], "a token is a text of ASCII characters"),
        (["http://h", "a\nb"], "a token is a text of ASCII characters"),
        (["http://h", None, "whsec_x"], "no secret of Standard Webhooks"),
        (["http://h", "token", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"], "a token or a secret, not both"),
    ],
)
def test_a_client_for_nothing_is_not_made(arguments: list[Any], text: str) -> None:
    with pytest.raises((TypeError, ValueError), match=text) as caught:
        Client(*arguments)
    assert "secret@" not in str(caught.value)


@pytest.mark.parametrize("limits", [{"timeout": 0}, {"timeout": "10"}, {"retries": -1}, {"retries": True}])
def test_a_client_without_a_limit_is_not_made(limits: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"timeout|duration|retries"):
        Client("http://127.0.0.1:9501", **limits)
