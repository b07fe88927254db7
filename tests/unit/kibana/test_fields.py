"""Each field that the objects for Kibana and the page name is in the index template, of a type that fits."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from ebats import schemas
from tests import kql
from tests.unit.kibana.test_saved_objects import OBJECTS, columns

#: What is not text: values can be counted, compared and sorted.
VALUES = {"keyword", "constant_keyword", "long", "integer", "double", "date", "boolean"}
NUMBERS = {"long", "integer", "double"}
#: Below these, any key is a field.
OPEN = {"labels": "keyword", "ebats.payload": "keyword"}


def leaves(properties: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, field in properties.items():
        if "properties" in field:
            yield from leaves(field["properties"], f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", field["type"]


TYPES = dict(leaves(schemas.read("logs.template")["template"]["mappings"]["properties"]))


def type_of(field: str) -> str:
    """Return what type a field has; fail where the template has no such field."""
    for name, type_ in OPEN.items():
        if field.startswith(f"{name}."):
            assert name in TYPES
            return type_
    assert field in TYPES, f"no field {field}"
    return TYPES[field]


def queries(saved: dict[str, Any]) -> Iterator[str]:
    """Yield every query that an object holds, at any depth, also in texts of JSON."""
    todo: list[Any] = [saved["attributes"]]
    while todo:
        one = todo.pop()
        if isinstance(one, dict):
            if one.get("language") == "kuery":
                yield one["query"]
            todo += [json.loads(each) if "JSON" in key else each for key, each in one.items()]
        elif isinstance(one, list):
            todo += one


@pytest.mark.parametrize("saved", [pytest.param(each, id=each["id"]) for each in OBJECTS])
def test_fields_of_queries_are_in_the_template(saved: dict[str, Any]) -> None:
    found = list(queries(saved))
    assert bool(found) is (saved["type"] != "index-pattern")
    for query in found:
        kql.to_query(query)
        for field in kql.fields(query):
            type_of(field)


@pytest.mark.parametrize(
    "saved", [pytest.param(each, id=each["id"]) for each in OBJECTS if each["type"] in {"lens", "search"}]
)
def test_all_that_is_shown_is_the_pipelines(saved: dict[str, Any]) -> None:
    outer = [query for query in queries(saved) if query.startswith('service.name: "shop" and ')]
    assert len(outer) == 1
    # An `or` at the top would let others in.
    assert set(kql.to_query(outer[0])["bool"]) == {"filter"}


@pytest.mark.parametrize(
    "lens", [pytest.param(each, id=each["id"]) for each in OBJECTS if each["type"] == "lens"]
)
def test_fields_of_columns_have_types_that_can_be_computed_with(lens: dict[str, Any]) -> None:
    for column in columns(lens).values():
        field = column.get("sourceField", "___records___")
        match column["operationType"]:
            case "date_histogram":
                assert (type_of(field), column["dataType"]) == ("date", "date")
            case "terms":
                type_ = type_of(field)
                assert column["dataType"] == ("number" if type_ in NUMBERS else "string")
                assert type_ in VALUES
            case "max" | "percentile":
                assert type_of(field) in NUMBERS
            case "count":
                assert field == "___records___"


def test_fields_of_sessions_and_of_the_data_view_are_in_the_template() -> None:
    for saved in OBJECTS:
        attributes = saved["attributes"]
        if saved["type"] == "search":
            assert all(map(type_of, attributes["columns"]))
            assert all(type_of(field) in VALUES for field, _ in attributes["sort"])
        if saved["type"] == "index-pattern":
            assert all(type_of(field) in NUMBERS for field in json.loads(attributes["fieldFormatMap"]))
            assert type_of(attributes["timeFieldName"]) == "date"
