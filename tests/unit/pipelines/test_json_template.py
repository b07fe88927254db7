"""JSON with templates in it."""

from typing import Any

import pytest

from ebats.pipelines.json_template import compile_json
from ebats.pipelines.template import Unfilled

PAYLOAD = {"id": 7, "name": "x", "lines": [{"n": 1.5}, None], "none": None, "yes": True, "big": 10**30}


@pytest.mark.parametrize(
    ("template", "filled"),
    [
        ("{{ id }}", 7),
        ("{{id}}", 7),
        ("no. {{ id }}", "no. 7"),
        ("{{ id }} ", "7 "),
        ("{{ lines }}", [{"n": 1.5}, None]),
        ("{{ lines.0.n }}", 1.5),
        ("{{ lines.1 }}", None),
        ("{{ none }}", None),
        ("{{ yes }} {{ big }}", f"true {10**30}"),
        (
            {"a": ["{{ id }}", {"b": "{{ name }}"}], "c": 1, "d": None},
            {"a": [7, {"b": "x"}], "c": 1, "d": None},
        ),
        ([], []),
        ("plain", "plain"),
        (False, False),
    ],
)
def test_a_field_alone_keeps_its_type_and_is_written_inside_a_text(template: Any, filled: Any) -> None:
    assert compile_json(template)(PAYLOAD) == filled
    assert type(compile_json(template)(PAYLOAD)) is type(filled)


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("{{ other }}", "the payload has no {{ other }}"),
        ({"a": ["{{ lines.5.n }}"]}, "the payload has no {{ lines.5.n }}"),
        ("no. {{ none }}", "{{ none }} is null"),
        ("no. {{ lines }}", "{{ lines }} is a list"),
        ("no. {{ lines.0 }}", "{{ lines.0 }} is a mapping"),
    ],
)
def test_a_missing_field_is_told_by_its_name(template: Any, why: str) -> None:
    with pytest.raises(Unfilled) as caught:
        compile_json(template)(PAYLOAD)
    assert why in str(caught.value)


@pytest.mark.parametrize("template", ["{{ id", [{"a": "{{ a b }}"}], {"{{ id }}": 1}])
def test_what_is_no_template_is_refused(template: Any) -> None:
    with pytest.raises(ValueError, match=r"field|template"):
        compile_json(template)
