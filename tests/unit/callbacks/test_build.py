"""Requests from the file and a payload."""

from typing import Any

import pytest

from ebats.pipelines.http_task import HttpTask
from ebats.runner.callbacks.build import Builder, Message
from ebats.runner.callbacks.request import BadRequest, Request, as_url, shown

PAYLOAD = {"id": 7, "name": "Zoë & Co", "line": "a\r\nX-Evil: 1", "none": None, "list": [1], "flag": True}
OWN = {"id": "m1", "task": "tell", "event": "paid", "queue": "tell", "attempt": 2}


def build(payload: object = None, **http: Any) -> Request:
    given = PAYLOAD if payload is None else payload
    message = Message("m1", 2, given, b'{"as": "it came" }', "application/json", OWN)
    return Builder(HttpTask(**{"url": "https://api.example.com/", **http})).build(message)


def test_without_a_body_of_its_own_the_messages_goes_byte_for_byte() -> None:
    request = build()
    assert (request.method, request.url) == ("POST", "https://api.example.com/")
    assert request.body == b'{"as": "it came" }'
    assert request.headers == {"Content-Type": "application/json"}
    assert (request.id, request.attempt, request.number, request.trusted) == ("m1", 2, 1, True)


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS"])
def test_where_no_body_is_expected_the_messages_does_not_go(method: str) -> None:
    request = build(method=method)
    assert (request.body, request.headers) == (None, {})
    assert build(method=method, body="x").body == b"x"


def test_json_is_typed() -> None:
    request = build(json='{"id":"{{ id }}","text":"no. {{ id }}","more":["{{ none }}","{{ flag }}",1.5]}')
    assert request.body == b'{"id":7,"text":"no. 7","more":[null,true,1.5]}'
    assert request.headers == {"Content-Type": "application/json"}


def test_forms_and_queries_are_encoded() -> None:
    request = build(
        form={"name": "{{ name }}", "yes": True, "n": 1.5},
        query={"name": "{{ name }}", "id": "{{ id }}"},
        url="https://api.example.com/x?a=1",
    )
    assert request.body == b"name=Zo%C3%AB+%26+Co&yes=true&n=1.5"
    assert request.headers == {"Content-Type": "application/x-www-form-urlencoded"}
    assert request.url == "https://api.example.com/x?a=1&name=Zo%C3%AB%20%26%20Co&id=7"
    assert build(query={"a": "b"}).url == "https://api.example.com/?a=b"


def test_a_query_comes_before_the_fragment_of_a_url_from_the_payload() -> None:
    request = build({"to": "https://a.example/x#part?1"}, url="{{ to }}", query={"a": "b"})
    assert request.url == "https://a.example/x?a=b#part?1"
    assert build({"to": "https://a.example/x?"}, url="{{ to }}", query={"a": "b"}).url.endswith("/x?a=b")


def test_a_text_is_filled_in() -> None:
    request = build(
        body="<order>{{ id }}</order>", headers={"content-type": "text/xml", "X-Name": "{{ name }}"}
    )
    assert request.body == b"<order>7</order>"
    assert request.headers == {"content-type": "text/xml", "X-Name": "Zoë & Co"}


def test_the_messages_own_facts_have_names() -> None:
    request = build(
        headers={"Idempotency-Key": "{{ ebats.id }}", "X-Attempt": "{{ ebats.attempt }}"}, body="{{ id }}"
    )
    assert request.headers["Idempotency-Key"] == "m1"
    assert request.headers["X-Attempt"] == "2"
    assert build([], body="{{ ebats.event }}").body == b"paid"


@pytest.mark.parametrize(
    ("http", "why"),
    [
        ({"headers": {"X-Line": "{{ line }}"}}, "the header X-Line would hold a line end"),
        ({"json": '{"a":"{{ other.id }}"}'}, "the payload has no {{ other.id }}"),
        ({"query": {"a": "{{ none }}"}}, "the value of 'a' would be nothing, a list or a mapping"),
        ({"form": {"a": "{{ list }}"}}, "the value of 'a' would be nothing, a list or a mapping"),
        ({"body": "{{ none }}"}, "{{ none }} is null"),
        ({"url": "https://api.example.com/{{ nope }}"}, "the payload has no {{ nope }}"),
        ({"headers": {"X-Id": "{{ nope }}"}}, "the payload has no {{ nope }}"),
    ],
)
def test_what_cannot_be_built_says_why(http: dict[str, Any], why: str) -> None:
    with pytest.raises(BadRequest) as caught:
        build(**http)
    assert why in str(caught.value)


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("https://a.example/x?sig=a%2Fb+c%20d&x=%7E", "https://a.example/x?sig=a%2Fb+c%20d&x=%7E"),
        ("https://a.example:8443/a/../b", "https://a.example:8443/a/../b"),
        ("https://a.example/ünï code", "https://a.example/%C3%BCn%C3%AF%20code"),
        ("https://münchen.example/", "https://xn--mnchen-3ya.example/"),
    ],
)
def test_a_url_goes_as_it_stands_and_only_what_cannot_be_sent_is_encoded(text: str, sent: str) -> None:
    assert str(as_url(text)) == sent


@pytest.mark.parametrize(
    "text",
    [
        *("", "a.example/x", "/x", "ftp://a.example/", "file:///etc/passwd", "https://", "http://a:b/"),
        *("https://a.example/\r\nX: 1", "https://a.example/\x00", "javascript:alert(1)", "https://[::1/"),
    ],
)
def test_what_is_no_url_to_ask_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        as_url(text)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("https://user:secret@a.example:444/x/y?token=secret#secret", "https://a.example:444/x/y"),
        ("http://[::1]:80/x", "http://[::1]/x"),
        ("https://a.example", "https://a.example/"),
    ],
)
def test_records_show_no_userinfo_and_no_query(text: str, seen: str) -> None:
    assert shown(as_url(text)) == seen
