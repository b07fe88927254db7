"""URLs with templates: which host is trusted, and no value leaves its place."""

from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebats.pipelines.template import Unfilled
from ebats.pipelines.url_template import parse_url

ANY = st.characters(exclude_categories=["Cs"])


@pytest.mark.parametrize(
    "url",
    [
        "https://api.example.com",
        "https://api.example.com/",
        "https://api.example.com/{{ path }}",
        "http://api.example.com:8080/{{ path }}",
        "https://user:secret@api.example.com/{{ a }}",
        "https://api.example.com?order={{ id }}",
        "HTTPS://[::1]:80/{{ a }}/{{ b }}",
    ],
)
def test_a_host_that_is_written_out_up_to_its_end_is_trusted(url: str) -> None:
    assert parse_url(url).is_trusted


@pytest.mark.parametrize(
    "url",
    [
        "{{ url }}",
        "{{ base }}/orders/{{ id }}",
        "https://{{ host }}/orders",
        "https://{{ tenant }}.example.com/",
        # ".evil.com", "@evil.com" and ":80@evil.com" would make another host of it.
        "https://api.example.com{{ path }}",
        "https://api.example.com:{{ port }}/",
        "https://api.example.com:80{{ port }}/",
        "https://{{ user }}@api.example.com/",
        "https://api.example.com{{ a }}/{{ b }}",
        "{{ scheme }}://{{ host }}/{{ id }}",
    ],
)
def test_a_host_that_a_field_may_change_is_not(url: str) -> None:
    assert not parse_url(url).is_trusted


@pytest.mark.parametrize(
    ("url", "payload", "filled"),
    [
        (
            "https://a.example/{{ id }}/x",
            {"id": "a/b?c#d e&f=é"},
            "https://a.example/a%2Fb%3Fc%23d%20e%26f%3D%C3%A9/x",
        ),
        ("https://a.example/?x={{ id }}&y=1", {"id": "1&y=2"}, "https://a.example/?x=1%26y%3D2&y=1"),
        ("https://a.example/{{ n }}/{{ b }}", {"n": 7, "b": True}, "https://a.example/7/true"),
        ("{{ url }}", {"url": "https://b.example/?a=1&b=%2F"}, "https://b.example/?a=1&b=%2F"),
        (
            "{{ base }}/x/{{ id }}",
            {"base": "https://b.example/v1", "id": "a/b"},
            "https://b.example/v1/x/a%2Fb",
        ),
        ("https://{{ host }}/{{ id }}", {"host": "b.example:80", "id": "?"}, "https://b.example:80/%3F"),
        ("{{ s }}://{{ host }}/{{ id }}", {"s": "http", "host": "b:80", "id": "?"}, "http://b:80/%3F"),
        ("https://a.example/?x={{ id }}", {"id": ""}, "https://a.example/?x="),
        ("https://a.example/v{{ id }}", {"id": "1.."}, "https://a.example/v1.."),
    ],
)
def test_fields_behind_the_host_are_encoded(url: str, payload: Any, filled: str) -> None:
    assert parse_url(url).fill(payload) == filled


@pytest.mark.parametrize(
    ("url", "payload", "why"),
    [
        ("https://a.example/{{ id }}/pay", {"id": ".."}, "would be another one"),
        ("https://a.example/{{ id }}/pay", {"id": "."}, "would be another one"),
        ("https://a.example/{{ a }}{{ b }}", {"a": ".", "b": "."}, "would be another one"),
        ("https://a.example/.{{ a }}/x", {"a": "."}, "would be another one"),
        ("https://a.example/orders/{{ id }}", {"id": ""}, "{{ id }} is empty"),
        ("https://a.example/{{ order.id }}", {"order": {}}, "the payload has no {{ order.id }}"),
        ("https://a.example/{{ id }}", {"id": None}, "{{ id }} is null"),
        ("https://a.example/{{ id }}", {"id": [1]}, "{{ id }} is a list"),
        ("https://a.example/{{ id }}", [], "the payload has no {{ id }}"),
    ],
)
def test_what_would_change_the_path_or_is_missing_is_told_by_its_name(
    url: str, payload: Any, why: str
) -> None:
    with pytest.raises(Unfilled) as caught:
        parse_url(url).fill(payload)
    assert why in str(caught.value)


@given(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
    st.text(st.characters(exclude_categories=["Cs"])),
)
def test_any_value_stays_where_it_stands(part: str, query: str) -> None:
    template = parse_url("https://api.example.com/orders/{{ part }}/pay?note={{ query }}&end=1")
    try:
        url = template.fill({"part": part, "query": query})
    except Unfilled:
        assert not part.strip(".")
        return
    parts = urlsplit(url)
    assert (parts.scheme, parts.netloc, parts.fragment) == ("https", "api.example.com", "")
    assert [unquote(segment) for segment in parts.path.split("/")] == ["", "orders", part, "pay"]
    assert parts.query.startswith("note=")
    assert unquote(parts.query[5:-6]) == query


@pytest.mark.parametrize(
    "url",
    [
        *("", "example.com/x", "/x", "ftp://example.com/{{ id }}", "//example.com/", "https:/example.com"),
        *("https://", "https:///x", "https://example.com:port/", "https://example.com:99999/"),
        *("https://exam ple.com/", "https://example.com/a\nb", "https://example.com\\@evil.com/"),
        *(
            "https://example.com/#{{ id }}",
            "https://example.com/a/../b",
            "https://example.com/%2e%2E/{{ id }}",
        ),
        *("https://example.com/{{ id", "https://example.com/{{ a b }}"),
    ],
)
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_url(url)
