"""Bad input of every kind, sent to a gateway: refused with the reason, and nothing is published."""

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from tests.faults.site import Site
from tests.gateway import TOKEN, Answer, Gateway
from tests.waiting import wait_until

BEARER = {"Authorization": f"Bearer {TOKEN}"}
JSON = {**BEARER, "Content-Type": "application/json"}
NDJSON = {**BEARER, "Content-Type": "application/x-ndjson"}
ITEM = {"queue": "alone", "payload": {"n": 1}}


@pytest.fixture
def gateway(local_site: Site) -> Iterator[Gateway]:
    """A gateway with small limits, from which nothing may have been published in the end."""
    gateway = Gateway(site=local_site)
    gateway.write(
        {
            "auth": {"bearer": [TOKEN, {"name": "slow", "token": "6f1d2c7be0a94f53", "rate": 1}]},
            "max_body": "200KB",
            "max_item": "1KB",
            "header_timeout": "1s",
            "max_connections": 20,
            "depth": 16,
        }
    )
    gateway.start()
    yield gateway
    assert [gateway.site.ready(queue) for queue in ("alone", "demo", "slow", "dead")] == [0, 0, 0, 0]
    assert gateway.post("/v1/messages", [ITEM], BEARER).status == 202  # it lives


def deep(levels: int) -> bytes:
    return b'[{"queue": "alone", "payload": ' + b"[" * levels + b"1" + b"]" * levels + b"}]"


def with_payload(payload: bytes) -> bytes:
    return b'[{"queue": "alone", "payload": %b}]' % payload


BODIES = {
    "empty": (b"", "there is nothing", 0),
    "truncated": (b'[{"queue": "alone", "payl', "this isn't JSON: unterminated string starting", 20),
    "not UTF-8": (with_payload(b'"\xff\xfe"'), "this isn't UTF-8: invalid start byte", 32),
    "UTF-16": ('[{"queue"'.encode("utf-16"), "this isn't UTF-8: invalid start byte", 0),
    "byte order mark": (b"\xef\xbb\xbf[]", "a byte order mark has no place in JSON", 0),
    "NUL": (with_payload(b'"a\x00b"'), "this isn't JSON: invalid control character", 33),
    "NUL behind": (with_payload(b"1") + b"\x00", "this isn't JSON: extra data", 34),
    "lone surrogate": (with_payload(b'"\\ud800"'), "this text has half a surrogate pair", 31),
    "lone surrogate in UTF-8": (
        with_payload(b'"\xed\xa0\x80"'),
        "this isn't UTF-8: invalid continuation byte",
        32,
    ),
    "too deep": (deep(20), "it is nested more than 16 deep", 45),
    "far too deep": (deep(90_000), "it is nested more than 16 deep", 45),
    "deep and open": (b"[" * 100_000, "it is nested more than 16 deep", 16),
    "number of 5000 digits": (with_payload(b"1" * 5000), "this number is too large", 31),
    "infinite number": (with_payload(b"[1, 1e999]"), "this number is too large", 35),
    "NaN": (with_payload(b"NaN"), "NaN is no JSON", 31),
    "Infinity": (with_payload(b"-Infinity"), "-Infinity is no JSON", 31),
    "key twice": (
        b'[{"queue": "alone", "payload": 1, "queue": "demo"}]',
        'the key "queue" comes twice',
        34,
    ),
    "key twice inside": (with_payload(b'{"a": 1, "\\u0061": 2}'), 'the key "a" comes twice', 40),
    "Python": (with_payload(b"{'a': None}"), "this isn't JSON: expecting property name", 32),
    "two values": (b"[] []", "this isn't JSON: extra data", 3),
}


def test_a_body_that_is_no_strict_json_is_refused_with_its_place(gateway: Gateway) -> None:
    for name, (body, problem, offset) in BODIES.items():
        answer = gateway.post("/v1/messages", body, BEARER)
        assert (answer.status, answer.code) == (400, "bad_json"), (name, answer)
        error = answer.json["error"]
        assert error["message"].startswith(problem), (name, error)
        assert error["offset"] == offset, (name, error)


def test_a_payload_that_is_no_strict_json_is_refused_too(gateway: Gateway) -> None:
    for path in ("/v1/events/happened", "/v1/tasks/alone"):
        for body in (b"", b"{", b"\xff", b"NaN", b'{"a": 1, "a": 2}', b"[" * 50_000, b"1" * 5000):
            answer = gateway.post(path, body, BEARER)
            assert (answer.status, answer.code) == (400, "bad_json"), (path, body[:20], answer)


def test_a_bad_line_of_ndjson_is_named(gateway: Gateway) -> None:
    line = json.dumps(ITEM).encode()
    answer = gateway.post(
        "/v1/messages", line + b"\n" + line + b'\n{"queue": "alone", "payload": NaN}', NDJSON
    )
    error = answer.json["error"]
    assert (answer.status, error["line"], error["column"]) == (400, 3, 31)
    assert error["offset"] == 2 * len(line) + 2 + 30
    # An array on several lines is no NDJSON, and the other way round.
    assert gateway.post("/v1/messages", b"[\n]", NDJSON).status == 400
    assert gateway.post("/v1/messages", line + b"\n" + line, BEARER).status == 400


ITEMS: dict[str, tuple[Any, str]] = {
    "a text": ("hello", "an item is an object"),
    "null": (None, "an item is an object"),
    "an array": ([ITEM], "an item is an object"),
    "unknown key": ({**ITEM, "que": 1}, "an item has no `que`"),
    "no payload": ({"queue": "alone"}, "the item has no `payload`"),
    "nowhere": ({"payload": 1}, "the item has no `exchange`, `queue`, `event` or `task`"),
    "unknown queue": ({**ITEM, "queue": "alona"}, "there is no queue 'alona'; did you mean `alone`?"),
    "of the broker": ({**ITEM, "queue": "amq.gen-1"}, "there is no queue 'amq.gen-1'"),
    "by its broker name": ({**ITEM, "queue": "site.alone"}, "there is no queue 'site.alone'"),
    "the dead letters": ({**ITEM, "queue": "dead"}, "there is no queue 'dead'"),
    "with a line break": ({**ITEM, "queue": "alone\n"}, "there is no queue 'alone\\n'"),
    "with NUL": ({**ITEM, "queue": "alone\0"}, "there is no queue 'alone\\x00'"),
    "a number": ({**ITEM, "queue": 5}, "`queue` is a text"),
    "unknown exchange": ({"exchange": "amq.topic", "route": "x", "payload": 1}, "there is no exchange"),
    "default exchange": ({"exchange": "", "route": "site.alone", "payload": 1}, "the item has no"),
    "no route": ({"exchange": "orders", "payload": 1}, "the item has no `route`"),
    "long route": ({"exchange": "orders", "route": "ä" * 128, "payload": 1}, "a route has 255 bytes at most"),
    "route with NUL": ({"exchange": "orders", "route": "a\0.GO", "payload": 1}, "a route has 255 bytes"),
    "unbound": ({"exchange": "orders", "route": "a.GO", "queue": "demo", "payload": 1}, "no event binds"),
    "unknown event": ({"event": "happend", "payload": 1}, "there is no event 'happend'"),
    "unknown task": ({"task": "os.system", "payload": 1}, "there is no task 'os.system'"),
    "too large": ({**ITEM, "payload": "x" * 2000}, "the body has 2,002 bytes"),
    "long id": ({**ITEM, "id": "x" * 256}, "a message id has 1 to 255 bytes"),
    "id of a number": ({**ITEM, "id": 7}, "`id` is a text"),
    "delay without unit": ({**ITEM, "delay": "10"}, "'10' is no duration"),
    "negative delay": ({**ITEM, "delay": -1}, "`delay` is between 0 and"),
    "endless delay": ({**ITEM, "delay": "999999999d"}, "`delay` is between 0 and"),
    "headers of ours": ({**ITEM, "headers": {"ebats-task": "other"}}, "the header 'ebats-task' is not for"),
    "headers of the broker": ({**ITEM, "headers": {"x-death": []}}, "the header 'x-death' is not for"),
    "large headers": ({**ITEM, "headers": {"a": "x" * 70_000}}, "the headers have"),
    "headers of a text": ({**ITEM, "headers": "a: b"}, "`headers` is an object"),
    "raw without text": ({**ITEM, "raw": True}, "the payload has to be a text"),
    "raw that is no JSON": ({**ITEM, "payload": "{", "raw": True}, "the payload, as it stands"),
}


def test_every_bad_item_is_listed_with_its_reason(gateway: Gateway) -> None:
    answer = gateway.post("/v1/messages", [ITEM, *(item for item, _ in ITEMS.values()), ITEM], BEARER)
    assert (answer.status, answer.code) == (422, "invalid")
    assert sorted(answer.reasons) == list(range(1, len(ITEMS) + 1))
    wrong = {
        name: answer.reasons[index]
        for index, (name, (_, reason)) in enumerate(ITEMS.items(), 1)
        if not answer.reasons[index].startswith(reason)
    }
    assert not wrong


def test_what_kombu_would_decode_stays_what_it_is(gateway: Gateway) -> None:
    bodies = [{"__type__": "nope", "__value__": 1}, {"__type__": "uuid", "__value__": {"hex": "0" * 32}}]
    answer = gateway.post("/v1/messages", [{"queue": "alone", "payload": body} for body in bodies], BEARER)
    assert len(answer.ids) == 2
    assert [json.loads(letter.body) for letter in gateway.site.take("alone")] == bodies


def test_no_items_and_things_that_are_none(gateway: Gateway) -> None:
    for value in ([], {}, {"queue": "alone", "payload": 1}, "hello", 5, None):
        answer = gateway.post("/v1/messages", value, BEARER)
        assert (answer.status, answer.code) == (422, "invalid"), value
    assert gateway.post("/v1/messages", b"\n\n", NDJSON).status == 422
    many = b"[" + b",".join([b"0"] * 10_001) + b"]"
    assert gateway.post("/v1/messages", many, BEARER).status == 413


def test_large_bodies_are_refused_before_they_are_read(gateway: Gateway) -> None:
    head = f"POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n"
    head += "Content-Type: application/json\r\n"
    # More than is sent, so that nobody who wants to read it all first can answer.
    assert raw(gateway, f"{head}Content-Length: 900000000\r\n\r\n[".encode())[0] == 413
    chunk = b"186a0\r\n" + b" " * 100_000 + b"\r\n"
    assert raw(gateway, f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + chunk * 3)[0] == 413
    assert gateway.post("/v1/messages", b" " * 200_001, BEARER).status == 413


def test_other_methods_types_and_encodings_are_refused(gateway: Gateway) -> None:
    body = json.dumps([ITEM]).encode()
    for method in ("GET", "PUT", "DELETE", "PATCH", "OPTIONS"):
        answer = gateway.ask(method, "/v1/messages", body, JSON)
        assert (answer.status, answer.headers["allow"]) == (405, "POST")
    # As a page of somebody else's can make a browser send them, and others.
    kinds = ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "text/json")
    for kind in (*kinds, "application/json; charset=latin-1", "application/x-python-serialize"):
        assert gateway.post("/v1/messages", body, {**BEARER, "Content-Type": kind}).status == 415, kind
    for encoding in ("gzip", "deflate", "br", "zstd", "gzip, gzip"):
        answer = gateway.post("/v1/messages", body, {**BEARER, "Content-Encoding": encoding})
        assert answer.status == 415, encoding
    for path in ("/v2/messages", "/v1/messages/", "/v1/events/", "/v1/events/nope", "/../etc/passwd", "/v1"):
        assert gateway.post(path, body, BEARER).status == 404, path
    assert gateway.post("/v1/messages", body, {**BEARER, "Host": "evil.example"}).status == 421


def test_strangers_all_get_the_same_answer(gateway: Gateway) -> None:
    tokens = ({}, {"Authorization": "Bearer x"}, {"Authorization": f"Basic {TOKEN}"}, {"X-Token": TOKEN})
    answers: list[Answer] = []
    for path in ("/v1/messages", "/v1/events/nope", "/v1/tasks/alone", "/"):
        answers += [gateway.post(path, [ITEM], headers) for headers in tokens]
    answers += [gateway.get(path) for path in ("/v1/status", "/openapi.json")]
    assert {(each.status, each.body, each.headers["www-authenticate"]) for each in answers} == {
        (401, answers[0].body, 'Bearer realm="ebats"')
    }
    assert [gateway.get(path).status for path in ("/healthz", "/readyz")] == [200, 200]


def test_more_requests_than_a_token_may_make_are_told_when_to_come_again(gateway: Gateway) -> None:
    def ask() -> Answer:
        return gateway.post("/v1/messages", [], {"Authorization": "Bearer 6f1d2c7be0a94f53"})

    answers: list[Answer] = []

    def is_late() -> bool:
        answers.append(ask())
        return answers[-1].status == 429

    wait_until(is_late, 20, every_s=0)
    late = answers[-1]
    assert (late.code, late.headers["retry-after"]) == ("too_many_requests", "1")
    wait_until(lambda: ask().status == 422, 10)


@pytest.mark.slow
def test_slow_senders_are_given_up_and_the_others_served(gateway: Gateway) -> None:
    head = f"POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n"
    slow = [b"", b"POST /v1", head.encode(), f"{head}Content-Type: application/json\r\n".encode()]
    full = f"{head}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n[".encode()
    sockets = [open_socket(gateway, sent) for sent in [*slow, full] * 3]
    try:
        assert gateway.post("/v1/messages", [], BEARER).status == 422
        assert [answer_of(each) for each in sockets] == [408] * len(sockets)
    finally:
        for each in sockets:
            each.close()


def test_connections_without_number_are_refused(gateway: Gateway) -> None:
    sockets = [open_socket(gateway, b"") for _ in range(25)]
    try:
        statuses = sorted(answer_of(each) for each in sockets)
        # The first wait for a request that doesn't come; the others are too many.
        assert statuses == [408] * 20 + [503] * 5
    finally:
        for each in sockets:
            each.close()


def test_what_is_no_http_is_answered_and_closed(gateway: Gateway) -> None:
    tls = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 300
    twice = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n[]"
    for sent in (
        b"hello\r\n\r\n",
        tls,
        twice,
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 20_000 + b"\r\n\r\n",
    ):
        status, document = raw(gateway, sent)
        assert (status, document["error"]["code"]) == (400, "bad_request"), sent[:40]


def open_socket(gateway: Gateway, sent: bytes) -> socket.socket:
    """Open a connection and send something."""
    opened = socket.create_connection(("127.0.0.1", gateway.port), 60)
    opened.sendall(sent)
    return opened


def answer_of(opened: socket.socket) -> int:
    """Read the status of an answer, and the rest until the other side closes."""
    return int(read_all(opened).split()[1])


def raw(gateway: Gateway, sent: bytes) -> tuple[int, Any]:
    """Send bytes as they are; return status and document of the answer."""
    with open_socket(gateway, sent) as opened:
        head, _, body = read_all(opened).partition(b"\r\n\r\n")
        return int(head.split()[1]), json.loads(body)


def read_all(opened: socket.socket) -> bytes:
    """Read until the other side closes."""
    found = b""
    try:
        while part := opened.recv(65_536):
            found += part
    except ConnectionResetError:  # it doesn't want the rest of what was sent
        pass
    return found
