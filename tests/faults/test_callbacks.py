"""HTTP callbacks against real servers: what is success, what is tried again, what is the end."""

import itertools
import json
from collections import Counter
from typing import Any

import pytest
from aiohttp import web

from tests.brokers import free_port
from tests.faults.site import Site
from tests.merchant import Call, Merchant, status
from tests.rude import WAYS, Rude


def write(site: Site, *, format_: str = "json", **task: Any) -> None:
    """Write a file with one event, `happened`, and its one task, `tell`; `task` has `http` in it."""
    site.write(
        tasks={"tell": task},
        events={"happened": {"tasks": ["tell"], "format": format_}},
        logs={"console": {"std": {}}, "history": {"file": {"path": "log.jsonl", "level": "debug"}}},
    )


def reasons(site: Site) -> dict[str, tuple[str, str]]:
    """Return why messages are dead, and the text, by their names."""
    return {one.n: (one.headers["ebats-reason"], one.headers["ebats-text"]) for one in site.take()}


#: Path to the answer: a status and a body.
ANSWERS = {
    "ok": (200, "success"),
    "spaces": (200, " success\r\n"),
    "wrong": (200, "fail"),
    "empty": (200, ""),
    "created": (201, "success"),
    "moved": (302, ""),
    "same": (304, ""),
    "missing": (404, "no such shop"),
    "gone": (410, "closed down"),
    "broken": (500, "oops"),
    "busy": (503, ""),
}
EXPECTED = dict.fromkeys(ANSWERS, "exhausted") | {"ok": "", "spaces": "", "gone": "final"}


async def by_path(call: Call) -> web.StreamResponse:
    code, text = ANSWERS[call.path.strip("/")]
    headers = {"Location": "/ok"} if code == 302 else {}
    return web.Response(status=code, text=text, headers=headers)


@pytest.mark.slow
def test_each_answer_is_success_or_the_ladder_or_the_end(site: Site) -> None:
    # Given a payment gateway's rule: 200 with "success" in it, and all else means "again"
    with Merchant(by_path) as merchant:
        url = merchant.url("/{{ n }}")
        http = {"url": url, "success": {"status": [200], "body": "success"}}
        write(site, http=http, retry=["500ms"])
        site.declare()
        site.send(ANSWERS)

        site.run()

        # Then each was asked as often as its ladder has attempts, but for success and 410; no redirect
        # was followed
        asked = Counter(call.path.strip("/") for call in merchant.calls)
    found = reasons(site)
    assert {name: found.get(name, ("",))[0] for name in ANSWERS} == EXPECTED
    assert asked == {name: 2 if reason == "exhausted" else 1 for name, reason in EXPECTED.items()}
    assert found["missing"][1].endswith("/missing: 404 Not Found: no such shop")
    assert found["wrong"][1].endswith("/wrong: 200 OK, but the body isn't 'success': fail")
    assert found["gone"][1].endswith("/gone: 410 Gone: closed down")
    # And the records name the request, its status and the beginning of the answer
    (record,) = [one for one in site.records() if one["outcome"] == "dead" and one["reason"] == "final"]
    (request,) = record["requests"]
    assert request["url"] == f"http://127.0.0.1:{merchant.port}/gone"
    assert (request["method"], request["status"], request["outcome"]) == ("POST", 410, "failed")
    assert request["body"] == "closed down"


@pytest.mark.slow
def test_whoever_breaks_http_is_asked_again(site: Site) -> None:
    port = free_port()
    with Rude() as rude:
        http = {"url": "http://127.0.0.1:{{ port }}/{{ n }}", "allow_hosts": ["127.0.0.1"]}
        http |= {"success": {"body": "success"}, "timeout": {"read": "1s"}}
        write(site, http=http, retry=["500ms"], timeout="10s")
        site.declare()
        site.send(WAYS, port=rude.port)
        site.send(["refused"], port=port)

        site.run()

        asked = rude.asked
    found = reasons(site)
    assert {name: reason for name, (reason, _) in found.items()} == dict.fromkeys(
        [*WAYS, "refused"], "exhausted"
    )
    # `reset` and `close` may have been asked once more over a connection that was open before.
    assert all(asked[name] >= 2 for name in WAYS)
    texts = {name: text.partition(": ")[2] for name, (_, text) in found.items()}
    assert "no connection" in texts["refused"]
    assert texts["silent"] == texts["stall"] == "the other side said nothing for 1 s"
    assert texts["close"] == "the other side closed the connection without an answer"
    assert texts["garbage"].startswith("the answer is no HTTP")
    # Of an endless answer the beginning was read, and of a packed one nothing unpacked.
    assert "the body isn't 'success': xxx" in texts["endless"]
    assert "the body isn't 'success'" in texts["packed"]


def test_a_message_goes_byte_for_byte_with_its_content_type(site: Site) -> None:
    body = b'{"n":  "m",\t"amount": 1.10, "big": 123456789012345678901234567890, "e": "\\u00e9"}'
    with Merchant() as merchant:
        write(site, http={"url": merchant.url("/x?a=1"), "headers": {"X-Id": "{{ ebats.id }}"}})
        site.declare()
        message = site.message("m")
        message = type(message)(name="m", exchange=message.exchange, key=message.key, body=body)
        site.send_messages([message])
        site.run()
        (call,) = merchant.calls
    assert (call.method, call.path, call.body) == ("POST", "/x?a=1", body)
    assert call.headers["Content-Type"] == "application/json"
    assert call.headers["User-Agent"].startswith("ebats/")
    assert call.headers["X-Id"] == site.records()[0]["id"]


def test_a_request_is_filled_in_from_the_payload_and_what_is_missing_is_named(site: Site) -> None:
    with Merchant() as merchant:
        http = {
            "method": "PUT",
            "url": merchant.url("/orders/{{ order.id }}"),
            "query": {"shop": "{{ shop }}"},
            "headers": {"X-Shop": "{{ shop }}"},
            "json": {"order": "{{ order }}", "text": "order {{ order.id }}"},
        }
        write(site, http=http, retry=["500ms"])
        site.declare()
        site.send(["good"], order={"id": "a/b", "lines": [1, 2.5]}, shop="Zoë & Co")
        site.send(["missing"], order={"lines": []}, shop="x")
        site.send(["evil"], order={"id": 1}, shop="x\r\nX-Evil: 1")
        site.send(["up"], order={"id": ".."}, shop="x")
        site.run()
        (call,) = merchant.calls
    assert (call.method, call.path) == ("PUT", "/orders/a%2Fb?shop=Zo%C3%AB%20%26%20Co")
    assert json.loads(call.body) == {"order": {"id": "a/b", "lines": [1, 2.5]}, "text": "order a/b"}
    assert call.headers["Content-Type"] == "application/json"
    found = reasons(site)
    assert {name: reason for name, (reason, _) in found.items()} == dict.fromkeys(
        ["missing", "evil", "up"], "refused"
    )
    assert found["missing"][1] == "the payload has no {{ order.id }}"
    assert "X-Shop" in found["evil"][1]


def test_what_follows_gets_the_answer(site: Site) -> None:
    async def answer(call: Call) -> web.StreamResponse:
        if call.path == "/next":
            return web.Response(text="success")
        return web.json_response({"code": 0, "id": "c-7"})

    with Merchant(answer) as merchant:
        rule = {"body": {"pointer": "/code", "equals": 0}}
        site.write(
            tasks={
                "tell": {"http": {"url": merchant.url("/first"), "success": rule}, "then": "told"},
                "next": {"http": {"url": merchant.url("/next"), "json": {"got": "{{ result }}"}}},
            },
            events={"happened": {"tasks": ["tell"]}, "told": {"tasks": ["next"]}},
        )
        site.declare()
        site.send(["m"])
        site.run()
        (following,) = [call for call in merchant.calls if call.path == "/next"]
    assert json.loads(following.body) == {"got": {"status": 200, "body": {"code": 0, "id": "c-7"}}}


@pytest.mark.slow
def test_retry_after_lengthens_a_rung_within_its_bound(site: Site) -> None:
    def busy(header: str) -> Any:
        async def reply(_call: Call) -> web.StreamResponse:
            return web.Response(status=503, headers={"Retry-After": header})

        return reply

    with Merchant(status(503)) as merchant:
        merchant.replies = [busy("3"), busy("3600"), busy("0")]
        write(site, http={"url": merchant.url(), "retry_after": "2s"}, retry=["500ms"] * 3)
        site.declare()
        site.send(["m"])
        site.run()
        times = [call.at for call in merchant.calls]
    waits = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert len(waits) == 3
    # Three seconds and an hour are cut to two; none at all leaves the rung as it is.
    assert waits[0] >= 1.9
    assert waits[1] >= 1.9
    assert waits[2] >= 0.4
    (reason, _) = reasons(site)["m"]
    assert reason == "exhausted"
