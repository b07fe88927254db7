"""The searches of docs/kibana.md on a real Elasticsearch that a real run filled find what was put in."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ebats.runner.kibana.objects import saved_objects
from ebats.runner.kibana.shapes import ndjson
from tests import kql
from tests.integration.kibana.run import MESSAGE_ID, NAME, Filled

Record = dict[str, Any]
PAGE = (Path(__file__).parents[3] / "docs" / "kibana.md").read_text("utf-8")
SEARCHES = [
    line for block in re.findall(r"^```kql\n(.*?)^```", PAGE, re.M | re.S) for line in block.splitlines()
]
ORDER = {"order": "FB138"}


def is_fb138(record: Record) -> bool:
    return bool(record.get("labels") == ORDER)


def is_slow(record: Record) -> bool:
    return bool(record.get("run_s", 0) >= 0.5)


def statuses(record: Record) -> list[int]:
    return [one["status"] for one in record.get("requests", ()) if "status" in one]


def text(record: Record, words: str) -> bool:
    return words in record.get("text", "")


#: What each has to find: the records of the file sink of the same run that this is true for.
EXPECTED: dict[str, Callable[[Record], bool]] = {
    'labels.order: "FB138"': is_fb138,
    'labels.*: "FB138"': is_fb138,
    'ebats.payload.order_id: "FB138"': is_fb138,
    f'messaging.message.id: "{MESSAGE_ID}"': lambda one: one.get("id") == MESSAGE_ID,
    "ebats.task.name: ship and ebats.outcome: retry": lambda one: (
        (one.get("task"), one.get("outcome")) == ("ship", "retry")
    ),
    "ebats.task.name: ship and ebats.outcome: retry and ebats.attempt >= 2": lambda one: (
        (one.get("task"), one.get("outcome")) == ("ship", "retry") and one.get("attempt", 0) >= 2
    ),
    "ebats.outcome: success and ebats.attempt > 1": lambda one: (
        one.get("outcome") == "success" and one.get("attempt", 0) > 1
    ),
    'ebats.outcome: dead and @timestamp >= "now-1d/d"': lambda one: one.get("outcome") == "dead",
    "ebats.outcome: dead and ebats.reason: (exhausted or timeout)": lambda one: (
        one.get("reason") in {"exhausted", "timeout"}
    ),
    "ebats.outcome: dead and not ebats.reason: (exhausted or timeout)": lambda one: (
        one.get("outcome") == "dead" and one.get("reason") not in {"exhausted", "timeout"}
    ),
    "event.duration >= 500000000": is_slow,
    'ebats.task.name: report and event.duration >= 500000000 and @timestamp >= "now-3h"': lambda one: (
        one.get("task") == "report" and is_slow(one)
    ),
    "ebats.wait_ms > 1000": lambda one: round(one.get("wait_s", 0) * 1000) > 1000,
    "http.response.status_code >= 500": lambda one: any(each >= 500 for each in statuses(one)),
    "url.full: *globex*": lambda one: any("globex" in each["url"] for each in one.get("requests", ())),
    "ebats.requests.status: 410": lambda one: 410 in statuses(one),
    "ebats.task.kind: http and not http.response.status_code: *": lambda one: (
        one.get("task") == "call_nobody"
    ),
    'error.type: ConnectionError and error.message: "warehouse is closed"': lambda one: (
        one.get("error") == "ConnectionError" and text(one, "warehouse is closed")
    ),
    'message: "no such order"': lambda one: text(one, "no such order"),
    "not ebats.outcome: *": lambda one: one["kind"] == "log",
}


def test_the_page_and_this_test_have_the_same_searches() -> None:
    assert list(EXPECTED) == SEARCHES


@pytest.mark.slow
@pytest.mark.parametrize("search", SEARCHES)
def test_a_search_finds_what_was_put_in(search: str, filled: Filled) -> None:
    query = kql.to_query(f'service.name: "{NAME}" and ({search})')
    hits = [hit["_source"] for hit in filled.elastic.hits(query)]
    expected = filter(EXPECTED[search], (*filled.logs, *filled.records))
    found = sorted(map(_of_document, hits))
    assert found == sorted(map(_of_record, expected))
    assert found, "the run has nothing that it could find"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "outcomes"),
    [
        ("attempts", ("success", "retry", "dead")),
        ("failures", ("retry", "dead")),
        ("dead-letters", ("dead",)),
        ("slow", ("success", "retry", "dead")),
    ],
)
def test_a_discover_session_lists_what_it_says(name: str, outcomes: tuple[str, ...], filled: Filled) -> None:
    attributes = _session(filled, name)
    source = json.loads(attributes["kibanaSavedObjectMeta"]["searchSourceJSON"])
    ((field, direction),) = attributes["sort"]
    answer = filled.elastic.search(kql.to_query(source["query"]["query"]), sort=[{field: direction}])
    hits = answer["hits"]["hits"]
    records = [each for each in filled.of(*outcomes) if name != "slow" or "run_s" in each]
    assert sorted(_of_document(hit["_source"]) for hit in hits) == sorted(map(_of_record, records))
    order = [hit["sort"] for hit in hits]
    assert order == sorted(order, reverse=True)
    columns = {column for hit in hits for column in attributes["columns"] if _has(hit["_source"], column)}
    assert columns == set(attributes["columns"])


def _session(filled: Filled, name: str) -> dict[str, Any]:
    saved = map(json.loads, ndjson(saved_objects(NAME, filled.elastic.stream)).splitlines())
    (found,) = (each["attributes"] for each in saved if each["id"].endswith(f"-search-{name}"))
    return dict(found)


def _of_record(record: Record) -> tuple[str, ...]:
    who = record.get("id") or "", record.get("task") or "", str(record.get("attempt") or "")
    return record["time"], *who, record["process"]


def _of_document(document: dict[str, Any]) -> tuple[str, ...]:
    def value(*path: str) -> str:
        found: Any = document
        for key in path:
            found = (found or {}).get(key)
        return str(found or "")

    who = value("messaging", "message", "id"), value("ebats", "task", "name"), value("ebats", "attempt")
    return value("@timestamp"), *who, value("process", "name")


def _has(document: dict[str, Any], field: str) -> bool:
    found: Any = document
    for key in field.split("."):
        found = (found or {}).get(key)
    return found is not None
