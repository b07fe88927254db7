"""Callbacks in documents: the request that decided in front, all of them behind, nothing secret in a URL."""

from typing import Any

import pytest

from ebats.runner.execution.record import RequestNote
from tests.documents import document
from tests.records import execution


def request(**changes: Any) -> RequestNote:
    values: dict[str, Any] = {"method": "POST", "url": "https://a.example/x", "outcome": "success"}
    return RequestNote(**values | changes)


def test_a_callback_of_one_request_is_found_by_its_url_and_status() -> None:
    found = document(
        execution(
            task="tell_merchant",
            outcome="retry",
            error="BadAnswer",
            requests=[request(outcome="failed", status=502, seconds=0.25, text="502", body="bad gateway")],
        )
    )
    assert found["ebats"]["task"] == {"name": "tell_merchant", "kind": "http"}
    assert found["url"] == {"full": "https://a.example/x"}
    assert found["http"] == {"request": {"method": "POST"}, "response": {"status_code": 502}}
    assert found["error"] == {"type": "BadAnswer", "code": "502"}
    assert found["ebats"]["requests"] == [
        {
            "method": "POST",
            "url": "https://a.example/x",
            "outcome": "failed",
            "status": 502,
            "seconds": 0.25,
            "text": "502",
            "body": "bad gateway",
        }
    ]


GOOD = request(url="https://good.example/", status=200)
LAST = request(url="https://last.example/", status=201)
SILENT = request(url="https://silent.example/", outcome="failed")
BAD = request(url="https://bad.example/", outcome="failed", status=500)
REFUSED = request(url="https://refused.example/", outcome="refused")
SKIPPED = request(url="https://skipped.example/", outcome="skipped")


@pytest.mark.parametrize(
    ("outcome", "requests", "host"),
    [
        ("success", [GOOD, LAST], "last"),
        ("success", [GOOD, SKIPPED], "good"),
        ("success", [SKIPPED], "skipped"),
        ("retry", [GOOD, SILENT, BAD], "bad"),
        ("retry", [GOOD, SILENT], "silent"),
        ("dead", [BAD, REFUSED], "refused"),
        ("postponed", [GOOD, SKIPPED], "skipped"),
    ],
)
def test_of_several_requests_the_one_that_decided_stands_in_front(
    outcome: str, requests: list[RequestNote], host: str
) -> None:
    found = document(execution(outcome=outcome, requests=requests))
    assert found["url"]["full"] == f"https://{host}.example/"
    assert len(found["ebats"]["requests"]) == len(requests)


def test_urls_in_documents_have_no_userinfo_and_no_values() -> None:
    found = document(execution(requests=[request(url="https://u:p@a.example/x?card=4111#top")]))
    assert found["url"]["full"] == "https://***@a.example/x?card=***#***"
    assert found["ebats"]["requests"][0]["url"] == "https://***@a.example/x?card=***#***"
