"""Requests that messages carry: sent and tried as publishers ask, or refused with every mistake."""

from collections import Counter
from typing import Any

import pytest

from tests.faults.site import Letter, Site
from tests.merchant import Merchant, Reply, status, success

RETRIES = ["500ms"] * 4


def write(site: Site, source: str = "payload", **task: Any) -> None:
    http = {"from": source, "allow_hosts": ["127.0.0.1"]}
    site.write(
        tasks={"call": {"http": http, "retry": RETRIES, **task}}, events={"happened": {"tasks": ["call"]}}
    )
    site.declare()


def send(site: Site, name: str, merchant: Merchant, control: Any = None, **options: Any) -> None:
    """Publish a message with one request, to the path of its name."""
    request = {"url": merchant.url(f"/{name}"), "method": "post", "options": options}
    site.send([name], requests=[request], **({} if control is None else {"control": control}))


def letters(site: Site) -> dict[str, Letter]:
    return {letter.n: letter for letter in site.take()}


@pytest.mark.slow
def test_what_a_message_says_of_its_attempts_and_of_success(site: Site) -> None:
    write(site)
    script: dict[str, list[Reply]] = {
        "/capped": [status(500)] * 9,
        "/once": [status(500)] * 9,
        "/not-found": [status(404)],
        "/created": [status(201), success],
        "/gone": [status(410)],
        "/gone-and-back": [status(410), success],
        "/any-failure": [status(302), status(404), success],
    }
    with Merchant() as merchant:
        merchant.reply = lambda call: script[call.path].pop(0)(call)
        send(site, "capped", merchant, {"retryTimes": 2})
        send(site, "once", merchant, {"retryTimes": 0})
        send(site, "not-found", merchant, {"successCode": [404]})
        send(site, "created", merchant, {"successCode": [200]})
        send(site, "gone", merchant)
        send(site, "gone-and-back", merchant, {"retryCode": [410]})
        send(site, "any-failure", merchant, {"retryCode": [502]})
        site.run()
        calls = Counter(call.path for call in merchant.calls)
    assert calls == {
        "/capped": 3,
        "/once": 1,
        "/not-found": 1,
        "/created": 2,
        "/gone": 1,
        "/gone-and-back": 2,
        "/any-failure": 3,
    }
    reasons = {name: letter.headers["ebats-reason"] for name, letter in letters(site).items()}
    assert reasons == {"capped": "exhausted", "once": "exhausted", "gone": "final"}


def test_a_message_is_sent_as_it_says(site: Site) -> None:
    write(site, "/to/0")
    request = {
        "url": "URL?a=%2B",
        "method": "PUT",
        "options": {"headers": {"X-Shop": 7}, "query": {"b": "c d"}, "form_params": {"e": "f&g"}},
    }
    with Merchant() as merchant:
        request["url"] = merchant.url("/order?a=%2B")
        site.send(["m"], to=[{"requests": [request]}])
        site.run()
        (call,) = merchant.calls
    assert (call.method, call.path, call.body) == ("PUT", "/order?a=%2B&b=c+d", b"e=f%26g")
    assert call.headers["X-Shop"] == "7"
    assert call.headers["Content-Type"] == "application/x-www-form-urlencoded"


def test_a_time_out_of_its_own_bounds_a_request_within_that_of_the_task(local_site: Site) -> None:
    write(local_site, retry=["500ms"], timeout="1m")
    with Merchant() as merchant:
        merchant.replies = [merchant.hold]
        send(local_site, "m", merchant, timeout=0.3)
        local_site.run()
        assert len(merchant.calls) == 2
    first, second = local_site.records()
    assert (first["outcome"], second["outcome"]) == ("retry", "success")
    assert "no answer within 0.3 s" in first["text"]


def test_what_can_not_be_sent_is_dead_at_once_with_every_mistake(site: Site) -> None:
    write(site)
    wrong: dict[str, dict[str, Any]] = {
        "empty": {"requests": []},
        "no map": {"requests": [{"url": "http://127.0.0.1/", "options": "x"}]},
        "no text": {"requests": [{"url": 7}]},
        "unknown": {"requests": [{"url": "http://127.0.0.1/", "options": {"verify": False}}]},
        "two": {"requests": [{"url": 7, "options": {"timeout": "1s"}}]},
        "guarded": {"requests": [{"url": "http://10.0.0.1/"}]},
    }
    for name, payload in wrong.items():
        site.send([name], **payload)
    site.run()
    found = letters(site)
    assert {letter.headers["ebats-reason"] for letter in found.values()} == {"refused"}
    assert {letter.headers["ebats-attempt"] for letter in found.values()} == {1}
    texts = {name: letter.headers["ebats-text"] for name, letter in found.items()}
    assert texts.pop("unknown").startswith("/requests/0/options/verify isn't known: there are `headers`")
    assert texts.pop("guarded").endswith("10.0.0.1 is in no network of allow_hosts")
    assert texts == {
        "empty": "/requests has to be a list of requests, and is empty",
        "no map": "/requests/0/options has to be a map, and is a text",
        "no text": "/requests/0/url has to be a text, and is a number",
        "two": "/requests/0/url has to be a text, and is a number; "
        "/requests/0/options/timeout has to be a number of seconds, and is '1s'",
    }


def test_requests_to_a_host_that_is_down_wait_and_the_others_go(local_site: Site) -> None:
    http = {"from": "payload", "allow_hosts": ["127.0.0.1"], "breaker": {"after": 1, "max_age": "2s"}}
    local_site.write(
        tasks={"call": {"http": http, "retry": RETRIES}},
        events={"happened": {"tasks": ["call"]}},
        consumers={"all": {"concurrency": 1}},
    )
    local_site.declare()
    with Merchant(status(503)) as dead, Merchant() as alive:
        local_site.send(["first"], requests=[{"url": dead.url()}])
        local_site.send(["m"], requests=[{"url": alive.url("/m")}, {"url": dead.url("/m")}])
        local_site.run()
        # Once, however often the other one was tried.
        assert [call.path for call in alive.calls] == ["/m"]
    (letter,) = [letter for letter in local_site.take() if letter.n == "m"]
    assert letter.headers["ebats-reason"] == "expired"


@pytest.mark.slow
def test_more_requests_than_a_host_may_have_go_in_turns(local_site: Site) -> None:
    http = {"from": "payload", "allow_hosts": ["127.0.0.1"], "max_per_host": 4}
    local_site.write(tasks={"call": {"http": http}}, events={"happened": {"tasks": ["call"]}})
    local_site.declare()
    with Merchant() as merchant:
        paths = [f"/{number}" for number in range(11)]
        local_site.send(["m"], requests=[{"url": merchant.url(path)} for path in paths])
        local_site.run("--fail-on-dead")
        assert sorted(call.path for call in merchant.calls) == sorted(paths)
        assert merchant.most_in_hand <= 4
    (record,) = local_site.records()
    assert (record["outcome"], record["attempt"]) == ("success", 1)
