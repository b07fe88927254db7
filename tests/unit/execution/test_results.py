"""What follows from a success or a death, as messages."""

import base64
import json
from typing import Any

import pytest

from ebats.pipelines.routes import Routes
from ebats.runner.execution import encode
from ebats.runner.execution.encode import BadResult
from ebats.runner.execution.envelope import Envelope
from ebats.runner.execution.outcome import Failed
from ebats.runner.execution.results import NOTHING, FollowUps, Results
from ebats.runner.execution.schemas import Schemas
from ebats.runner.execution.settle import Outgoing
from tests.unit.core.shop import delivery, envelope_of, pipeline

SHOP = pipeline("""
version: 1
name: shop
exchanges: {trade: , all: {type: fanout}, old: {external: true, type: direct}}
queues: {intake: {external: true}}
tasks:
  plain: {python: "t:plain"}
  ship: {python: "t:ship", then: shipped, on_dead: lost}
  far: {python: "t:far", then: traded, on_dead: everywhere}
  old: {python: "t:old", then: theirs, on_dead: taken}
events:
  ordered: {tasks: [ship]}
  note: {format: text, tasks: [ship]}
  image: {format: bytes, tasks: [ship]}
  shipped: {tasks: [plain, {task: far, delay: 5s}, {task: old, delay: 6s}]}
  lost: {tasks: [plain]}
  traded: {exchange: trade, key: ["#.traded", a.traded], tasks: [plain]}
  watched: {exchange: trade, key: "#", tasks: [{task: old, delay: 1s}]}
  everywhere: {exchange: all, tasks: [plain]}
  theirs: {exchange: old, key: their.key, tasks: [plain]}
  taken: {queue: intake, tasks: [plain]}
""")
RESULTS = Results(SHOP, Routes(SHOP), Schemas(SHOP))
FAILED = Failed("exception", "ValueError", "no luck")


def envelope(
    event: str = "ordered", task: str = "ship", body: bytes = b'{"n": 1}', **properties: Any
) -> Envelope:
    return envelope_of(delivery("shop.events", event, f"shop.{task}", body=body, properties=properties), SHOP)


def direct(task: str, **properties: Any) -> Envelope:
    return envelope_of(delivery("shop.tasks", task, f"shop.{task}", properties=properties), SHOP)


def success(one: Envelope, task: str = "ship", value: object = None) -> FollowUps:
    return RESULTS.of_success(one, SHOP.tasks[task], value, 50.0)


def death(one: Envelope, task: str | None = "ship", failed: Failed = FAILED) -> FollowUps:
    return RESULTS.of_death(one, SHOP.tasks[task] if task else None, "exhausted", failed, 50.0)


def only(follows: FollowUps) -> Outgoing:
    (message,) = follows.messages
    return message


def test_nothing_follows_where_nobody_asks() -> None:
    assert success(direct("plain"), "plain", {1, 2}) is NOTHING
    assert death(direct("plain"), "plain") == NOTHING


def test_then_gets_the_payload_as_it_came_and_the_result() -> None:
    body = b'{ "n": 12345678901234567890123, "x": 1e2 }'
    message = only(success(envelope(body=body, correlation_id="c"), value={"ok": [True]}))
    assert (message.exchange, message.key) == ("shop.events", "shipped")
    assert message.body == b'{"id":"m1","task":"ship","payload":' + body + b',"result":{"ok":[true]}}'
    assert message.headers == {"ebats-published": 50.0}
    assert message.properties.items() >= {"correlation_id": "c", "delivery_mode": 2}.items()
    assert message.properties["content_type"] == "application/json"
    assert not message.optional


def test_on_dead_gets_the_payload_the_reason_and_the_attempts() -> None:
    message = only(death(envelope()))
    assert (message.exchange, message.key) == ("shop.events", "lost")
    assert json.loads(message.body) == {
        "id": "m1",
        "task": "ship",
        "payload": {"n": 1},
        "reason": "exhausted",
        "attempts": 1,
    }


def test_its_id_is_the_same_each_time_and_another_for_each_task_and_kind() -> None:
    def id_of(follows: FollowUps) -> str:
        return str(only(follows).properties["message_id"])

    ids = [id_of(success(envelope(), value=value)) for value in (1, 2)]
    assert ids[0] == ids[1]
    others = {id_of(death(envelope())), id_of(success(direct("far"), "far")), *ids, "m1"}
    assert len(others) == 4
    assert "correlation_id" not in only(success(envelope())).properties


def test_an_event_is_published_where_its_messages_come_from() -> None:
    def where(follows: FollowUps) -> tuple[str, str, int]:
        return only(follows).exchange, only(follows).key, follows.on_event_rungs

    assert where(success(envelope())) == ("shop.events", "shipped", 2)
    assert where(success(direct("far"), "far")) == ("shop.trade", "a.traded", 1)
    assert where(death(direct("far"), "far")) == ("shop.all", "", 0)
    assert where(success(direct("old"), "old")) == ("old", "their.key", 0)
    assert where(death(direct("old"), "old")) == ("", "intake", 0)


@pytest.mark.parametrize(
    ("event", "body", "payload"),
    [
        ("note", '纸, "x"'.encode(), '纸, "x"'),
        ("image", b"\x00\xff", None),
        ("ordered", b"[1]", [1]),
        ("ordered", b"null", None),
    ],
)
def test_the_payload_of_each_format(event: str, body: bytes, payload: object) -> None:
    message = json.loads(only(success(envelope(event, body=body), value=1)).body)
    assert message["payload"] == payload
    if event == "image":
        assert base64.b64decode(message["body"]) == body
    else:
        assert "body" not in message


@pytest.mark.parametrize("event", ["ordered", "note"])
@pytest.mark.parametrize("body", [b"{", b'"\xff"', b"", b"\xef\xbb\xbf{}", b"[" * 50_000, b"1e999"])
def test_a_body_that_cannot_be_decoded_goes_as_base64(event: str, body: bytes) -> None:
    message = json.loads(only(death(envelope(event, body=body), failed=Failed("undecodable", "B", "x"))).body)
    assert (message["payload"], base64.b64decode(message["body"])) == (None, body)


def test_a_crashed_one_may_have_any_body() -> None:
    message = json.loads(only(death(envelope(body=b'{"a":"\xff"}'), failed=Failed("crashed", "C", "x"))).body)
    assert base64.b64decode(message["body"]) == b'{"a":"\xff"}'


def test_a_payload_that_does_not_fit_is_left_out_of_on_dead_and_fails_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(encode, "MOST_BYTES", 200)
    one = envelope(body=b'"' + b"x" * 300 + b'"')
    message = json.loads(only(death(one)).body)
    assert (message["payload"], message["left_out"], message["reason"]) == (None, 302, "exhausted")
    with pytest.raises(BadResult, match="the result with its payload has"):
        success(one)


# Replies.


def test_a_reply_goes_straight_to_its_queue_with_the_correlation_id() -> None:
    then, reply = success(envelope(reply_to="answers", correlation_id="c-1"), value=5).messages
    assert then.key == "shipped"
    assert (reply.exchange, reply.key, reply.optional) == ("", "answers", True)
    assert json.loads(reply.body) == {"id": "m1", "task": "ship", "result": 5}
    assert reply.properties["correlation_id"] == "c-1"
    assert "reply_to" not in {**then.properties, **reply.properties}


def test_without_a_correlation_id_the_message_id_stands_for_it() -> None:
    reply = only(success(direct("plain", reply_to="answers"), "plain", "done"))
    assert reply.properties["correlation_id"] == "m1"
    assert reply.properties["message_id"] != "m1"


def test_nobody_waits_for_ever_for_one_that_is_dead() -> None:
    _, reply = death(envelope(reply_to="answers")).messages
    assert json.loads(reply.body) == {
        "id": "m1",
        "task": "ship",
        "reason": "exhausted",
        "attempts": 1,
        "error": "ValueError: no luck",
    }
    unknown = only(death(envelope(reply_to="answers"), None))
    assert json.loads(unknown.body)["task"] is None


def test_no_result_that_is_not_json_is_replied() -> None:
    with pytest.raises(BadResult, match="the whole: a set"):
        success(direct("plain", reply_to="answers"), "plain", {1})


@pytest.mark.parametrize("inner", ["dead", "topology", "suspects~2", "delay.5s", "lock", "lease.x", "ticks"])
def test_no_reply_gets_among_what_ebats_works_with(inner: str) -> None:
    follows = success(direct("plain", reply_to=f"shop.{inner}"), "plain", 1)
    assert not follows.messages
    assert follows.warnings == (f"'shop.{inner}' takes no replies: ebats itself works with it",)


@pytest.mark.parametrize("queue", ["shop.answers", "shop.plain", "shop.deadline", "dead", "shopping.dead"])
def test_any_other_queue_takes_replies(queue: str) -> None:
    assert only(success(direct("plain", reply_to=queue), "plain", 1)).key == queue


@pytest.mark.parametrize("text", ["\ud800", "id\0x", "纸" * 80])
def test_an_id_may_be_anything(text: str) -> None:
    one = envelope_of(
        delivery("shop.events", "ordered", "shop.ship", message_id=text, properties={"reply_to": "a"}), SHOP
    )
    then, reply = success(one).messages
    assert json.loads(then.body)["id"] == json.loads(reply.body)["id"]
    assert death(one).messages
