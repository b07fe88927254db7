"""Templates filled in from payloads."""

import pytest

from ebats.pipelines.template import parse

PAYLOAD = {"id": 7, "order": {"id": "a", "paid": True, "none": None}, "items": [{"name": "tea"}], "0": "zero"}


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("plain", "plain"),
        ("{{ id }}", "7"),
        ("{{id}}-{{ order.id }}!", "7-a!"),
        ("{{ items.0.name }}", "tea"),
        ("{{ 0 }}", "zero"),
        ("{{ order.paid }}", "true"),
        ("{{ gone }}", None),
        ("{{ order.none }}", None),
        ("{{ order }}", None),
        ("{{ items.1.name }}", None),
        ("{{ items.name }}", None),
        ("{{ id.x }}", None),
        ("a {{ id }} {{ gone }}", None),
    ],
)
def test_a_template_is_filled_in_or_none(text: str, filled: str | None) -> None:
    assert parse(text).render(PAYLOAD) == filled


@pytest.mark.parametrize("payload", [None, 5, "text", b"bytes", []])
def test_a_payload_without_fields_fills_nothing(payload: object) -> None:
    assert parse("{{ id }}").render(payload) is None
    assert parse("fixed").render(payload) == "fixed"


@pytest.mark.parametrize(
    "text", ["{{ }}", "{{ a b }}", "{{ a", "a }}", "{{ a..b }}", "{{ a|upper }}", "{{{{ a }}"]
)
def test_what_is_no_template_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is written"):
        parse(text)
