"""What a Python function needs is held against what the schemas of its events promise."""

import json
from typing import Any

import pytest

from ebats.pipelines.load import from_bytes
from ebats.pipelines.parameters import check

REQUIRED = {"ship": frozenset({"order_id", "city"})}


def found(schema: Any, **event: object) -> list[tuple[str, int, str, str]]:
    """Return id, line, text and hint of what is found for `ship`, whose event has this schema."""
    text = f"""\
version: 1
name: shop
tasks: {{ship: {{python: "a:ship"}}, bill: {{http: {{url: "https://example.com"}}}}}}
events:
  order_paid: {json.dumps({"tasks": ["bill", "ship"], "schema": schema, **event})}
  order_sent: {{tasks: [ship]}}
"""
    problems = check(from_bytes("shop.yaml", text.encode(), {}).pipeline, REQUIRED)
    return [(each.rule.id, each.place.line, each.text, each.hint) for each in problems]


def test_a_parameter_that_may_be_missing_is_a_warning_at_the_task_of_the_event() -> None:
    schema = {"required": ["order_id"], "properties": {"order_id": {}, "city": {}}}
    assert found(schema) == [
        (
            "EB304",
            5,
            "`ship` needs `city`, which the schema of `order_paid` doesn't promise:"
            " a message without it is dead",
            "give the parameter a default, or add the field to `required` of the schema",
        )
    ]


def test_one_that_never_is_there_is_an_error_with_a_suggestion() -> None:
    schema = {
        "required": ["order_id"],
        "properties": {"order_id": {}, "citty": {}},
        "additionalProperties": False,
    }
    assert found(schema) == [
        (
            "EB305",
            5,
            "`ship` needs `city`, which the schema of `order_paid` rules out: each message is dead",
            "take the parameter out, or add the field to the schema; did you mean `citty`?",
        )
    ]


@pytest.mark.parametrize(
    "schema",
    [
        {"required": ["order_id", "city"]},
        {
            "allOf": [{"required": ["order_id"]}, {"$ref": "#/$defs/city"}],
            "$defs": {"city": {"required": ["city"]}},
        },
        {"$dynamicRef": "#somewhere", "$defs": {"s": {"$dynamicAnchor": "somewhere"}}},
    ],
)
def test_what_is_promised_or_hard_to_tell_is_well(schema: Any) -> None:
    assert found(schema) == []
