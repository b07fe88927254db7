"""The test's own reading of the Kibana Query Language, since other tests believe it."""

from typing import Any

import pytest

from tests import kql


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("", {"match_all": {}}),
        ("a.b: c-d", {"match": {"a.b": "c-d"}}),
        ('a: "c d"', {"match_phrase": {"a": "c d"}}),
        (r'a: "c \"d\""', {"match_phrase": {"a": 'c "d"'}}),
        ("a: *", {"exists": {"field": "a"}}),
        ("a: http\\://x*", {"query_string": {"fields": ["a"], "query": r"http\:\/\/x*"}}),
        ("a >= 3", {"range": {"a": {"gte": "3"}}}),
        ('@timestamp < "now-1d"', {"range": {"@timestamp": {"lt": "now-1d"}}}),
        ("not a: 1", {"bool": {"must_not": {"match": {"a": "1"}}}}),
        ("a: 1 and b: 2", {"bool": {"filter": [{"match": {"a": "1"}}, {"match": {"b": "2"}}]}}),
        (
            "a: (1 or 2)",
            {"bool": {"should": [{"match": {"a": "1"}}, {"match": {"a": "2"}}], "minimum_should_match": 1}},
        ),
        ("FB138", {"multi_match": {"type": "best_fields", "query": "FB138", "lenient": True}}),
        (
            'labels.*: "FB138"',
            {"multi_match": {"type": "phrase", "fields": ["labels.*"], "query": "FB138", "lenient": True}},
        ),
    ],
)  # fmt: skip
def test_a_query_is_what_kibana_would_send(text: str, query: dict[str, Any]) -> None:
    assert kql.to_query(text) == query


def test_and_binds_more_than_or() -> None:
    found = kql.to_query("a: 1 or b: 2 and not (c: 3 or d: 4)")
    first, second = found["bool"]["should"]
    assert first == {"match": {"a": "1"}}
    assert second["bool"]["filter"][0] == {"match": {"b": "2"}}
    assert len(second["bool"]["filter"][1]["bool"]["must_not"]["bool"]["should"]) == 2


@pytest.mark.parametrize("text", ["a:", "a: (1 or", "and b: 1", "a: 1 b: 2", "a: 1)", "(a: 1", "a: {", "a <"])
def test_what_is_no_query_is_refused(text: str) -> None:
    with pytest.raises(kql.BadQuery):
        kql.to_query(text)


def test_fields_are_what_stands_before_an_operator() -> None:
    assert kql.fields('a.b: "x: y" and (c >= 3 or not d: (e or f)) and g') == {"a.b", "c", "d"}
