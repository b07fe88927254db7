"""What became of several requests, and what that means for their message."""

from typing import Any

import pytest

from ebats.runner.callbacks.sent import Sent, result_of
from ebats.runner.callbacks.success import Answer
from ebats.runner.execution.outcome import Failed, Postponed, Returned


def answer(status: int, body: bytes = b"", content_type: str = "text/plain") -> Answer:
    return Answer(
        status=status,
        reason="",
        content_type=content_type,
        retry_after=None,
        body=body,
        is_cut=False,
        seconds=0.1,
    )


def sent(outcome: Any, text: str = "", **more: Any) -> Sent:
    return Sent("POST", f"https://a.example/{outcome}", outcome, text, **more)


OK = sent("success", answer=answer(200, b"fine"))
BEFORE = sent("earlier")
BAD = sent("failed", "500", answer=answer(500, b"oops"), wait_ms=7_000)
GONE = sent("final", "410", answer=answer(410))
REFUSED = sent("refused", "a private address")
LATE = sent("late", "no answer in time")
FULL = sent("waiting", "its host is full", wait_ms=1_000)
DOWN = sent("waiting", "its host is down", wait_ms=10_000, is_down=True)


def failed(*requests: Sent, **more: Any) -> Failed:
    result = result_of(requests, now=60.0, is_list=True, **more)
    assert isinstance(result, Failed), result
    return result


def test_all_that_succeeded_now_or_before_is_success() -> None:
    result = result_of([OK, BEFORE], now=60.0, is_list=True)
    assert isinstance(result, Returned)
    assert result.value == [{"status": 200, "body": "fine"}, None]
    assert [note.outcome for note in result.requests] == ["success", "skipped"]
    alone = result_of([OK], now=60.0)
    assert isinstance(alone, Returned)
    assert alone.value == {"status": 200, "body": "fine"}


@pytest.mark.parametrize(
    ("requests", "how"),
    [
        ([OK, BAD], "http"),
        ([BAD, GONE], "final"),
        ([GONE, REFUSED], "refused"),
        ([LATE, BAD], "http"),
        ([OK, LATE], "timeout"),
        ([BAD, FULL], "http"),
        ([FULL, GONE], "final"),
    ],
)
def test_the_worst_of_them_decides(requests: list[Sent], how: str) -> None:
    assert failed(*requests).how == how


def test_a_failure_knows_what_is_done_and_names_what_is_not() -> None:
    result = failed(OK, BAD, BEFORE, LATE, most_attempts=4)
    assert (result.done, result.at_least_ms, result.most_attempts) == ((1, 3), 7_000, 4)
    assert result.text == (
        "request 2 (POST https://a.example/failed): 500; "
        "request 4 (POST https://a.example/late): no answer in time"
    )
    assert [note.status for note in result.requests] == [200, 500, None, None]
    assert failed(BAD).text == "POST https://a.example/failed: 500"


def test_what_only_waits_is_postponed_by_the_shortest_wait() -> None:
    result = result_of([OK, DOWN, FULL], now=60.0, is_list=True, since=50.0)
    assert isinstance(result, Postponed)
    assert (result.wait_ms, result.why, result.done, result.since) == (1_000, "its host is full", (1,), 50.0)


@pytest.mark.parametrize(
    ("content_type", "body", "value"),
    [
        ("application/json", b'{"a": 1}', {"a": 1}),
        ("application/problem+json; charset=utf-8", b"[1]", [1]),
        ("text/html", b"[1]", "[1]"),
        ("application/json", b"{broken", "{broken"),
        ("", b"", ""),
    ],
)
def test_an_answer_is_handed_on_as_json_where_it_is_that(
    content_type: str, body: bytes, value: object
) -> None:
    result = result_of([sent("success", answer=answer(200, body, content_type))], now=60.0)
    assert isinstance(result, Returned)
    assert result.value == {"status": 200, "body": value}


def test_a_record_holds_the_beginning_of_an_answer() -> None:
    (note,) = failed(sent("failed", "x" * 5_000, answer=answer(500, b"y" * 60_000))).requests
    assert note.body is not None
    assert note.text is not None
    assert len(note.body) <= 1_000
    assert len(note.text) <= 1_000
