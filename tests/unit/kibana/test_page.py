"""docs/kibana.md against the objects that it is about."""

import json
import os
import re
from pathlib import Path

import pytest

from tests import kql
from tests.dashboard_picture import PICTURE, draw
from tests.unit.kibana.test_fields import type_of
from tests.unit.kibana.test_saved_objects import OBJECTS

PAGE = (Path(__file__).parents[3] / "docs" / "kibana.md").read_text("utf-8")
SEARCHES = [
    line for block in re.findall(r"^```kql\n(.*?)^```", PAGE, re.M | re.S) for line in block.splitlines()
]


def test_each_panel_is_on_the_page_in_its_order_with_what_it_shows() -> None:
    (dashboard,) = (saved for saved in OBJECTS if saved["type"] == "dashboard")
    by_id = {saved["id"]: saved["attributes"] for saved in OBJECTS}
    descriptions = [by_id[each["id"]]["description"] for each in dashboard["references"]]
    titles = [panel["title"] for panel in json.loads(dashboard["attributes"]["panelsJSON"])]
    table = PAGE.partition("| Panel | Shows |\n|---|---|\n")[2].partition("\n\n")[0]
    assert table.splitlines() == [
        f"| {one} | {other} |" for one, other in zip(titles, descriptions, strict=True)
    ]


def test_each_discover_session_is_on_the_page() -> None:
    for saved in OBJECTS:
        if saved["type"] == "search":
            assert f"`{saved['attributes']['title']}`" in PAGE


def test_the_page_says_how_many_objects_there_are_and_where_the_dashboard_is() -> None:
    dashboard = OBJECTS[-1]["id"]
    assert f"ebats: {len(OBJECTS)} objects imported; the dashboard: " in PAGE
    assert f"http://localhost:5601/app/dashboards#/view/{dashboard}\n" in PAGE


@pytest.mark.parametrize("search", SEARCHES)
def test_fields_of_a_search_are_in_the_template(search: str) -> None:
    kql.to_query(search)
    for field in kql.fields(search):
        type_of(field)


def test_the_picture_is_current() -> None:
    """EBATS_TEST_WRITE=1 draws it anew."""
    if os.environ.get("EBATS_TEST_WRITE") == "1":
        PICTURE.write_text(draw(), "utf-8")
    assert PICTURE.read_text("utf-8") == draw()
