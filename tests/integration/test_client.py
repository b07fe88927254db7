"""What a client sends, retries and raises, with a gateway that the test plays, over real connections."""

import time
from collections.abc import Iterator

import pytest
from standardwebhooks import Webhook

from ebats import Client, GatewayError, GatewayRefused, GatewayUnavailable, NotConfirmed, Refused
from ebats.runner.client import attempts
from tests.brokers import free_port
from tests.fake_gateway import FakeGateway, Reply, answer, hang_up, late, problem

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def client(gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    monkeypatch.setattr(attempts, "_FIRST_WAIT_S", 0.01)
    with Client(gateway.url) as found:
        yield found


def test_an_event_is_one_message_with_its_id(client: Client, gateway: FakeGateway) -> None:
    id_ = client.publish(
        "order_paid",
        {"order": "支付"},
        id="FB1-paid",
        delay="37s",
        queue="slow",
        headers={"trace": "7f"},
        key="cn.FB1",
    )
    assert id_ == "FB1-paid"
    (seen,) = gateway.seen
    assert (seen.path, dict(seen.query)) == ("/v1/messages", {})
    assert seen.headers["Content-Type"] == "application/json"
    assert seen.items == [
        {
            "event": "order_paid",
            "id": "FB1-paid",
            "delay": "37s",
            "queue": "slow",
            "route": "cn.FB1",
            "headers": {"trace": "7f"},
            "payload": {"order": "支付"},
        }
    ]


def test_a_task_is_named(client: Client, gateway: FakeGateway) -> None:
    assert client.run_task("ship", {"n": 1}, id="7") == "7"
    assert client.run_task("ship", {}) != client.run_task("ship", {})
    assert gateway.seen[0].items == [{"task": "ship", "id": "7", "payload": {"n": 1}}]


def test_a_batch_is_one_request(client: Client, gateway: FakeGateway) -> None:
    ids = client.publish_batch([("a", {"n": 1}), ("b", {"n": 2}, {"id": "x", "delay": 1.5})])
    (seen,) = gateway.seen
    assert seen.items == [
        {"event": "a", "id": ids[0], "payload": {"n": 1}},
        {"event": "b", "id": "x", "delay": "1500ms", "payload": {"n": 2}},
    ]
    assert ids[1] == "x"


def test_an_empty_batch_asks_nobody(client: Client, gateway: FakeGateway) -> None:
    assert client.publish_batch([]) == client.notify([], queue="calls") == []
    assert not gateway.seen


def test_a_notification_is_one_message_for_each_url(client: Client, gateway: FakeGateway) -> None:
    urls = ["https://a.example/x?y=1", "https://b.example/"]
    ids = client.notify(urls, unique_key="FB1", queue="calls")
    (seen,) = gateway.seen
    assert seen.items == [
        {"queue": "calls", "id": id_, "payload": {"requests": [{"url": url}]}}
        for id_, url in zip(ids, urls, strict=True)
    ]
    # Anybody can work it out: the key, and the beginning of the URL's SHA-256.
    assert ids[1] == "FB1-5d1dd98498cb9c1e"


def test_the_same_key_and_url_have_the_same_id_and_repeats_are_sent(
    client: Client, gateway: FakeGateway
) -> None:
    first = client.notify(["http://a/", "http://b/"], unique_key="k", task="tell")
    again = client.notify(["http://b/", "http://a/"], unique_key="k", task="tell", queue="slow")
    assert set(first) == set(again)
    assert len(gateway.seen) == 2
    assert gateway.seen[1].items[0]["queue"] == "slow"


def test_what_is_called_how_goes_along(client: Client, gateway: FakeGateway) -> None:
    client.notify(
        "http://a/",
        event="merchant_told",
        method="POST",
        options={"json": {"n": 1}},
        control={"retryTimes": 3},
        delay="1s",
    )
    (item,) = gateway.seen[0].items
    assert (item["event"], item["delay"]) == ("merchant_told", "1s")
    assert item["payload"] == {
        "requests": [{"method": "POST", "url": "http://a/", "options": {"json": {"n": 1}}}],
        "control": {"retryTimes": 3},
    }


@pytest.mark.parametrize(
    "reply",
    [
        hang_up,
        problem(503, "away", "the broker is away"),
        answer(502, "<html>"),
        problem(429, "rate", "slow"),
        problem(408, "too_slow", "the body comes too slowly"),
    ],
    ids=["hang up", "503", "502", "429", "408"],
)
def test_what_may_pass_is_tried_again_with_the_same_id(
    client: Client, gateway: FakeGateway, reply: Reply
) -> None:
    gateway.replies = [reply, reply]
    id_ = client.publish("paid", {"n": 1})
    assert [seen.ids for seen in gateway.seen] == [[id_]] * 3
    assert len({seen.body for seen in gateway.seen}) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 415, 422, 302])
def test_what_is_refused_is_not_tried_again(client: Client, gateway: FakeGateway, status: int) -> None:
    gateway.replies = [problem(status, "no_way", "the reason")]
    with pytest.raises(GatewayRefused, match=f"answered {status}: the reason") as caught:
        client.publish("paid", {}, id="7")
    error = caught.value
    assert (error.status, error.code, error.ids, error.confirmed) == (status, "no_way", ("7",), ())
    assert isinstance(error, Refused)
    assert len(gateway.seen) == 1


def test_each_bad_item_is_told(client: Client, gateway: FakeGateway) -> None:
    items = [{"index": 1, "reason": "there is no event 'payd'"}, {"index": 3, "reason": "/n: no number"}]
    gateway.replies = [problem(422, "bad_items", "2 of 4 messages are bad", items=items)]
    with pytest.raises(
        GatewayRefused, match=r"\[1\] there is no event 'payd'; \[3\] /n: no number"
    ) as caught:
        client.publish_batch([("paid", {})] * 4)
    assert [(item.index, item.reason) for item in caught.value.items] == [
        (1, "there is no event 'payd'"),
        (3, "/n: no number"),
    ]
    assert len(caught.value.ids) == 4


def test_a_partial_batch_tells_what_was_taken(client: Client, gateway: FakeGateway) -> None:
    items = [{"index": 1, "reason": "no"}]
    gateway.replies = [answer(202, {"ids": ["a", None], "items": items})]
    with pytest.raises(GatewayRefused, match=r"1 message: \[1\] no") as caught:
        client.publish_batch([("x", {}, {"id": "a"}), ("y", {}, {"id": "b"})], partial=True)
    assert gateway.seen[0].query == {"partial": "true"}
    assert (caught.value.confirmed, caught.value.ids) == (("a",), ("b",))


def test_what_was_confirmed_of_what_failed_is_told(gateway: FakeGateway) -> None:
    gateway.replies = [problem(503, "unconfirmed", "1 message of 2 isn't there", confirmed=["a"])]
    with Client(gateway.url, retries=0) as client, pytest.raises(GatewayUnavailable) as caught:
        client.publish_batch([("x", {}, {"id": "a"}), ("y", {}, {"id": "b"})])
    assert (caught.value.code, caught.value.confirmed, caught.value.ids) == ("unconfirmed", ("a",), ("b",))


def test_what_an_earlier_attempt_came_to_is_told(client: Client, gateway: FakeGateway) -> None:
    one, two = ("x", {}, {"id": "a"}), ("y", {}, {"id": "b"})
    gateway.replies = [
        problem(503, "unconfirmed", "1 message of 2 isn't there", confirmed=["a"]),
        problem(403, "forbidden", "not you"),
    ]
    with pytest.raises(GatewayRefused, match="not you; an earlier attempt had no answer") as caught:
        client.publish_batch([one, two])
    assert (caught.value.confirmed, caught.value.ids) == (("a",), ("b",))
    gateway.replies = [problem(503, "unconfirmed", "one isn't there", confirmed=["a"]), *[hang_up] * 5]
    with pytest.raises(GatewayUnavailable) as lost:
        client.publish_batch([one, two])
    assert (lost.value.confirmed, lost.value.ids) == (("a",), ("b",))
    # Too many requests: nobody looked at the first.
    gateway.replies = [problem(429, "rate", "slow"), problem(403, "forbidden", "not you")]
    with pytest.raises(GatewayRefused, match=r"not you$"):
        client.publish("x", {})


def test_who_asks_to_wait_is_waited_for(client: Client, gateway: FakeGateway) -> None:
    gateway.replies = [problem(503, "away", "away", Retry_After="1")]
    began = time.monotonic()
    client.publish("paid", {})
    assert time.monotonic() - began >= 1
    assert len(gateway.seen) == 2


def test_who_asks_for_too_much_is_not_asked_again(client: Client, gateway: FakeGateway) -> None:
    gateway.replies = [problem(503, "away", "away", Retry_After="3600")]
    with pytest.raises(GatewayUnavailable) as caught:
        client.publish("paid", {})
    assert (caught.value.status, caught.value.retry_after_s) == (503, 3600)
    assert len(gateway.seen) == 1


def test_when_the_attempts_are_used_up_it_says_what_may_be_there(
    client: Client, gateway: FakeGateway
) -> None:
    gateway.replies = [problem(503, "away", "the broker is away")] * 6
    with pytest.raises(GatewayUnavailable, match=r"the broker is away \(6 attempts\); it may have") as caught:
        client.publish("paid", {}, id="7")
    assert caught.value.ids == ("7",)
    assert isinstance(caught.value, NotConfirmed)
    assert len(gateway.seen) == 6


def test_a_gateway_that_is_not_there_was_sent_nothing() -> None:
    text = r"\(2 attempts\); nothing was sent"
    with (
        Client(f"http://127.0.0.1:{free_port()}", retries=1) as client,
        pytest.raises(GatewayUnavailable, match=text) as caught,
    ):
        client.publish("paid", {}, id="7")
    assert (caught.value.ids, caught.value.status) == (("7",), None)


def test_an_attempt_has_an_end(gateway: FakeGateway) -> None:
    gateway.replies = [late(60), late(60)]
    text = r"hasn't answered within 0.2 s \(2 attempts\); it may"
    with (
        Client(gateway.url, timeout="200ms", retries=1) as client,
        pytest.raises(GatewayUnavailable, match=text),
    ):
        client.publish("paid", {})
    assert gateway.seen[0].ids == gateway.seen[1].ids


def test_what_answers_as_no_gateway_does_is_told(client: Client, gateway: FakeGateway) -> None:
    gateway.replies = [answer(200, "<html>hello")]
    with pytest.raises(GatewayError, match="is this the URL of an ebats gateway"):
        client.publish("paid", {})
    assert len(gateway.seen) == 1
    gateway.replies = [answer(404, "<html>not here")]
    with pytest.raises(GatewayRefused, match="answered 404: '<html>not here'"):
        client.publish("paid", {})


def test_a_token_is_shown_and_never_printed(gateway: FakeGateway) -> None:
    with Client(gateway.url, token="s3cret-token") as client:
        gateway.replies = [problem(401, "unauthorized", "who are you?")]
        with pytest.raises(GatewayRefused) as caught:
            client.publish("paid", {})
        assert "s3cret" not in f"{client!r} {caught.value!r} {vars(caught.value)}"
    assert gateway.seen[0].headers["Authorization"] == "Bearer s3cret-token"


def test_each_attempt_is_signed_with_one_id(gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "_FIRST_WAIT_S", 2.1)  # so that the second has another time
    gateway.replies = [hang_up]
    with Client(gateway.url, secret=SECRET) as client:
        id_ = client.publish("paid", {"order": "支付"})
        client.publish_batch([("a", {}, {"id": "a.b\n"}), ("b", {})])
    for seen in gateway.seen:
        Webhook(SECRET).verify(seen.body, dict(seen.headers))
    first, second, batch = (seen.headers for seen in gateway.seen)
    assert first["webhook-id"] == second["webhook-id"] == id_
    assert first["webhook-timestamp"] != second["webhook-timestamp"]
    assert "." not in batch["webhook-id"]


@pytest.mark.parametrize(
    "arguments",
    [
        {"url": "127.0.0.1:9501"},
        {"url": "ftp://host"},
        {"url": "http://user:secret@host"},
        {"url": "http://host/?a=b"},
        {"url": "http://host", "token": "a", "secret": SECRET},
        {"url": "http://host", "token": "a\nb"},
        {"url": "http://host", "secret": "whsec_"},
        {"url": "http://host", "secret": "whsec_ä"},
        {"url": "http://host", "timeout": 0},
        {"url": "http://host", "timeout": "10"},
        {"url": "http://host", "retries": -1},
    ],
)
def test_a_client_that_cannot_work_is_not_made(arguments: dict[str, str]) -> None:
    with pytest.raises(ValueError) as caught:
        Client(**arguments)  # type: ignore[arg-type]
    assert "secret@" not in str(caught.value)


def test_a_path_in_front_of_the_gateway_is_kept(gateway: FakeGateway) -> None:
    with Client(f"{gateway.url}/ebats/") as client:
        client.publish("paid", {})
    assert gateway.seen[0].path == "/ebats/v1/messages"
