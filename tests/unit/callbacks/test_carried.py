import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebats.pipelines.pointer import parse, write
from ebats.runner.callbacks.carried import BadMessage, Carried, CarriedRequest, read

URL = "https://a.example.com/notify"


def one(options: Any = None, **more: Any) -> CarriedRequest:
    request = {"url": URL, **more} | ({} if options is None else {"options": options})
    (found,) = read({"requests": [request]}).requests
    return found


def problem(message: Any, pointer: str = "") -> str:
    with pytest.raises(BadMessage) as caught:
        read(message, parse(pointer))
    return str(caught.value)


def problem_of(options: Any) -> str:
    return problem({"requests": [{"url": URL, "options": options}]})


def test_all_but_the_url_may_be_left_out() -> None:
    assert read({"requests": [{"url": URL}], "topic": "orders"}) == Carried(
        requests=(CarriedRequest(method="GET", url=URL, headers={}, body=None, timeout_s=None),)
    )


def test_a_message_as_existing_publishers_send_it() -> None:
    """The sample of the design, with a URL: what isn't meant is there, and empty."""
    message = {
        "requests": [
            {
                "method": "post",
                "url": URL,
                "options": {
                    "headers": {"X-Shop": "7"},
                    "query": {"order": 9, "tags": ["a b", "&"], "paid": True},
                    "json": {"order": "ü"},
                    "body": "",
                    "form_params": {},
                    "timeout": 30,
                },
            }
        ],
        "control": {"retryTimes": 3, "retryCode": [502, 503], "successCode": [200]},
    }
    assert read(message) == Carried(
        requests=(
            CarriedRequest(
                method="POST",
                url=f"{URL}?order=9&tags=a+b&tags=%26&paid=true",
                headers={"X-Shop": "7", "Content-Type": "application/json"},
                body='{"order":"ü"}'.encode(),
                timeout_s=30.0,
            ),
        ),
        most_attempts=4,
        retry_codes=frozenset({502, 503}),
        success_codes=frozenset({200}),
    )


def test_the_requests_may_lie_deeper() -> None:
    payload = {"a/b": [{"callback": {"requests": [{"url": URL}]}}]}
    assert read(payload, parse("/a~1b/0/callback")).requests[0].url == URL
    assert problem(payload, "/a~1b/1") == "the payload has no /a~1b/1"
    assert problem({"callback": {"requests": []}}, "/callback").startswith("/callback/requests has to be")


@pytest.mark.parametrize(
    ("options", "content_type", "body"),
    [
        ({"json": {}}, "application/json", b"{}"),
        ({"json": [1]}, "application/json", b"[1]"),
        ({"json": False}, "application/json", b"false"),
        (
            {"form_params": {"a": "1 2", "b": [1, 2.5]}},
            "application/x-www-form-urlencoded",
            b"a=1+2&b=1&b=2.5",
        ),
        ({"form_params": []}, "application/x-www-form-urlencoded", b""),
        ({"body": "ü"}, None, "ü".encode()),
        ({"json": {}, "body": "", "form_params": {}}, None, None),
        ({"json": None, "body": "x"}, None, b"x"),
    ],
)
def test_bodies(options: Any, content_type: str | None, body: bytes | None) -> None:
    found = one(options)
    assert (found.headers.get("Content-Type"), found.body) == (content_type, body)


def test_a_content_type_of_its_own_stays() -> None:
    found = one({"json": 1, "headers": {"content-type": "text/json"}})
    assert found.headers == {"content-type": "text/json"}


def test_several_values_of_a_header_are_one_with_commas() -> None:
    assert one({"headers": {"Accept": ["text/html", "text/plain"], "X": 1}}).headers == {
        "Accept": "text/html, text/plain",
        "X": "1",
    }


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://a.b/", "http://a.b/?x=1"),
        ("http://a.b/?", "http://a.b/?x=1"),
        ("http://a.b/?y=%2B&", "http://a.b/?y=%2B&x=1"),
        ("http://a.b/?y=%2B", "http://a.b/?y=%2B&x=1"),
        ("http://a.b/#f?", "http://a.b/?x=1#f?"),
    ],
)
def test_a_query_is_added_to_that_of_the_url(url: str, expected: str) -> None:
    assert one({"query": {"x": 1}}, url=url).url == expected


def test_no_time_out_of_its_own_leaves_the_tasks() -> None:
    assert [one({"timeout": of}).timeout_s for of in (None, 0, 0.5)] == [None, None, 0.5]
    assert one({"timeout": 10**400}).timeout_s == 86_400


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (None, "the payload has to be a map with `requests`, and is nothing"),
        ("x", "the payload has to be a map with `requests`, and is a text"),
        ({}, "/requests has to be a list of requests, and is missing"),
        ({"requests": []}, "/requests has to be a list of requests, and is empty"),
        ({"requests": {}}, "/requests has to be a list of requests, and is a map"),
        ({"requests": [{"url": URL}] * 101}, "/requests has 101 requests: 100 is the most of a message"),
        ({"requests": [URL]}, "/requests/0 has to be a map, and is a text"),
        ({"requests": [{}]}, "/requests/0/url has to be a text, and is missing"),
        ({"requests": [{"url": 7}]}, "/requests/0/url has to be a text, and is a number"),
        (
            {"requests": [{"url": "a.b/c"}]},
            "/requests/0/url is no URL: it begins with http:// or https:// and a host",
        ),
        (
            {"requests": [{"methods": "GET", "url": URL}]},
            "/requests/0/methods isn't known: did you mean `method`?",
        ),
        (
            {"requests": [{"url": URL, "method": "GET /"}]},
            "/requests/0/method has to be a method such as POST, and is 'GET /'",
        ),
        ({"requests": [{"url": URL}], "control": 3}, "/control has to be a map, and is a number"),
        (
            {"requests": [{"url": URL}], "control": {"retryTime": 3}},
            "/control/retryTime isn't known: did you mean `retryTimes`?",
        ),
        (
            {"requests": [{"url": URL}], "control": {"retryTimes": -1}},
            "/control/retryTimes has to be a whole number from 0, and is -1",
        ),
        (
            {"requests": [{"url": URL}], "control": {"retryCode": 502}},
            "/control/retryCode has to be a list of status codes, and is a number",
        ),
        (
            {"requests": [{"url": URL}], "control": {"successCode": ["200"]}},
            "/control/successCode has to hold status codes such as 502, and holds '200'",
        ),
    ],
)
def test_what_is_wrong_with_a_message(message: Any, expected: str) -> None:
    assert problem(message) == expected


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("x", " has to be a map, and is a text"),
        ({"verify": False}, "/verify isn't known: there are `headers`, `query`, `json`, `body`"),
        ({"jsn": {}}, "/jsn isn't known: did you mean `json`?"),
        ({"headers": "x"}, "/headers has to be a map, and is a text"),
        ({"headers": {"X": {}}}, "/headers/X has to be a text or a number, or a list of those, and is a map"),
        ({"headers": {"X": "a\r\nY: b"}}, "/headers/X may hold no line end and no other control character"),
        ({"headers": {"X": "a\x00"}}, "/headers/X may hold no line end and no other control character"),
        ({"headers": {"X:": "a"}}, "/headers/X: is no name of a header"),
        ({"headers": {"HOST": "internal"}}, "/headers/HOST can't be set by a message"),
        ({"headers": {"Content-Length": 3}}, "/headers/Content-Length can't be set by a message"),
        ({"query": {"a": None}}, "/query/a has to be a text or a number, or a list of those, and is nothing"),
        ({"body": {"a": 1}}, "/body has to be a text, and is a map"),
        ({"form_params": "a=1"}, "/form_params has to be a map, and is a text"),
        ({"json": {"a": 1}, "body": "x"}, " has more than one body: json, body"),
        ({"timeout": "30"}, "/timeout has to be a number of seconds, and is '30'"),
        ({"timeout": True}, "/timeout has to be a number of seconds, and is True"),
        ({"timeout": -1}, "/timeout has to be a number of seconds, and is -1"),
    ],
)
def test_what_is_wrong_with_options(options: Any, expected: str) -> None:
    assert problem_of(options).startswith(f"/requests/0/options{expected}")


def test_all_that_is_wrong_is_said_at_once_up_to_a_number() -> None:
    message = {"requests": [{"url": 7, "options": []}, {"url": URL, "options": "x"}], "control": "x"}
    assert problem(message).split("; ") == [
        "/control has to be a map, and is a text",
        "/requests/0/url has to be a text, and is a number",
        "/requests/1/options has to be a map, and is a text",
    ]
    assert problem({"requests": [7] * 99}).endswith("; and 79 more")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def some(*names: str) -> Any:
    return st.fixed_dictionaries({}, optional=dict.fromkeys(names, JSON))


OPTIONS = some("headers", "query", "json", "body", "form_params", "timeout")
REQUEST = st.fixed_dictionaries({}, optional={"url": JSON | st.just(URL), "method": JSON, "options": OPTIONS})
MESSAGE = st.fixed_dictionaries(
    {"requests": JSON | st.lists(REQUEST, min_size=1, max_size=3)},
    optional={"control": some("retryTimes", "retryCode", "successCode")},
)


@given(JSON | MESSAGE)
def test_any_payload_is_requests_or_refused(payload: Any) -> None:
    try:
        carried = read(payload)
    except BadMessage:
        return
    assert carried.requests
    for request in carried.requests:
        assert not any("\r" in text or "\n" in text for pair in request.headers.items() for text in pair)


@given(st.lists(st.text()))
def test_a_pointer_is_read_as_it_is_written(steps: list[str]) -> None:
    assert parse(write(steps)) == tuple(steps)


def test_a_json_body_keeps_its_keys_in_order_and_its_text_readable() -> None:
    body = one({"json": {"b": "订单", "a": [1, 2.5, None]}}).body
    assert body == '{"b":"订单","a":[1,2.5,null]}'.encode()
    assert json.loads(body or b"") == {"b": "订单", "a": [1, 2.5, None]}
