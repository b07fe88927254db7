"""What an answer means."""

from typing import Any

import pytest

from ebats.pipelines.http_task import BodyRule, HttpTask
from ebats.runner.callbacks.success import Answer, Judge


def answer(status: int = 200, body: bytes = b"", **more: Any) -> Answer:
    given = {"reason": "", "content_type": "", "retry_after": None, "is_cut": False, "seconds": 0.1, **more}
    return Answer(status=status, body=body, **given)


def outcome(http: HttpTask, one: Answer, **more: Any) -> str:
    return Judge(http).judge(one, **more).outcome


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        *((200, "success"), (204, "success"), (299, "success"), (302, "failed"), (304, "failed")),
        *(
            (404, "failed"),
            (409, "failed"),
            (410, "final"),
            (429, "failed"),
            (500, "failed"),
            (101, "failed"),
        ),
    ],
)
def test_by_default_any_2xx_is_success_and_410_the_end(status: int, expected: str) -> None:
    assert outcome(HttpTask(), answer(status)) == expected


def test_a_file_says_which_statuses_are_what() -> None:
    http = HttpTask(success=((200, 200), (302, 304)), final=((400, 404),))
    found = [outcome(http, answer(status)) for status in (200, 201, 303, 404, 405, 410)]
    assert found == ["success", "failed", "success", "final", "failed", "failed"]


def test_a_message_may_say_so_too() -> None:
    http = HttpTask(success=((200, 299),), final=((410, 410),))
    assert outcome(http, answer(202), success_codes={200}) == "failed"
    assert outcome(http, answer(302), success_codes={302}) == "success"
    assert outcome(http, answer(410), retry_codes={410}) == "failed"


@pytest.mark.parametrize(
    ("rule", "body", "is_success"),
    [
        ({"text": "success"}, b" success\r\n", True),
        ({"text": "success"}, b"fail", False),
        ({"text": "success"}, b"SUCCESS", False),
        ({"text": "success"}, b"success!", False),
        ({"text": "success"}, b"", False),
        ({"contains": "<ok/>"}, b"<xml><ok/></xml>", True),
        ({"contains": "<ok/>"}, b"<xml></xml>", False),
        ({"matches": "^(ok|yes)$"}, b"yes", True),
        ({"matches": "^(ok|yes)$"}, b"yes, later", False),
        ({"pointer": "/code", "equals": "0"}, b'{"code": 0, "more": 1}', True),
        ({"pointer": "/code", "equals": "0"}, b'{"code": 0.0}', True),
        ({"pointer": "/code", "equals": "0"}, b'{"code": false}', False),
        ({"pointer": "/code", "equals": "0"}, b'{"code": "0"}', False),
        ({"pointer": "/code", "equals": "0"}, b'{"error": 1}', False),
        ({"pointer": "/code", "equals": "0"}, b"<html>", False),
        ({"pointer": "/code", "equals": "0"}, b"[" * 50_000, False),
        ({"pointer": "/a/0", "equals": '[1,{"b":true}]'}, b'{"a": [[1, {"b": true}]]}', True),
        ({"pointer": "/a/0", "equals": '[1,{"b":true}]'}, b'{"a": [[1, {"b": 1}]]}', False),
        ({"pointer": "", "equals": '"ok"'}, b'"ok"', True),
        ({"pointer": "/x", "equals": "null"}, b'{"x": null}', True),
        ({"pointer": "/x", "equals": "null"}, b"{}", False),
    ],
)
def test_the_body_may_have_to_be_right_too(rule: dict[str, Any], body: bytes, is_success: bool) -> None:
    http = HttpTask(success_body=BodyRule(**rule))
    assert outcome(http, answer(body=body)) == ("success" if is_success else "failed")
    assert outcome(http, answer(500, body)) == "failed"


def test_a_body_that_is_longer_than_what_is_read_is_not_equal_to_any() -> None:
    http = HttpTask(success_body=BodyRule(text="success"))
    assert outcome(http, answer(body=b"success", is_cut=True)) == "failed"
    assert (
        outcome(HttpTask(success_body=BodyRule(contains="success")), answer(body=b"success", is_cut=True))
        == "success"
    )


def test_why_it_is_none_is_told_with_the_beginning_of_the_answer() -> None:
    http = HttpTask(success_body=BodyRule(text="success"))
    assert (
        Judge(http).judge(answer(503, b"busy", reason="Service Unavailable")).text
        == "503 Service Unavailable: busy"
    )
    text = Judge(http).judge(answer(200, b"x" * 9000, reason="OK")).text
    assert text.startswith("200 OK, but the body isn't 'success': xxx")
    assert len(text) < 300


@pytest.mark.parametrize(
    ("content_type", "body", "text"),
    [
        ("text/plain; charset=gbk", "成功".encode("gbk"), "成功"),
        ('text/plain; charset="ISO-8859-1"', b"\xe9", "é"),
        ("text/plain", "成功".encode(), "成功"),
        ("text/plain; charset=utf-8", b"\xff", "\ufffd"),
        # Python knows them, and they are no encodings of texts, or take very long.
        ("text/plain; charset=punycode", b"a" * 60_000, "a" * 60_000),
        ("text/plain; charset=unicode_escape", b"\\x41", "\\x41"),
        ("text/plain; charset=hex", b"41", "41"),
        ("text/plain; charset=nonsense", b"a", "a"),
    ],
)
def test_an_answer_is_read_in_its_encoding(content_type: str, body: bytes, text: str) -> None:
    assert answer(content_type=content_type, body=body).text == text
